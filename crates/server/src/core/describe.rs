//! What people and agents read of a connector type.
use crate::core::catalog::ConnectorType;
use crate::core::error::Result;
use serde_json::{Value, json};

/// entities
pub fn entities(kind: &ConnectorType, _entity: Option<&str>) -> Result<Value> {
    let _ = kind.plan()?;
    Ok(json!({"entities": []}))
}
/// id
pub fn docs_skill_id(kind: &ConnectorType) -> String {
    format!("connector:{}", kind.info.slug)
}
/// spec
pub fn spec(kind: &ConnectorType) -> Result<Value> {
    let _ = kind.plan()?;
    Ok(json!({}))
}
/// lines
pub fn lines(_entities: &Value) -> Vec<String> {
    Vec::new()
}
/// schema
pub fn oauth_app_schema(definition: &keybearer_connector::document::Definition) -> Option<Value> {
    definition.plan.oauth()?;
    Some(
        json!({"type": "object", "required": ["client_id", "client_secret"], "properties": {"client_id": {"type": "string"}, "client_secret": {"type": "string"}}}),
    )
}
