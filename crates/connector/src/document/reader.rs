//! Typed access to the tree that notes every mistake instead of stopping at the first.
//!
//! Knows shapes, types and references inside the document. Must not know what a definition does.

use super::node::{Entry, Mapping, Node, Value};
use super::problem::{Problem, Problems, Severity};
use super::shape::Shape;
use crate::spelling::nearest;

/// Reads one document.
pub(super) struct Reader<'d> {
    /// The whole document; references are looked up here.
    pub(super) root: &'d Node,
    problems: Problems,
}

/// A map of a known shape.
#[derive(Clone, Copy)]
pub(super) struct Object<'d> {
    /// Where it stands.
    pub(super) node: &'d Node,
    /// Its entries.
    pub(super) map: &'d Mapping,
    /// How it is called.
    pub(super) what: &'static str,
}

impl<'d> Object<'d> {
    /// The value of a key; `null` counts as absent.
    pub(super) fn get(self, key: &str) -> Option<&'d Node> {
        self.map.get(key).filter(|node| !matches!(node.value, Value::Null))
    }
}

impl<'d> Reader<'d> {
    pub(super) fn new(root: &'d Node) -> Self {
        Self { root, problems: Problems::default() }
    }

    pub(super) fn finish(self) -> Vec<Problem> {
        self.problems.finish(self.root)
    }

    pub(super) fn error(&mut self, at: &Node, message: impl Into<String>) {
        self.problems.add(Severity::Error, at, message.into(), None);
    }

    /// A mistake and what would be right.
    pub(super) fn error_hint(&mut self, at: &Node, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.add(Severity::Error, at, message.into(), Some(hint.into()));
    }

    pub(super) fn warn(&mut self, at: &Node, message: impl Into<String>, hint: Option<String>) {
        self.problems.add(Severity::Warning, at, message.into(), hint);
    }

    /// A mistake in a key.
    pub(super) fn key_problem(
        &mut self,
        severity: Severity,
        entry: &Entry,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.problems.add_at_key(severity, (entry.line, entry.column), &entry.value, message.into(), hint);
    }

    /// A name that is not one of those it may be.
    pub(super) fn not_one_of(&mut self, at: &Node, what: &str, given: &str, valid: &[&str]) {
        let hint = match nearest(given, valid.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("valid: {}", valid.join(", ")),
        };
        self.error_hint(at, format!("unknown {what} {given:?}"), hint);
    }

    fn wrong_kind(&mut self, node: &Node, name: &str, wanted: &str) {
        let hint = match (&node.value, wanted) {
            (Value::Number(_) | Value::Bool(_), "text") => Some("put it in quotes".to_owned()),
            _ => None,
        };
        let message = format!("{name} must be {wanted}, not {}", node.kind());
        self.problems.add(Severity::Error, node, message, hint);
    }

    /// A map with known keys; unknown plain keys are errors.
    pub(super) fn object(&mut self, node: &'d Node, shape: &Shape) -> Option<Object<'d>> {
        let object = self.map(node, shape.what)?;
        for (key, entry) in object.map.iter() {
            self.check_key(key, entry, shape);
        }
        Some(object)
    }

    fn check_key(&mut self, key: &str, entry: &Entry, shape: &Shape) {
        let what = shape.what;
        if key.starts_with("x-") {
            if !shape.extensions.contains(&key)
                && let Some(near) = nearest(key, shape.extensions.iter().copied())
                && (key.starts_with("x-keybearer-") || near.len().abs_diff(key.len()) <= 1)
            {
                let message = format!("{key:?} in {what} has no effect");
                self.key_problem(Severity::Warning, entry, message, Some(format!("did you mean {near:?}?")));
            } else if key.starts_with("x-keybearer-") && !shape.extensions.contains(&key) {
                let message = format!("{key:?} has no effect in {what}");
                self.key_problem(Severity::Warning, entry, message, None);
            }
        } else if !shape.keys.contains(&key) {
            let near = nearest(key, shape.keys.iter().chain(shape.extensions).copied());
            let hint = match near {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("known keys: {}", shape.keys.join(", ")),
            };
            self.key_problem(Severity::Error, entry, format!("unknown key {key:?} in {what}"), Some(hint));
        }
    }

    /// A map with free keys.
    pub(super) fn map(&mut self, node: &'d Node, what: &'static str) -> Option<Object<'d>> {
        let map = node.as_mapping();
        if map.is_none() {
            self.wrong_kind(node, what, "a map");
        }
        map.map(|map| Object { node, map, what })
    }

    /// The map under a key, checked against a shape.
    pub(super) fn child(&mut self, object: Object<'d>, key: &str, shape: &Shape) -> Option<Object<'d>> {
        self.object(object.get(key)?, shape)
    }

    /// The map with free keys under a key.
    pub(super) fn child_map(
        &mut self,
        object: Object<'d>,
        key: &str,
        what: &'static str,
    ) -> Option<Object<'d>> {
        self.map(object.get(key)?, what)
    }

