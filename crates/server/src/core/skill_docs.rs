//! A connector type's documents as the published SDK reads them: an outline first, then one section an entity.
//!
//! Knows the blocks of that format (heading, paragraph, list, code, table). Must not know connectors: the documents
//! are the same for everybody.

use crate::core::catalog::{Catalog, ConnectorType};
use crate::core::describe;
use crate::core::error::{Error, Kind, Result};
use serde_json::{Value, json};

/// The document of a skill id (`connector:<slug>`), whole outline or one section.
pub fn read(catalog: &Catalog, id: &str, section: Option<&str>) -> Result<Value> {
    let slug = id.strip_prefix("connector:").ok_or_else(unknown_id)?;
    let kind = catalog.find(slug).ok_or_else(unknown_id)?;
    let outline = outline(kind)?;
    let content = match section {
        None => overview(kind),
        Some(section) => section_content(kind, section)?,
    };
    Ok(json!({
        "id": id,
        "metadata": {
            "id": id,
            "title": kind.info.display_name,
            "kind": "connector",
            "summary": format!("How to use {} through execute", kind.info.display_name),
            "warnings": [],
        },
        "section_id": section,
        "outline": outline,
        "content": content,
    }))
}

fn unknown_id() -> Error {
    Error::new(
        Kind::NotFound,
        "There are no documents of that id; a connector's inspect names its own in docs_skill_id",
    )
}

fn outline(kind: &ConnectorType) -> Result<Vec<Value>> {
    let summary = describe::summary(kind)?;
    let section = |group: &Value| {
        let entity = text(group, "entity");
        let actions: Vec<&str> = items(group, "actions")
            .filter_map(|action| action.get("action").and_then(Value::as_str))
            .collect();
        json!({"id": entity, "title": entity, "summary": actions.join(", ")})
    };
    Ok(summary.as_array().into_iter().flatten().map(section).collect())
}

fn overview(kind: &ConnectorType) -> Vec<Value> {
    let name = &kind.info.display_name;
    vec![
        heading(1, name),
        paragraph(
            "Every call is an execute with an entity, an action and params. Read the section of an entity before its \
             first call: it lists the parameters of each action.",
        ),
        json!({"type": "list", "items": [
            "A parameter that is not listed is refused with 422, which names the valid ones.",
            "Lists that page take limit and cursor; connector_metadata has has_next_page and end_cursor.",
            "select_fields keeps only the named fields of each record and saves tokens.",
            "409 reauthorization_required means that the user has to connect again; the error carries the call to start it.",
        ]}),
    ]
}

fn section_content(kind: &ConnectorType, section: &str) -> Result<Vec<Value>> {
    let told =
        describe::entities(kind, Some(section)).map_err(|error| Error { kind: Kind::NotFound, ..error })?;
    let mut content = vec![heading(1, section)];
    for entity in items(&told, "entities") {
        for operation in items(entity, "actions") {
            content.extend(operation_content(operation));
        }
    }
    Ok(content)
}

fn operation_content(operation: &Value) -> Vec<Value> {
    let mut content =
        vec![heading(2, &format!("{} {}", text(operation, "entity"), text(operation, "action")))];
    for name in ["summary", "description", "paging"] {
        let said = text(operation, name);
        if !said.is_empty() {
            content.push(paragraph(&said));
        }
    }
    let rows = parameter_rows(operation);
    if !rows.is_empty() {
        content.push(
            json!({"type": "table", "headers": ["parameter", "type", "required", "meaning"], "rows": rows}),
        );
    }
    if let Some(example) = operation.get("example") {
        let code = serde_json::to_string_pretty(example).unwrap_or_default();
        content.push(json!({"type": "code", "language": "json", "code": code}));
    }
    content
}

fn parameter_rows(operation: &Value) -> Vec<Value> {
    let params = operation.get("params");
    let required: Vec<&str> = params
        .map(|params| items(params, "required").filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = params.and_then(|params| params.get("properties")).and_then(Value::as_object);
    let row = |(name, schema): (&String, &Value)| {
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
            }
            _ => "any".to_owned(),
        };
        let mut meaning = text(schema, "description");
        let choices: Vec<String> = items(schema, "enum")
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        if !choices.is_empty() {
            meaning = format!("{meaning} One of: {}.", choices.join(", "));
        }
        let needed = if required.contains(&name.as_str()) { "yes" } else { "no" };
        json!([name, kind, needed, meaning.trim()])
    };
    properties.into_iter().flatten().map(row).collect()
}

fn heading(level: u8, said: &str) -> Value {
    json!({"type": "heading", "level": level, "text": said})
}

fn paragraph(said: &str) -> Value {
    json!({"type": "paragraph", "text": said})
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
