//! Tells one operation: its parameters as a JSON Schema, how it pages, an example.
//!
//! Knows what a caller may give. Must not know how it is sent.

use crate::document::{Definition, OperationText};
use crate::plan::{Action, Body, BodyField, Operation, Plan, ValueType};
use serde_json::{Map, Value, json};

pub(super) fn describe(definition: &Definition, operation: &Operation) -> Value {
    let text = definition.document.operation(&operation.entity, operation.action);
    let properties = properties(definition, operation, text.as_ref());
    let required = required(&definition.plan, operation);
    let example = example(&properties, &required);
    let mut told = Map::new();
    told.insert("entity".to_owned(), json!(operation.entity));
    told.insert("action".to_owned(), json!(operation.action.name()));
    told.insert(
        "summary".to_owned(),
        json!(text.as_ref().and_then(|t| t.summary).unwrap_or_default().trim()),
    );
    told.insert(
        "description".to_owned(),
        json!(text.as_ref().and_then(|t| t.description).unwrap_or_default().trim()),
    );
    told.insert(
        "params".to_owned(),
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": is_open(operation),
        }),
    );
    if let Some(paging) = paging(operation, text.as_ref()) {
        told.insert("paging".to_owned(), json!(paging));
    }
    told.insert(
        "example".to_owned(),
        json!({
            "entity": operation.entity, "action": operation.action.name(), "params": example,
        }),
    );
    if let Some(result) = result(definition, operation, text.as_ref()) {
        told.insert("result".to_owned(), result);
    }
    Value::Object(told)
}

/// Names that a caller must give: required, without a default and not filled from configuration.
pub(super) fn required<'p>(plan: &Plan, operation: &'p Operation) -> Vec<&'p str> {
    let scoped = |name: &str| plan.scoping.iter().any(|rule| rule.param == name);
    let parameters = operation
        .parameters
        .iter()
        .filter(|p| p.required && p.default.is_none() && p.inject.is_none() && !scoped(&p.name));
    let mut names: Vec<&str> = parameters.map(|parameter| parameter.name.as_str()).collect();
    let fields = operation.body_fields().iter().filter(|field| field.required && field.default.is_none());
    for field in fields.filter(|field| !scoped(&field.name)) {
        if !names.contains(&field.name.as_str()) {
            names.push(&field.name);
        }
    }
    names
}

fn is_open(operation: &Operation) -> bool {
    match &operation.body {
        Body::Json(fields) | Body::Form(fields) | Body::Related { fields, .. } => fields.open.is_some(),
        Body::None | Body::Graphql(_) => false,
    }
}

fn properties(
    definition: &Definition,
    operation: &Operation,
    text: Option<&OperationText<'_>>,
) -> Map<String, Value> {
    let mut properties = Map::new();
    let documented = |name: &str| text.and_then(|text| definition.document.input_schema(text, name));
    for parameter in &operation.parameters {
        let schema = documented(&parameter.name).unwrap_or_default();
        properties.insert(parameter.name.clone(), typed(schema, &parameter.value_type));
    }
    for field in operation.body_fields() {
        if !properties.contains_key(&field.name) {
            let schema = documented(&field.name).unwrap_or_else(|| undocumented(operation, field));
            properties.insert(field.name.clone(), typed(schema, &field.value_type));
        }
    }
    let mut add = |name: &str, schema: Value| {
        if !properties.contains_key(name) {
            properties.insert(name.to_owned(), schema);
        }
    };
    if let Some(paging) = &operation.paging {
        if paging.limit_param.is_some() {
            add(
                "limit",
                json!({"type": "integer", "minimum": 1, "description": "Most records of one page."}),
            );
        }
        add("cursor", json!({"type": "string", "description": "end_cursor of the page before."}));
    }
    if operation.action == Action::Download {
        add(
            "range_header",
            json!({"type": "string", "description": "Part of the file, such as bytes=0-49151."}),
        );
        add(
            "_airbyte_response_type",
            json!({"type": "string", "enum": ["json"], "description": "json: a part of the file as text inside JSON."}),
        );
        add(
            "_airbyte_response_format",
            json!({"type": "string", "enum": ["base64", "text"], "description": "How that part is written."}),
        );
    }
    properties
}

/// The selection of a GraphQL query has no schema of its own.
fn undocumented(operation: &Operation, field: &BodyField) -> Map<String, Value> {
    let mut schema = Map::new();
    if matches!(operation.body, Body::Graphql(_)) && field.name == "fields" {
        let text = "Fields to return instead of the usual ones; a dot leads into an object.";
        schema.insert("description".to_owned(), json!(text));
    }
    if !field.allowed.is_empty() {
        schema.insert("enum".to_owned(), json!(field.allowed));
    }
    schema
}

