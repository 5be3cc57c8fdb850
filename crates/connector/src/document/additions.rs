//! Built-in values for published documents that lack what consent needs.
//!
//! Knows how a fragment is merged, and when it may be. Must not know which providers there are.

use super::node::{Entry, Mapping, Node, Value};
use super::problem::{Problem, Severity};
use super::yaml;
use indexmap::IndexMap;

/// Fragments by connector name.
///
/// ```yaml
/// google-drive:
///   authorization_url: https://accounts.google.com/o/oauth2/v2/auth   # only the origins count
///   token_url: https://oauth2.googleapis.com/token
///   scheme:                                                          # merged into the matching oauth2 scheme
///     x-keybearer-oauth: {authorize_params: {access_type: offline, prompt: consent}}
///   document: {}                                                     # merged into the root
/// ```
#[derive(Debug, Default)]
pub struct Additions {
    by_name: IndexMap<String, Addition>,
}

#[derive(Debug)]
struct Addition {
    authorization: Option<url::Origin>,
    token: url::Origin,
    scheme: Option<Node>,
    document: Option<Node>,
}

impl Additions {
    /// No additions.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads fragments: a map of connector names. Errors name the line.
    pub fn parse(source: &str) -> Result<Self, Vec<Problem>> {
        let root = yaml::parse(source)?;
        let mut by_name = IndexMap::new();
        let mut problems = Vec::new();
        for (name, entry) in root.entries() {
            match addition(&entry.value) {
                Ok(addition) => {
                    by_name.insert(name.to_owned(), addition);
                }
                Err(message) => problems.push(Problem {
                    severity: Severity::Error,
                    line: entry.line,
                    column: entry.column,
                    pointer: format!("/{name}"),
                    message,
                    suggestion: None,
                }),
            }
        }
        if problems.is_empty() { Ok(Self { by_name }) } else { Err(problems) }
    }

    /// Merges the fragment of this connector into its document, where the endpoints have the fragment's origins.
    pub(super) fn merge(&self, name: &str, root: &mut Node) {
        let Some(addition) = self.by_name.get(name) else { return };
        let Some(schemes) = root.get_mut("components").and_then(|node| node.get_mut("securitySchemes"))
        else {
            return;
        };
        let fitting: Vec<String> = schemes
            .entries()
            .filter(|(_, scheme)| addition.fits(&scheme.value))
            .map(|(name, _)| name.to_owned())
            .collect();
        for scheme in &fitting {
            if let (Some(target), Some(fragment)) = (schemes.get_mut(scheme), &addition.scheme) {
                merge(target, fragment);
            }
        }
        if !fitting.is_empty()
            && let Some(fragment) = &addition.document
        {
            merge(root, fragment);
        }
    }
}

impl Addition {
    fn fits(&self, scheme: &Node) -> bool {
        scheme.get("flows").is_some_and(|flows| {
            flows.entries().any(|(_, flow)| {
                let origin = |key: &str| flow.value.get(key).and_then(Node::as_str).and_then(origin);
                origin("tokenUrl").as_ref() == Some(&self.token)
                    && origin("authorizationUrl") == self.authorization
            })
        })
    }
}

fn addition(node: &Node) -> Result<Addition, String> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let authorization = match text("authorization_url") {
        Some(text) => Some(origin(text).ok_or_else(|| format!("{text:?} has no origin"))?),
        None => None,
    };
    let token = text("token_url").and_then(origin).ok_or("token_url must be an absolute URL")?;
    let (scheme, document) = (node.get("scheme").cloned(), node.get("document").cloned());
    Ok(Addition { authorization, token, scheme, document })
}

/// The origin of an endpoint. Expressions in a host are compared as they are written.
fn origin(text: &str) -> Option<url::Origin> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once("{{") {
        let (expression, after) = after.split_once("}}")?;
        plain.push_str(literal);
        plain.extend(expression.chars().filter(char::is_ascii_alphanumeric));
        rest = after;
    }
    plain.push_str(rest);
    let origin = url::Url::parse(&plain).ok()?.origin();
    origin.is_tuple().then_some(origin)
}

/// Adds what is absent; never changes what is there. New values take the place of the map they join.
fn merge(target: &mut Node, fragment: &Node) {
    let (line, column) = (target.line, target.column);
    let (Value::Mapping(map), Value::Mapping(added)) = (&mut target.value, &fragment.value) else { return };
    for (key, entry) in added.iter() {
        if let Some(existing) = map.get_mut(key) {
            merge(existing, &entry.value);
        } else {
            let value = placed(&entry.value, line, column);
            // The key is absent, so the insertion cannot fail.
            let _ = map.insert(key.to_owned(), Entry { line, column, value });
        }
    }
}

fn placed(node: &Node, line: usize, column: usize) -> Node {
    let value = match &node.value {
        Value::Sequence(items) => {
            Value::Sequence(items.iter().map(|item| placed(item, line, column)).collect())
        }
        Value::Mapping(map) => {
            let mut copy = Mapping::default();
            for (key, entry) in map.iter() {
                let value = placed(&entry.value, line, column);
                let _ = copy.insert(key.to_owned(), Entry { line, column, value });
            }
            Value::Mapping(copy)
        }
        other => other.clone(),
    };
    Node { value, line, column }
}
