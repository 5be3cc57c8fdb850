//! Built-in values for published documents that lack what consent needs.
//!
//! Knows how a fragment is merged, and when it may be. Must not know which providers there are.

use super::node::{Entry, Mapping, Node, Value};
use super::operations::METHODS;
use super::problem::{Problem, Severity};
use super::yaml;
use crate::plan::Action;
use indexmap::IndexMap;
use url::Origin;

/// Fragments by connector name.
///
/// ```yaml
/// google-drive:
///   authorization_url: https://accounts.google.com/o/oauth2/v2/auth   # only the origins count
///   token_url: https://oauth2.googleapis.com/token
///   scheme:                                                          # merged into the matching oauth2 schemes
///     x-keybearer-oauth: {authorize_params: {access_type: offline, prompt: consent}}
///   document: {}                                                     # merged into the root
///   paging:                                                          # x-keybearer-pagination of operations
///     files: {cursor_param: pageToken, cursor: $.nextPageToken}      # an entity's list; others as files.search
/// typeform:
///   server_url: https://api.typeform.com                             # for documents without consent: paging only
///   paging: {}
/// ```
#[derive(Debug, Default)]
pub struct Additions {
    by_name: IndexMap<String, Addition>,
}

/// A value that a document lacked and Keybearer supplied.
#[derive(Debug, Clone, PartialEq)]
pub struct Supplied {
    /// JSON pointer into the document.
    pub pointer: String,
    /// The value there.
    pub value: serde_json::Value,
}

#[derive(Debug)]
struct Addition {
    place: Place,
    scheme: Option<Node>,
    document: Option<Node>,
    paging: Vec<(String, Action, Node)>,
}

/// Whose document a fragment is for.
#[derive(Debug)]
enum Place {
    /// One with an OAuth flow at these origins.
    Flow { authorization: Option<Origin>, token: Origin },
    /// One with this server.
    Server(Origin),
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
            match Addition::read(&entry.value) {
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

    /// The document with the fragment of this connector, and what came from there. None where no fragment is for it.
    pub(super) fn merged(&self, name: &str, document: &Node) -> Option<(Node, Vec<Supplied>)> {
        let addition = self.by_name.get(name).filter(|addition| addition.is_for(document))?;
        let mut root = document.clone();
        let mut supplied = Vec::new();
        addition.add_to_schemes(&mut root, &mut supplied);
        addition.add_to_operations(&mut root, &mut supplied);
        if let Some(fragment) = &addition.document {
            merge(&mut root, fragment, "", &mut supplied);
        }
        (!supplied.is_empty()).then_some((root, supplied))
    }
}

/// Tells that additions were left out, because of this mistake.
pub(super) fn unfit(problem: Problem) -> Problem {
    Problem {
        severity: Severity::Warning,
        message: format!(
            "Keybearer's values for this connector do not fit and were left out: {}",
            problem.message
        ),
        ..problem
    }
}

impl Addition {
    fn read(node: &Node) -> Result<Self, String> {
        const KEYS: [&str; 6] =
            ["authorization_url", "token_url", "server_url", "scheme", "document", "paging"];
        if let Some((key, _)) = node.entries().find(|(key, _)| !KEYS.contains(key)) {
            return Err(format!("unknown key {key:?}; known are {}", KEYS.join(", ")));
        }
        let url = |key: &str| {
            let text = node.get(key)?.as_str().unwrap_or_default();
            Some(origin(text).ok_or_else(|| format!("{key} {text:?} has no origin")))
        };
        let (scheme, document) = (node.get("scheme").cloned(), node.get("document").cloned());
        let place = match (url("token_url"), url("server_url")) {
            (Some(token), None) => {
                Place::Flow { authorization: url("authorization_url").transpose()?, token: token? }
            }
            (None, Some(server)) if scheme.is_none() && document.is_none() => Place::Server(server?),
            (None, Some(_)) => return Err("a server_url alone allows only paging".to_owned()),
            _ => return Err("either token_url or server_url must be given".to_owned()),
        };
        let paging = node.get("paging").into_iter().flat_map(Node::entries);
        let paging = paging.map(|(name, entry)| {
            let (entity, action) = operation(name);
            (entity.to_owned(), action, entry.value.clone())
        });
        Ok(Self { place, scheme, document, paging: paging.collect() })
    }