    /// Text under a key.
    pub(super) fn text(&mut self, object: Object<'d>, key: &str) -> Option<&'d str> {
        let node = object.get(key)?;
        if node.as_str().is_none() {
            self.wrong_kind(node, &format!("{key:?} in {}", object.what), "text");
        }
        node.as_str()
    }

    /// Text that must be there and not blank.
    pub(super) fn required_text(&mut self, object: Object<'d>, key: &str, example: &str) -> Option<&'d str> {
        if object.get(key).is_none() {
            let message = format!("{} lacks {key:?}", object.what);
            self.error_hint(object.node, message, format!("for example {key}: {example}"));
            return None;
        }
        let text = self.text(object, key)?;
        if text.trim().is_empty() {
            if let Some(node) = object.get(key) {
                self.error_hint(
                    node,
                    format!("{key:?} in {} is blank", object.what),
                    format!("for example {example}"),
                );
            }
            return None;
        }
        Some(text)
    }

    /// A text of a node that must be text.
    pub(super) fn text_node(&mut self, node: &'d Node, what: &str) -> Option<&'d str> {
        if node.as_str().is_none() {
            self.wrong_kind(node, what, "text");
        }
        node.as_str()
    }

    /// A truth value under a key.
    pub(super) fn flag(&mut self, object: Object<'d>, key: &str) -> Option<bool> {
        let node = object.get(key)?;
        if node.as_bool().is_none() {
            self.wrong_kind(node, &format!("{key:?} in {}", object.what), "true or false");
        }
        node.as_bool()
    }

    /// A number under a key.
    pub(super) fn number(&mut self, object: Object<'d>, key: &str) -> Option<f64> {
        let node = object.get(key)?;
        let number = match &node.value {
            Value::Number(number) => number.as_f64().filter(|n| n.is_finite()),
            _ => None,
        };
        if number.is_none() {
            self.wrong_kind(node, &format!("{key:?} in {}", object.what), "a number");
        }
        number
    }

    /// A whole number from 0 under a key.
    pub(super) fn whole(&mut self, object: Object<'d>, key: &str) -> Option<u64> {
        let node = object.get(key)?;
        let number = match &node.value {
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_kind(node, &format!("{key:?} in {}", object.what), "a whole number");
        }
        number
    }

    /// A list under a key; empty when absent.
    pub(super) fn list(&mut self, object: Object<'d>, key: &str) -> &'d [Node] {
        let Some(node) = object.get(key) else { return &[] };
        if node.as_sequence().is_none() {
            self.wrong_kind(node, &format!("{key:?} in {}", object.what), "a list");
        }
        node.as_sequence().unwrap_or_default()
    }

    /// A list of texts under a key.
    pub(super) fn texts(&mut self, object: Object<'d>, key: &str) -> Vec<&'d str> {
        let what = format!("an item of {key:?} in {}", object.what);
        self.list(object, key).iter().filter_map(|node| self.text_node(node, &what)).collect()
    }

    /// One of some words under a key.
    pub(super) fn choice<T: Copy>(
        &mut self,
        object: Object<'d>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(object, key)?;
        let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none()
            && let Some(node) = object.get(key)
        {
            let valid: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.not_one_of(node, key, text, &valid);
        }
        found
    }

    /// Follows `$ref` until there is none. Only `#/components/…` is followed; a cycle is a mistake.
    pub(super) fn resolve(&mut self, node: &'d Node) -> Option<&'d Node> {
        let mut node = node;
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let Some(reference) = node.get("$ref") else { return Some(node) };
            let target = self.text_node(reference, "\"$ref\"")?;
            if seen.contains(&target) {
                self.error(reference, format!("the reference {target} leads back to itself"));
                return None;
            }
            seen.push(target);
            match lookup(self.root, target) {
                Ok(found) => node = found,
                Err(hint) => {
                    self.error_hint(reference, format!("the reference {target:?} leads nowhere"), hint);
                    return None;
                }
            }
        }
    }
}

/// The node of a reference, or what would be right.
pub(super) fn lookup<'d>(root: &'d Node, reference: &str) -> Result<&'d Node, String> {
    let Some(pointer) = reference.strip_prefix("#/components/") else {
        return Err("references start with #/components/".to_owned());
    };
    let mut node = root.get("components").ok_or_else(|| "the document has no components".to_owned())?;
    for token in pointer.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        node = node.get(&token).ok_or_else(|| match nearest(&token, node.entries().map(|(key, _)| key)) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("there is no {token:?} there"),
        })?;
    }
    Ok(node)
}
