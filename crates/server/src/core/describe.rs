//! What people and agents read of a connector type: its entities and operations, its forms.
//!
//! Knows the shapes that the API shows. Must not know connectors or credentials; the texts are the definition's own.

use crate::core::catalog::ConnectorType;
use crate::core::error::{Error, Kind, Result};
use keybearer_connector::call::find_entity;
use keybearer_connector::describe::Description;
pub use keybearer_connector::describe::ToolFormat;
use keybearer_connector::document::Definition;
use serde_json::{Map, Value, json};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every parameter.
    Full,
    /// Enough to choose an operation, small enough for a prompt.
    Summary,
}

/// What a reader wants to see.
pub struct View<'a> {
    /// Only this entity.
    pub entity: Option<&'a str>,
    /// Tool definitions instead of entities.
    pub format: Option<ToolFormat>,
    /// How much.
    pub detail: Detail,
}

/// `{entities}` or, with a format, `{tools, operations?}`.
pub fn told(kind: &ConnectorType, view: &View<'_>) -> Result<Map<String, Value>> {
    let definition = kind.definition()?;
    known(definition, view.entity)?;
    let description = Description::of(definition);
    let told = match (view.format, view.detail) {
        (Some(format), Detail::Full) => description.tools(format, view.entity),
        (Some(format), Detail::Summary) => description.summary_tool(format, view.entity),
        (None, Detail::Full) => return entities(kind, view.entity).map(members),
        (None, Detail::Summary) => {
            let all = description.summary();
            let wanted =
                |one: &&Value| view.entity.is_none_or(|name| one.get("entity") == Some(&json!(name)));
            let entities: Vec<&Value> = all.as_array().into_iter().flatten().filter(wanted).collect();
            Some(json!({"entities": entities}))
        }
    };
    Ok(members(told.unwrap_or_default()))
}

/// An entity that the definition does not have is an error that names those it has.
fn known(definition: &Definition, entity: Option<&str>) -> Result<()> {
    let Some(entity) = entity else { return Ok(()) };
    find_entity(&definition.plan, entity).map_err(|fault| Error::new(Kind::UnknownEntity, fault.message))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// `{"entities": [{"entity", "actions": [operation, …]}]}`: every operation written out, of all entities or of one.
pub fn entities(kind: &ConnectorType, entity: Option<&str>) -> Result<Value> {
    let definition = kind.definition()?;
    known(definition, entity)?;
    let description = Description::of(definition);
    let names = match entity {
        Some(entity) => vec![entity.to_owned()],
        None => names(description),
    };
    let told: Vec<Value> = names.iter().filter_map(|name| description.entity(name)).collect();
    Ok(json!({ "entities": told }))
}

/// `[{"entity", "actions": [{"action", "summary", "required"}]}]`: enough to choose an operation.
pub fn summary(kind: &ConnectorType) -> Result<Value> {
    Ok(Description::of(kind.definition()?).summary())
}

/// Names the documents of a connector type for `GET /skills/docs`.
pub fn docs_skill_id(kind: &ConnectorType) -> String {
    format!("connector:{}", kind.info.slug)
}

/// JSON Schema of an organization's OAuth app; none without a consent flow.
pub fn oauth_app_schema(kind: &ConnectorType) -> Result<Option<Value>> {
    Ok(Description::of(kind.definition()?).oauth_app_schema())
}

/// The forms of a connector type, in the existing API's words: `connectionSpecification` (credentials and variables)
/// and, with a consent flow, `advanced_auth`.
pub fn spec(kind: &ConnectorType) -> Result<Value> {
    let description = Description::of(kind.definition()?);
    let variables = description.connection_variables();
    let mut spec = json!({
        "connectionSpecification": {
            "type": "object",
            "properties": {
                "credentials": {"oneOf": forms(description)},
                "environment": variables,
            },
        },
        "auth_schemes": description.credential_schemes(),
    });
    if let (Some(app), Some(object)) = (description.oauth_app_schema(), spec.as_object_mut()) {
        let advanced = json!({
            "auth_flow_type": "oauth2.0",
            "oauth_config_specification": {
                "oauth_user_input_from_connector_config_specification": variables,
                "complete_oauth_server_input_specification": app,
            },
        });
        object.insert("advanced_auth".to_owned(), advanced);
    }
    Ok(spec)
}

/// The description as lines for a terminal: one operation a line.
pub fn lines(kind: &ConnectorType) -> Result<Vec<String>> {
    let summary = summary(kind)?;
    let mut lines = Vec::new();
    for group in summary.as_array().into_iter().flatten() {
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
        };
        lines.push(String::new());
        lines.push(text(group, "entity"));
        for action in group.get("actions").and_then(Value::as_array).into_iter().flatten() {
            let required: Vec<&str> = action
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let needs =
                if required.is_empty() { String::new() } else { format!(" (needs {})", required.join(", ")) };
            lines.push(format!("  {:<9} {}{needs}", text(action, "action"), text(action, "summary")));
        }
    }
    Ok(lines)
}

fn forms(description: Description<'_>) -> Vec<Value> {
    let schemes = description.credential_schemes();
    schemes.as_array().into_iter().flatten().filter_map(|scheme| scheme.get("schema").cloned()).collect()
}

fn names(description: Description<'_>) -> Vec<String> {
    let entities = description.entities();
    let names = entities
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entity| entity.get("entity").and_then(Value::as_str));
    names.map(str::to_owned).collect()
}
