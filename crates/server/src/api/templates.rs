//! `/integrations/templates/sources`: one template per connector type, enabled without a call.
//!
//! Knows the answer only.

use super::answer::{ok, template};
use super::query::Name;
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::describe;
use crate::core::error::Error;
use axum::extract::State;
use serde_json::{Value, json};

/// List templates
///
/// One a connector type; all are enabled without a call.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/templates/sources",
    tag = "Connector types",
    operation_id = "listTemplates",
    responses(
        (status = 200, description = "The templates.", body = schema::definitions::TemplateList),
    ),
)]
pub(super) async fn list(State(app): State<App>, _: Caller) -> Answer {
    let data: Vec<Value> = app.catalog.all().map(|kind| template(kind)).collect();
    ok(json!({ "data": data }))
}

/// Read a template
#[utoipa::path(
    get,
    path = "/api/v1/integrations/templates/sources/{id}",
    tag = "Connector types",
    operation_id = "getTemplate",
    params(schema::definitions::DefinitionPath),
    responses(
        (status = 200, description = "The template.", body = schema::definitions::WholeTemplate),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, _: Caller, Name(id): Name) -> Answer {
    let kind = app.catalog.find(&id).ok_or_else(Error::not_found)?;
    let mut value = template(kind);
    if let Some(object) = value.as_object_mut() {
        object.insert("user_config_spec".to_owned(), describe::spec(kind)?);
    }
    ok(value)
}
