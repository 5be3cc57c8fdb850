//! Converts an operation's parameters and request body.
//!
//! Knows where inputs stand in OpenAPI and which kinds a definition can have. Must not know answers.

use super::super::body::is_json;
use super::super::scheme::is_connection_header;
use super::left_out::LeftOut;
use super::schemas::Converter;
use super::source::{Source, entries, flag, items, prose, text};
use http::HeaderName;
use serde_json::{Map, Value, json};

/// Nesting that is kept in a request body.
const BODY_DEPTH: usize = 4;
/// Nesting that is kept in a parameter.
const PARAMETER_DEPTH: usize = 3;
/// Longest description of a parameter, in characters.
const DESCRIPTION: usize = 200;

/// The parameters: the operation's own, then those of its path. `placeholders` are the path's, in order.
pub(super) fn parameters(
    source: &Source,
    (item, operation): (&Value, &Value),
    placeholders: &[String],
    place: &str,
    left_out: &mut LeftOut,
) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for node in items(operation, "parameters").iter().chain(items(item, "parameters")) {
        let Some(parameter) = source.resolve(node) else {
            left_out.note("parameters whose reference leads nowhere, of", place);
            continue;
        };
        let (Some(name), Some(location)) = (text(parameter, "name"), text(parameter, "in")) else { continue };
        if let Some(why) = refused(parameter, name, location, placeholders) {
            left_out.note(why, &format!("{name} of {place}"));
            continue;
        }
        let name = if location == "path" { placeholder(name) } else { name.to_owned() };
        if !found.iter().any(|other| other["name"] == *name && other["in"] == *location) {
            let converted = parameter_of(source, parameter, (&name, location), place, left_out);
            found.push(Value::Object(converted));
        }
    }
    for name in placeholders {
        if !found.iter().any(|other| other["name"] == **name && other["in"] == "path") {
            found.push(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
        }
    }
    // Required ones first: the path's, then others.
    found.sort_by_key(|parameter| (parameter["in"] != "path", parameter["required"] != true));
    found
}

/// A placeholder's name as a definition may have it.
pub(super) fn placeholder(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn refused(parameter: &Value, name: &str, location: &str, placeholders: &[String]) -> Option<&'static str> {
    match location {
        "path" if !placeholders.contains(&placeholder(name)) => {
            Some("path parameters that the path does not use")
        }
        "path" => None,
        "query" | "header" if flag(parameter, "deprecated") && !flag(parameter, "required") => {
            Some("deprecated parameters")
        }
        "query" => None,
        "header" => match HeaderName::try_from(name) {
            Err(_) => Some("headers that HTTP does not allow"),
            // OpenAPI says of these three that they are ignored; cookies are a browser's.
            Ok(header)
                if ["accept", "content-type", "authorization", "cookie"].contains(&header.as_str()) =>
            {
                Some("headers that credentials, body and answer decide")
            }
            Ok(header) if is_connection_header(&header) => Some("headers that the HTTP client decides"),
            Ok(_) => None,
        },
        "cookie" => Some("cookies: a definition has none"),
        _ => Some("parameters in an unknown place"),
    }
}

fn parameter_of(
    source: &Source,
    parameter: &Value,
    (name, location): (&str, &str),
    place: &str,
    left_out: &mut LeftOut,
) -> Map<String, Value> {
    let mut converted = Map::new();
    let mut put = |key: &str, value: Value| drop(converted.insert(key.to_owned(), value));
    put("name", json!(name));
    put("in", json!(location));
    if location == "path" || flag(parameter, "required") {
        put("required", json!(true));
    }
    let json_text = entries(parameter, "content").next().is_some();
    let mut schema = match parameter.get("schema") {
        Some(schema) => Converter::new(source, left_out, place).schema(schema, PARAMETER_DEPTH),
        None => Map::from_iter([("type".to_owned(), json!("string"))]),
    };
    let own = schema.remove("description").and_then(|words| words.as_str().map(str::to_owned));
    let mut words =
        text(parameter, "description").map(|words| prose(words, DESCRIPTION)).or(own).unwrap_or_default();
    if json_text {
        left_out.note(
            "parameters that are JSON in a text: their schema was not kept",
            &format!("{name} of {place}"),
        );
        words.push_str(" (JSON text)");
    }
    if !words.is_empty() {
        put("description", json!(words.trim()));
    }
    let known = match location {
        "query" => ["form", "spaceDelimited", "pipeDelimited", "deepObject"].as_slice(),
        _ => ["simple"].as_slice(),
    };
    match text(parameter, "style") {
        Some(style) if known.contains(&style) => put("style", json!(style)),
        Some(_) => {
            left_out.note("parameter styles that a definition does not have", &format!("{name} of {place}"));
        }
        None => {}
    }
    if let Some(Value::Bool(explode)) = parameter.get("explode") {
        put("explode", json!(explode));
    }
    put("schema", Value::Object(schema));
    converted
}

/// The request body, `None` where the operation has none. `Err`: why the operation cannot be kept.
pub(super) fn body(
    source: &Source,
    operation: &Value,
    place: &str,
    left_out: &mut LeftOut,
) -> Result<Option<Value>, String> {
    let Some(node) = operation.get("requestBody") else { return Ok(None) };
    let body = source.resolve(node).ok_or("operations whose body's reference leads nowhere")?;
    let kinds: Vec<&str> = entries(body, "content").map(|(kind, _)| kind.as_str()).collect();
    let form = |kind: &&&str| kind.starts_with("application/x-www-form-urlencoded");
    let chosen = kinds
        .iter()
        .find(|kind| kind.starts_with("application/json"))
        .or_else(|| kinds.iter().find(|kind| is_json(kind)))
        .or_else(|| kinds.iter().find(form));
    let Some(chosen) = chosen else {
        let given = kinds.first().copied().unwrap_or("none");
        return Err(format!("operations with a body of the type {given}"));
    };
    if kinds.len() > 1 {
        left_out.note("further body types beside the one that is kept, of", place);
    }
    let schema = body.get("content").and_then(|content| content.get(*chosen)?.get("schema"));
    let mut schema = match schema {
        Some(schema) => Converter::new(source, left_out, place).schema(schema, BODY_DEPTH),
        None => Map::new(),
    };
    let list = schema.get("type").is_some_and(|kind| kind == "array");
    let object =
        if list { schema.get_mut("items").and_then(Value::as_object_mut) } else { Some(&mut schema) };
    let Some(object) = object else { return Err("operations whose body is a list of anything".to_owned()) };
    let declared =
        object.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty());
    let plain = object.get("type").is_some_and(|kind| kind != "object" && !kind.is_array());
    if !declared && plain {
        return Err("operations whose body is no object".to_owned());
    }
    if !declared {
        if entries(body, "content").all(|(_, media)| media.pointer("/schema/properties").is_some()) {
            // Stripe's way to say that there is nothing to send.
            return Ok(None);
        }
        object.insert("type".to_owned(), json!("object"));
        object.insert("additionalProperties".to_owned(), json!(true));
    }
    let mut converted = Map::new();
    if flag(body, "required") {
        converted.insert("required".to_owned(), json!(true));
    }
    converted.insert("content".to_owned(), json!({*chosen: {"schema": schema}}));
    Ok(Some(Value::Object(converted)))
}
