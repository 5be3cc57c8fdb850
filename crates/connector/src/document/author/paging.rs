//! Writes into a converted document how each list pages, as the loader understands it.
//!
//! Knows plans and the pagination key. Must not know vendors' habits (`infer`).

use super::super::emit::{Comments, pointer};
use crate::plan::{Action, NextCursor, Paging, Plan};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Puts `x-keybearer-pagination` where paging was found, and a comment where it was not.
pub(super) fn write(paths: &mut Map<String, Value>, plan: &Plan, comments: &mut Comments) {
    let reads = plan.operations.iter().filter(|o| matches!(o.action, Action::List | Action::Search));
    let found: HashMap<(&str, &str), Option<&Paging>> =
        reads.map(|o| ((o.entity.as_str(), o.action.name()), o.paging.as_ref())).collect();
    for (path, item) in paths.iter_mut() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
            let name = (text("x-airbyte-entity"), text("x-airbyte-action"));
            let Some(paging) = found.get(&name).copied() else { continue };
            let at = pointer(&pointer("/paths", path), method);
            let Some(operation) = operation.as_object_mut() else { continue };
            match paging.map(key_of).or_else(|| last_record(operation)) {
                Some(key) => insert(operation, key),
                None => {
                    let words = "TODO: how it pages (x-keybearer-pagination), or why it does not (x-airbyte-no-pagination)";
                    comments.insert(pointer(&at, "x-airbyte-action"), vec![words.to_owned()]);
                }
            }
        }
    }
}

/// The last record's id is the cursor: where `starting_after` is declared and the answer only says whether there is more.
fn last_record(operation: &Map<String, Value>) -> Option<Value> {
    let declared = |name: &str| {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        parameters
            .is_some_and(|all| all.iter().any(|parameter| parameter.get("name").is_some_and(|n| n == name)))
    };
    let records = operation.get("x-airbyte-record-extractor")?.as_str()?;
    let has_more = operation.get("x-airbyte-meta-extractor")?.get("has_more")?;
    if !declared("starting_after") {
        return None;
    }
    let cursor = format!("{records}[*].id");
    Some(if declared("limit") {
        json!({"cursor_param": "starting_after", "cursor": cursor, "has_more": has_more, "limit_param": "limit"})
    } else {
        json!({"cursor_param": "starting_after", "cursor": cursor, "has_more": has_more})
    })
}

/// Before the parameters that it names.
fn insert(operation: &mut Map<String, Value>, paging: Value) {
    let before =
        operation.keys().position(|key| ["parameters", "requestBody", "responses"].contains(&key.as_str()));
    let position = before.unwrap_or(operation.len());
    operation.shift_insert(position, "x-keybearer-pagination".to_owned(), paging);
}

fn key_of(paging: &Paging) -> Value {
    let mut key = Map::new();
    if let Some(name) = &paging.cursor_param {
        key.insert("cursor_param".to_owned(), json!(name));
    }
    let cursor = match &paging.next {
        NextCursor::Path(path) | NextCursor::Url(path) => path.to_string(),
        NextCursor::Link(relation) => format!("@link.{relation}"),
        NextCursor::Offset => "offset".to_owned(),
        NextCursor::Page { .. } => "page".to_owned(),
    };
    key.insert("cursor".to_owned(), json!(cursor));
    if matches!(paging.next, NextCursor::Url(_)) {
        key.insert("cursor_is".to_owned(), json!("url"));
    }
    if let NextCursor::Page { first } = paging.next
        && first != 1
    {
        key.insert("first_page".to_owned(), json!(first));
    }
    if let Some(path) = &paging.has_more {
        key.insert("has_more".to_owned(), json!(path.to_string()));
    }
    if let Some(name) = &paging.limit_param {
        key.insert("limit_param".to_owned(), json!(name));
    }
    Value::Object(key)
}