    fn is_for(&self, document: &Node) -> bool {
        match &self.place {
            Place::Flow { .. } => schemes(document)
                .into_iter()
                .flat_map(Node::entries)
                .any(|(_, entry)| self.fits(&entry.value)),
            Place::Server(server) => {
                let url = document
                    .get("servers")
                    .and_then(Node::as_sequence)
                    .and_then(|servers| servers.first()?.get("url")?.as_str());
                url.and_then(origin).as_ref() == Some(server)
            }
        }
    }

    /// The scheme has a flow whose two endpoints have the fragment's origins.
    fn fits(&self, scheme: &Node) -> bool {
        let Place::Flow { authorization, token } = &self.place else { return false };
        scheme.get("flows").is_some_and(|flows| {
            flows.entries().any(|(_, flow)| {
                let origin = |key: &str| flow.value.get(key).and_then(Node::as_str).and_then(origin);
                origin("tokenUrl").as_ref() == Some(token) && origin("authorizationUrl") == *authorization
            })
        })
    }

    fn add_to_schemes(&self, root: &mut Node, supplied: &mut Vec<Supplied>) {
        let Some(fragment) = &self.scheme else { return };
        let names = schemes(root).into_iter().flat_map(Node::entries);
        let fitting: Vec<String> =
            names.filter(|(_, scheme)| self.fits(&scheme.value)).map(|(name, _)| name.to_owned()).collect();
        let schemes = root.get_mut("components").and_then(|node| node.get_mut("securitySchemes"));
        let Some(schemes) = schemes else { return };
        for name in fitting {
            if let Some(target) = schemes.get_mut(&name) {
                let at = format!("/components/securitySchemes/{}", escaped(&name));
                merge(target, fragment, &at, supplied);
            }
        }
    }

    fn add_to_operations(&self, root: &mut Node, supplied: &mut Vec<Supplied>) {
        let Some(paths) = root.get_mut("paths") else { return };
        let names: Vec<String> = paths.entries().map(|(path, _)| path.to_owned()).collect();
        for path in names {
            for (method, _) in METHODS {
                let operation = paths.get_mut(&path).and_then(|item| item.get_mut(method));
                let Some(operation) = operation else { continue };
                if let Some(paging) = self.paging_of(operation) {
                    let at = format!("/paths/{}/{method}/{PAGINATION}", escaped(&path));
                    add(operation, PAGINATION, paging, at, supplied);
                }
            }
        }
    }

    fn paging_of(&self, operation: &Node) -> Option<&Node> {
        let text = |key: &str| operation.get(key).and_then(Node::as_str);
        let (entity, action) = (text("x-airbyte-entity")?, Action::parse(text("x-airbyte-action")?)?);
        let found = self.paging.iter().find(|(other, of, _)| other == entity && *of == action);
        found.map(|(_, _, paging)| paging)
    }
}

const PAGINATION: &str = "x-keybearer-pagination";

/// `files.search`, or `files` for its list.
fn operation(name: &str) -> (&str, Action) {
    let split = name.rsplit_once('.');
    split.and_then(|(entity, action)| Some((entity, Action::parse(action)?))).unwrap_or((name, Action::List))
}

fn schemes(document: &Node) -> Option<&Node> {
    document.get("components")?.get("securitySchemes")
}

/// The origin of a URL. Expressions (`{{ shop }}`, `{shop}`) are compared by their letters.
fn origin(text: &str) -> Option<Origin> {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            _ if depth == 0 || character.is_ascii_alphanumeric() => plain.push(character),
            _ => {}
        }
    }
    let origin = url::Url::parse(&plain).ok().filter(|_| depth == 0)?.origin();
    origin.is_tuple().then_some(origin)
}

/// Adds what is absent; never changes what is there.
fn merge(target: &mut Node, fragment: &Node, at: &str, supplied: &mut Vec<Supplied>) {
    for (key, entry) in fragment.entries() {
        let pointer = format!("{at}/{}", escaped(key));
        match target.get_mut(key) {
            Some(existing) => merge(existing, &entry.value, &pointer, supplied),
            None => add(target, key, &entry.value, pointer, supplied),
        }
    }
}

/// Adds one key to a map that may lack it. Its value takes the place of the map in the file.
fn add(target: &mut Node, key: &str, value: &Node, pointer: String, supplied: &mut Vec<Supplied>) {
    let (line, column) = (target.line, target.column);
    let Value::Mapping(map) = &mut target.value else { return };
    let entry = Entry { line, column, value: placed(value, line, column) };
    if map.get(key).is_none() && map.insert(key.to_owned(), entry).is_ok() {
        supplied.push(Supplied { pointer, value: value.to_json() });
    }
}

/// A key as a part of a JSON pointer (RFC 6901 section 3).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
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
