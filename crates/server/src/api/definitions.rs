//! `/integrations/definitions/sources`: the connector types, in the existing API's words.
//!
//! Knows its camelCase and `advanced_auth`. Must not know rules.

use super::answer::ok;
use super::query::{Name, Query};
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::catalog::ConnectorType;
use crate::core::describe;
use crate::core::error::Error;
use axum::extract::State;
use serde_json::{Value, json};

/// List connector types
#[utoipa::path(
    get,
    path = "/api/v1/integrations/definitions/sources",
    tag = "Connector types",
    operation_id = "listDefinitions",
    params(schema::definitions::DefinitionQuery),
    responses(
        (status = 200, description = "The types.", body = schema::definitions::DefinitionList),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
pub(super) async fn list(State(app): State<App>, _: Caller, Query(mut fields): Query) -> Answer {
    let name = fields.text("name", 250).unwrap_or_default().to_ascii_lowercase();
    fields.finish()?;
    let definitions: Vec<Value> = app
        .catalog
        .all()
        .filter(|kind| {
            kind.info.display_name.to_ascii_lowercase().contains(&name) || kind.info.slug.contains(&name)
        })
        .map(|kind| entry(kind))
        .collect();
    ok(json!({ "definitions": definitions }))
}

/// Read a connector type
///
/// With the forms of its credentials and variables.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/definitions/sources/{id}",
    tag = "Connector types",
    operation_id = "getDefinition",
    params(schema::definitions::DefinitionPath),
    responses(
        (status = 200, description = "The type.", body = schema::definitions::Definition),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, _: Caller, Name(id): Name) -> Answer {
    let kind = app.catalog.find(&id).ok_or_else(Error::not_found)?;
    let mut definition = entry(kind);
    if let Some(object) = definition.as_object_mut() {
        object.insert("spec".to_owned(), describe::spec(kind)?);
    }
    ok(json!({ "id": kind.info.definition_id, "definition": definition }))
}

fn entry(kind: &ConnectorType) -> Value {
    json!({
        "sourceDefinitionId": kind.info.definition_id,
        "name": kind.info.display_name,
        "connectorType": kind.info.slug,
        "version": kind.info.version,
        "iconUrl": null,
        "custom": kind.origin != "built-in",
        "supportLevel": if kind.origin == "built-in" { "certified" } else { "none" },
    })
}
