//! Makes a tool's input schema small: what a model needs to write the arguments, within what providers accept.
//!
//! Knows JSON Schema as the document writes it out. Must not know parameters.

use serde_json::{Map, Value, json};

/// Longest description of one property, in characters.
const LONGEST_TEXT: usize = 200;
/// Deepest nesting that is spelt out; what lies below is any object or list.
const DEEPEST: usize = 4;
/// Keywords that say nothing about how to write a value.
const IDLE: [&str; 8] = [
    "title",
    "examples",
    "readOnly",
    "writeOnly",
    "deprecated",
    "contentMediaType",
    "contentEncoding",
    "uniqueItems",
];

/// Shortens an object schema in place.
pub(super) fn input(schema: &mut Value) {
    shorten(schema, 0);
}

fn shorten(schema: &mut Value, depth: usize) {
    let Some(map) = schema.as_object_mut() else { return };
    map.retain(|keyword, value| !IDLE.contains(&keyword.as_str()) && !is_open(keyword, value));
    if let Some(Value::String(text)) = map.get_mut("description") {
        *text = cut(text, LONGEST_TEXT);
    }
    if map.get("description") == Some(&json!("")) {
        map.shift_remove("description");
    }
    if depth >= DEEPEST {
        map.retain(|keyword, _| {
            matches!(keyword.as_str(), "type" | "description" | "enum" | "const" | "format")
        });
    }
    for (keyword, value) in map.iter_mut() {
        for inner in inner_schemas(keyword, value) {
            shorten(inner, depth + 1);
        }
    }
    // OpenAI refuses a list that does not say what it holds.
    if is_list(map) && !map.contains_key("items") {
        map.insert("items".to_owned(), json!({}));
    }
}

/// The schemas that a keyword's value holds.
fn inner_schemas<'v>(keyword: &str, value: &'v mut Value) -> Vec<&'v mut Value> {
    match (keyword, value) {
        ("properties" | "patternProperties", Value::Object(members)) => members.values_mut().collect(),
        ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(members)) => members.iter_mut().collect(),
        (
            "items" | "additionalProperties" | "not" | "contains" | "propertyNames" | "if" | "then" | "else",
            one,
        ) => vec![one],
        _ => Vec::new(),
    }
}

/// Says only that anything more is accepted, which holds without it.
fn is_open(keyword: &str, value: &Value) -> bool {
    match keyword {
        "additionalProperties" => *value == json!(true) || *value == json!({}),
        "required" => *value == json!([]),
        "default" => value.is_null(),
        _ => false,
    }
}

fn is_list(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.contains(&json!("array")),
        other => other == Some(&json!("array")),
    }
}

/// At most so many characters on one line, cut between words.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    let end = head.rfind(' ').filter(|end| *end > most / 2).unwrap_or(head.len());
    format!("{}…", head.get(..end).unwrap_or(&head).trim_end_matches([',', ';', ':', ' ']))
}
