//! A call to copy: `curl` with the example body of the document.
//!
//! Knows quoting for a POSIX shell.

use super::fields::resolve;
use super::operation::Operation;
use serde_json::Value;

/// The call.
pub(super) fn example(operation: &Operation<'_>, document: &Value) -> String {
    let mut lines = Vec::new();
    let method = if operation.method == "GET" { String::new() } else { format!("-X {} ", operation.method) };
    lines.push(format!("curl {method}\"$KEYBEARER_URL{}\"", path(operation)));
    if operation.value.get("x-keybearer-access").and_then(Value::as_str) != Some("public") {
        lines.push("  -H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    if let Some(content) = operation.value.pointer("/requestBody/content/application~1json") {
        lines.push("  -H 'Content-Type: application/json'".to_owned());
        let first =
            content.get("examples").and_then(Value::as_object).and_then(|examples| examples.values().next());
        let body = first.and_then(|example| example.get("value"));
        let body = body.or_else(|| content.get("schema").and_then(|schema| schema_example(document, schema)));
        if let Some(body) = body {
            lines.push(format!("  -d '{}'", body.to_string().replace('\'', r"'\''")));
        }
    }
    lines.join(" \\\n")
}

/// The path with required query parameters; placeholders become shell variables.
fn path(operation: &Operation<'_>) -> String {
    let mut path = String::new();
    for part in operation.path.split_inclusive(['{', '}']) {
        match (part.strip_suffix('{'), part.strip_suffix('}')) {
            (Some(before), _) => path.push_str(before),
            (_, Some(name)) => {
                path.push('$');
                path.push_str(&name.to_ascii_uppercase());
            }
            _ => path.push_str(part),
        }
    }
    let parameters = operation.value.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let shown = parameters.filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"));
    let shown = shown.filter_map(|parameter| {
        let name = parameter.get("name").and_then(Value::as_str)?;
        let example = parameter.get("example").and_then(Value::as_str)?;
        Some(format!("{name}={example}"))
    });
    let query: Vec<String> = shown.collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// The first example of a schema.
pub(super) fn schema_example<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    resolve(document, schema).0.pointer("/examples/0")
}
