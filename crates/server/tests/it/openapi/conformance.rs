//! As much of JSON Schema as the document uses, read strictly: a key that no schema names is a mistake too.

use super::resolve;
use serde_json::Value;

/// Schemas that say in their text that there may be more keys than they name.
const OPEN: [&str; 2] = ["ConnectorMetadata", "ErrorDetails"];

/// What is wrong with a value, each with where it is.
pub(super) fn mistakes(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let open = schema["$ref"].as_str().is_some_and(|name| OPEN.iter().any(|open| name.ends_with(open)));
    let schema = resolve(document, schema);
    let mut wrong = Vec::new();
    if let Some(variants) = schema["oneOf"].as_array() {
        let fits = variants.iter().filter(|one| mistakes(document, one, value, at).is_empty()).count();
        if fits != 1 {
            wrong.push(format!("{at}: {value} fits {fits} of the variants, not one"));
        }
    }
    for group in schema["allOf"].as_array().into_iter().flatten() {
        for (key, most) in [("oneOf", 1), ("anyOf", usize::MAX)] {
            let Some(variants) = group[key].as_array() else { continue };
            let named = |one: &&Value| value.get(one["required"][0].as_str().unwrap()).is_some();
            let given = variants.iter().filter(named).count();
            if given == 0 || given > most {
                wrong.push(format!("{at}: names {given} of {variants:?}"));
            }
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is(name, value)) {
        wrong.push(format!("{at}: {value} is not {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        wrong.push(format!("{at}: {value} is none of {words:?}"));
    }
    if let Some(text) = value.as_str() {
        let good = match schema["format"].as_str() {
            Some("uuid") => uuid::Uuid::try_parse(text).is_ok(),
            Some("date-time") => text.parse::<jiff::Timestamp>().is_ok() && text.ends_with('Z'),
            Some("uri") => url::Url::parse(text).is_ok(),
            _ => true,
        };
        if !good {
            wrong.push(format!("{at}: {text} is no {}", schema["format"]));
        }
    }
    if let (Some(items), true) = (value.as_array(), schema["items"].is_object()) {
        for (position, item) in items.iter().enumerate() {
            wrong.extend(mistakes(document, &schema["items"], item, &format!("{at}[{position}]")));
        }
    }
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                wrong.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, value) in object {
            match properties.get(name) {
                Some(property) => wrong.extend(mistakes(document, property, value, &format!("{at}.{name}"))),
                None if open => {}
                None => wrong.push(format!("{at}: {name} is not described")),
            }
        }
    }
    wrong
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other}"),
    }
}

#[test]
fn strictness() {
    let document =
        serde_json::json!({"components": {"schemas": {"Id": {"type": "string", "format": "uuid"}}}});
    let schema = serde_json::json!({
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"$ref": "#/components/schemas/Id"}, "status": {"type": ["string", "null"], "enum": ["a", null]}},
    });
    for (value, wrong) in [
        (serde_json::json!({"id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005", "status": null}), 0),
        (serde_json::json!({"id": "x"}), 1),
        (serde_json::json!({"status": "b"}), 2),
        (serde_json::json!({"id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005", "more": 1}), 1),
        (serde_json::json!([]), 1),
    ] {
        assert_eq!(mistakes(&document, &schema, &value, "").len(), wrong, "{value}");
    }
}
