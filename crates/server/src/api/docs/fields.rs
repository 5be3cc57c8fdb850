//! Schemas as tables: one row a field, fields of fields with dots.
//!
//! Knows as much JSON Schema as the document uses.

use super::html::{Page, inline};
use serde_json::{Map, Value};

/// How deep fields of fields are shown.
const DEPTH: usize = 4;

/// A table of a schema's fields; nothing for a schema without any. `use_of` is `request` or `response`.
pub(super) fn table(page: &mut Page, document: &Value, schema: &Value, use_of: &str) {
    let mut rows = Vec::new();
    collect(document, schema, "", 0, &mut rows);
    if rows.is_empty() {
        return;
    }
    page.raw("<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
    for row in rows {
        page.raw("<tr><td><code>").text(&row.name).raw("</code>");
        match (use_of, row.required) {
            ("request", true) => page.raw(" <span class=\"need\">required</span>"),
            ("response", false) => page.raw(" <span class=\"place\">where known</span>"),
            _ => &mut *page,
        };
        page.raw("</td><td>").text(&row.kind).raw("</td><td>").raw(&inline(&row.meaning));
        if !row.limits.is_empty() {
            page.raw(" <span class=\"limits\">").text(&row.limits).raw("</span>");
        }
        page.raw("</td></tr>");
    }
    page.raw("</tbody></table>");
    if use_of == "request" {
        alternatives(page, document, schema);
    }
}

struct Row {
    name: String,
    kind: String,
    required: bool,
    meaning: String,
    limits: String,
}

/// The schema behind references, and whether null is allowed too.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> (&'a Value, bool) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return target.map_or((schema, false), |target| resolve(document, target));
    }
    let variants = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    let Some(variants) = variants else { return (schema, has_type(schema, "null")) };
    let mut others = variants.iter().filter(|variant| !has_type(variant, "null"));
    match (others.next(), others.next()) {
        (Some(one), None) => (resolve(document, one).0, true),
        _ => (schema, variants.iter().any(|variant| has_type(variant, "null"))),
    }
}

fn has_type(schema: &Value, name: &str) -> bool {
    types(schema).contains(&name)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn collect(document: &Value, schema: &Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
    let (schema, _) = resolve(document, schema);
    if let Some(items) = schema.get("items").filter(|_| depth < DEPTH) {
        return collect(document, items, &format!("{prefix}[]"), depth + 1, rows);
    }
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    for (name, property) in properties {
        let (inner, nullable) = resolve(document, property);
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let meaning =
            [property, inner].iter().find_map(|schema| schema.get("description").and_then(Value::as_str));
        let is_required = required.contains(&name.as_str());
        rows.push(Row {
            name: path.clone(),
            kind: kind(document, inner, nullable && is_required),
            required: is_required,
            meaning: meaning.unwrap_or_default().to_owned(),
            limits: limits(inner),
        });
        if depth < DEPTH {
            collect(document, inner, &path, depth + 1, rows);
        }
    }
}

/// Type, format and accepted words.
pub(super) fn kind(document: &Value, schema: &Value, nullable: bool) -> String {
    let (schema, _) = resolve(document, schema);
    let mut kind = if let Some(words) =
        schema.get("enum").and_then(Value::as_array).filter(|words| words.len() < 9)
    {
        words.iter().filter_map(Value::as_str).map(|word| format!("“{word}”")).collect::<Vec<_>>().join(" | ")
    } else if let Some(items) = schema.get("items") {
        format!("list of {}", kind(document, items, false))
    } else if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
        let variants = variants.iter().filter(|variant| !has_type(variant, "null"));
        variants.map(|variant| kind(document, variant, false)).collect::<Vec<_>>().join(" | ")
    } else {
        let names: Vec<&str> = types(schema).into_iter().filter(|name| *name != "null").collect();
        let names = if names.is_empty() { vec!["any"] } else { names };
        match schema.get("format").and_then(Value::as_str).filter(|format| !format.contains("int")) {
            Some("password") => "string, secret".to_owned(),
            Some(format) => format!("{}, {format}", names.join(" | ")),
            None => names.join(" | "),
        }
    };
    if nullable {
        kind.push_str(" | null");
    }
    kind
}

/// Limits in words.
pub(super) fn limits(schema: &Value) -> String {
    let mut words = Vec::new();
    for (key, text) in [
        ("minLength", "not empty"),
        ("maxLength", "at most # characters"),
        ("minimum", "at least #"),
        ("maximum", "at most #"),
        ("minItems", "at least # entries"),
        ("maxItems", "at most # entries"),
        ("pattern", "matches #"),
        ("default", "default #"),
    ] {
        // Whole numbers that are counted are never negative, so a lower limit of 0 says nothing.
        if let Some(value) =
            schema.get(key).filter(|value| !(key == "minimum" && value.as_f64() == Some(0.0)))
        {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            words.push(text.replace('#', &value));
        }
    }
    words.join(", ")
}

/// Fields of which one must be given.
fn alternatives(page: &mut Page, document: &Value, schema: &Value) {
    let (schema, _) = resolve(document, schema);
    for group in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        for (key, word) in [("oneOf", "Exactly one of "), ("anyOf", "One of ")] {
            let Some(variants) = group.get(key).and_then(Value::as_array) else { continue };
            let names = variants
                .iter()
                .filter_map(|variant| variant.pointer("/required/0"))
                .filter_map(Value::as_str);
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            page.raw("<p>").raw(word).raw(&inline(&names.join(", "))).raw(" is required.</p>");
        }
    }
}
