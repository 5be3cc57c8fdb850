//! Converts `paths`: chooses operations, names them and puts their parts together.
//!
//! Knows which operations a definition can have. Must not know how their parts are converted.

use super::super::operations::METHODS;
use super::answers::{self, Answer};
use super::inputs;
use super::left_out::LeftOut;
use super::naming::{self, Unnamed};
use super::source::{Source, entries, flag, items, prose, text};
use serde_json::{Map, Value, json};

/// Longest summary and description, in characters.
const SUMMARY: usize = 100;
const DESCRIPTION: usize = 300;

/// The operations and what they share.
pub(super) struct Converted {
    pub(super) paths: Map<String, Value>,
    pub(super) schemas: Map<String, Value>,
}

/// One operation before it has a name.
struct Kept<'s> {
    unnamed: Unnamed,
    operation: &'s Value,
    parameters: Vec<Value>,
    body: Option<Value>,
    answer: Answer,
}

/// Converts what `only` names: path prefixes (`/v1/contacts`) or tags; all where it is empty.
pub(super) fn convert(source: &Source, only: &[String], left_out: &mut LeftOut) -> Converted {
    let mut kept = Vec::new();
    for (path, node) in entries(&source.root, "paths").filter(|(path, _)| path.starts_with('/')) {
        let Some(item) = source.resolve(node) else {
            left_out.note("paths whose reference leads nowhere", path);
            continue;
        };
        for method in ["head", "options", "trace", "query"] {
            if item.get(method).is_some() {
                left_out.note(format!("operations with {method}"), path);
            }
        }
        for (method, _) in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let place = format!("{} {path}", method.to_uppercase());
            if !wanted(path, operation, only) {
                left_out.note("operations that --only does not name", &place);
            } else if let Some(why) = refused(path, item, operation) {
                left_out.note(why, &place);
            } else {
                kept.extend(keep(source, (path, method), (item, operation), &place, left_out));
            }
        }
    }
    let names = {
        let unnamed: Vec<&Unnamed> = kept.iter().map(|kept: &Kept<'_>| &kept.unnamed).collect();
        naming::name_all(&unnamed)
    };
    let mut converted = Converted { paths: Map::new(), schemas: Map::new() };
    for (mut kept, (entity, action)) in kept.into_iter().zip(names) {
        if let Some((name, schema)) = kept.answer.record.take() {
            converted.schemas.entry(name).or_insert(schema);
        }
        let (path, method) = (kept.unnamed.path.clone(), kept.unnamed.method);
        let operation = assemble(kept, &entity, action);
        let item = converted.paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
        if let Some(item) = item.as_object_mut() {
            item.insert(method.to_owned(), operation);
        }
    }
    converted
}

fn wanted(path: &str, operation: &Value, only: &[String]) -> bool {
    only.is_empty()
        || only.iter().any(|pattern| {
            let tag = |tag: &Value| tag.as_str().is_some_and(|tag| tag.eq_ignore_ascii_case(pattern));
            if pattern.starts_with('/') {
                path.starts_with(pattern.as_str())
            } else {
                items(operation, "tags").iter().any(tag)
            }
        })
}

fn refused(path: &str, item: &Value, operation: &Value) -> Option<&'static str> {
    if path.contains(['?', '#', '\\']) || path.chars().any(char::is_control) {
        Some("operations whose path has a query or fragment")
    } else if flag(operation, "deprecated") {
        Some("deprecated operations")
    } else if !items(operation, "servers").is_empty() || !items(item, "servers").is_empty() {
        Some("operations at a server of their own")
    } else {
        None
    }
}

fn keep<'s>(
    source: &'s Source,
    (path, method): (&str, &'static str),
    (item, operation): (&Value, &'s Value),
    place: &str,
    left_out: &mut LeftOut,
) -> Option<Kept<'s>> {
    let Some((path, placeholders)) = renamed(path) else {
        left_out.note("operations whose path has braces that do not match", place);
        return None;
    };
    for key in ["callbacks", "x-webhooks"] {
        if operation.get(key).is_some() {
            left_out.note("callbacks, of", place);
        }
    }
    let body = match inputs::body(source, operation, place, left_out) {
        Ok(body) => body,
        Err(why) => {
            left_out.note(why, place);
            return None;
        }
    };
    let parameters = inputs::parameters(source, (item, operation), &placeholders, place, left_out);
    let segments: Vec<&str> = path.split('/').collect();
    let ends_in_placeholder = segments.last().is_some_and(|last| last.starts_with('{'));
    let segment = segments.iter().rev().find(|segment| !segment.contains('{')).copied().unwrap_or_default();
    let answer = answers::read(source, operation, (ends_in_placeholder, segment), place, left_out);
    let unnamed = Unnamed { path, method, many: answer.many, file: answer.file };
    Some(Kept { unnamed, operation, parameters, body, answer })
}

/// The path with placeholders that a definition may have, and their names.
fn renamed(path: &str) -> Option<(String, Vec<String>)> {
    let (mut whole, mut names, mut rest) = (String::new(), Vec::new(), path);
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        let name = inputs::placeholder(name);
        if name.is_empty() || literal.contains('}') {
            return None;
        }
        whole.extend([literal, "{", &name, "}"]);
        if !names.contains(&name) {
            names.push(name);
        }
        rest = after;
    }
    (!rest.contains('}')).then(|| (whole + rest, names))
}

fn assemble(kept: Kept<'_>, entity: &str, action: crate::plan::Action) -> Value {
    use crate::plan::Action;
    let mut converted = Map::new();
    let mut put = |key: &str, value: Value| drop(converted.insert(key.to_owned(), value));
    let words = |key: &str, most: usize| text(kept.operation, key).map(|words| prose(words, most));
    let name = || format!("{} {}", kept.unnamed.method.to_uppercase(), kept.unnamed.path);
    let summary = words("summary", SUMMARY).or_else(|| words("description", SUMMARY)).unwrap_or_else(name);
    if let Some(description) = words("description", DESCRIPTION).filter(|words| *words != summary) {
        put("summary", json!(summary));
        put("description", json!(description));
    } else {
        put("summary", json!(summary));
    }
    put("x-airbyte-entity", json!(entity));
    put("x-airbyte-action", json!(action.name()));
    let reads = matches!(action, Action::List | Action::Search);
    if action != Action::Download {
        if let Some(records) = kept.answer.records {
            put("x-airbyte-record-extractor", json!(records));
        }
        if reads && !kept.answer.meta.is_empty() {
            put("x-airbyte-meta-extractor", Value::Object(kept.answer.meta));
        }
    }
    if !kept.parameters.is_empty() {
        put("parameters", Value::Array(kept.parameters));
    }
    if let Some(body) = kept.body {
        put("requestBody", body);
    }
    put("responses", kept.answer.responses);
    Value::Object(converted)
}