/// A schema with a type, where the plan knows one and the document does not say it in one word.
fn typed(mut schema: Map<String, Value>, value_type: &ValueType) -> Value {
    let says = ["type", "oneOf", "anyOf", "allOf", "enum"].iter().any(|key| schema.contains_key(*key));
    if !says && let Some(name) = type_name(value_type) {
        schema.insert("type".to_owned(), json!(name));
        if let ValueType::Array(items) = value_type {
            schema.insert(
                "items".to_owned(),
                json!(type_name(items).map_or_else(|| json!({}), |name| json!({"type": name}))),
            );
        }
    }
    Value::Object(schema)
}

fn type_name(value_type: &ValueType) -> Option<&'static str> {
    Some(match value_type {
        ValueType::Any => return None,
        ValueType::String => "string",
        ValueType::Integer => "integer",
        ValueType::Number => "number",
        ValueType::Boolean => "boolean",
        ValueType::Array(_) => "array",
        ValueType::Object => "object",
    })
}

/// How it pages, in a sentence. `None` for operations with one record.
fn paging(operation: &Operation, text: Option<&OperationText<'_>>) -> Option<String> {
    if !matches!(operation.action, Action::List | Action::Search) && operation.paging.is_none() {
        return None;
    }
    let Some(paging) = &operation.paging else {
        let told = if text.is_some_and(|text| text.never_pages) {
            "Does not page: one answer holds everything."
        } else {
            "Does not page by cursor; the operation's own parameters say which part comes."
        };
        return Some(told.to_owned());
    };
    let sizes = match (&paging.limit_param, paging.default_limit) {
        (Some(_), Some(size)) => format!("limit sizes a page ({size} without it)"),
        (Some(_), None) => "limit sizes a page".to_owned(),
        (None, _) => "the provider sizes the page".to_owned(),
    };
    Some(format!(
        "Pages: while connector_metadata.has_next_page is true, call again with cursor = \
         connector_metadata.end_cursor; {sizes}."
    ))
}

/// Values for the required parameters, and a small limit where it pages.
fn example(properties: &Map<String, Value>, required: &[&str]) -> Map<String, Value> {
    let mut example = Map::new();
    for name in required {
        if let Some(schema) = properties.get(*name) {
            example.insert((*name).to_owned(), sample(name, schema));
        }
    }
    if properties.contains_key("cursor") && properties.contains_key("limit") {
        example.insert("limit".to_owned(), json!(10));
    }
    example
}

fn sample(name: &str, schema: &Value) -> Value {
    let first =
        |key: &str| schema.get(key).and_then(Value::as_array).and_then(|values| values.first()).cloned();
    if let Some(value) =
        first("examples").or_else(|| schema.get("default").cloned()).or_else(|| first("enum"))
    {
        return value;
    }
    let kind = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        other => other.and_then(Value::as_str),
    };
    match kind {
        Some("integer") => json!(schema.get("minimum").and_then(Value::as_u64).unwrap_or(1)),
        Some("number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([schema
            .get("items")
            .map_or_else(|| json!(format!("<{name}>")), |items| sample(name, items))]),
        Some("object") => required_members(schema),
        _ => json!(format!("<{name}>")),
    }
}

/// An object with its required members, those of its first alternative included.
fn required_members(schema: &Value) -> Value {
    let list = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
    let properties = schema.get("properties");
    let member = |name: &str| {
        let known = properties.and_then(|all| all.get(name));
        (name.to_owned(), known.map_or_else(|| json!(format!("<{name}>")), |one| sample(name, one)))
    };
    let mut members: Map<String, Value> = list("required").filter_map(Value::as_str).map(member).collect();
    if let Some(Value::Object(more)) = list("oneOf").chain(list("anyOf")).next().map(required_members) {
        for (name, value) in more {
            members.entry(name).or_insert(value);
        }
    }
    Value::Object(members)
}

/// The documented shape of `result`.
fn result(definition: &Definition, operation: &Operation, text: Option<&OperationText<'_>>) -> Option<Value> {
    if operation.action == Action::Download {
        return Some(json!({"type": "string", "format": "binary"}));
    }
    let records = operation.extract.records.as_ref();
    if let Some(schema) = text.and_then(|text| definition.document.result_schema(text, records)) {
        return Some(Value::Object(schema));
    }
    let schema = Value::Object(definition.document.entity_schema(&operation.entity)?);
    Some(match operation.action {
        Action::List | Action::Search => json!({"type": "array", "items": schema}),
        Action::Delete => return None,
        _ => schema,
    })
}
