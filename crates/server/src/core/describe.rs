//! What people and agents read of a connector type: its entities and operations, its forms.
//!
//! Knows the shapes that the API shows. Must not know connectors or credentials; the texts are the definition's own.

use crate::core::catalog::ConnectorType;
use crate::core::error::{Error, Kind, Result};
use keybearer_connector::describe::Description;
use serde_json::{Value, json};

/// `{"entities": [{"entity", "actions": [operation, …]}]}`: every operation written out, of all entities or of one.
pub fn entities(kind: &ConnectorType, entity: Option<&str>) -> Result<Value> {
    let definition = kind.definition()?;
    let description = Description::of(definition);
    let told: Vec<Value> = match entity {
        Some(entity) => {
            vec![description.entity(entity).ok_or_else(|| unknown(&names(description), entity))?]
        }
        None => names(description).iter().filter_map(|name| description.entity(name)).collect(),
    };
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

fn unknown(names: &[String], entity: &str) -> Error {
    let shown: String = entity.chars().filter(|c| !c.is_control()).take(80).collect();
    Error::new(Kind::UnknownEntity, format!("There is no entity `{shown}`; there are {}", names.join(", ")))
}
