//! `…/inspect` and `…/entities`: what an agent can do with a connector.
//!
//! Knows the queries. Must not know how an operation is told (`core::describe`).

use super::answer::{connector, ok};
use super::body::{Fields, TEXT_MAX};
use super::query::{Id, Query};
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::call;
use crate::core::describe::{self, Detail, ToolFormat, View};
use axum::extract::State;
use serde_json::{Value, json};

/// Read what an agent can do with a connector
///
/// The connector and its entities, or the tool definitions of its operations; see the operation that lists entities.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/connectors/{id}/inspect",
    tag = "Connectors",
    operation_id = "inspectConnector",
    params(schema::connectors::ConnectorPath, schema::descriptions::ViewQuery),
    responses(
        (status = 200, description = "The connector with its entities, or with tools.", body = schema::descriptions::Inspection),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn inspect(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Query(mut fields): Query,
) -> Answer {
    let (format, detail) = view(&mut fields);
    fields.finish()?;
    let found = call::view(&app, &caller, &id).await?;
    let kind = app.catalog.named(&found.connector.connector_type)?;
    let mut value = connector(&found, Some(kind));
    let warnings = warnings(&value);
    let told = describe::told(kind, &View { entity: None, format, detail })?;
    if let Some(object) = value.as_object_mut() {
        object.insert("connector_type".to_owned(), json!(kind.info.slug));
        object.insert("definition_id".to_owned(), json!(kind.info.definition_id));
        object.insert("docs_skill_id".to_owned(), json!(describe::docs_skill_id(kind)));
        object.extend(told);
        object.insert("warnings".to_owned(), json!(warnings));
    }
    ok(value)
}

/// List entities, actions and their parameters
///
/// With `format`, tool definitions that a model provider takes as they are, one for each operation; `operations` leads
/// from a tool's name to what `execute` takes. `detail=summary` is small enough for a prompt: what each operation needs,
/// or, with `format`, one tool for all operations whose input is the body of `execute`.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/connectors/{id}/entities",
    tag = "Connectors",
    operation_id = "listEntities",
    params(schema::connectors::ConnectorPath, schema::descriptions::EntityQuery, schema::descriptions::ViewQuery),
    responses(
        (status = 200, description = "The entities, or tools.", body = schema::descriptions::EntityList),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "unknown_entity", "not_found"]))),
)]
pub(super) async fn entities(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Query(mut fields): Query,
) -> Answer {
    let entity = fields.text("entity", TEXT_MAX);
    let (format, detail) = view(&mut fields);
    fields.finish()?;
    let found = call::view(&app, &caller, &id).await?;
    let kind = app.catalog.named(&found.connector.connector_type)?;
    let told = describe::told(kind, &View { entity: entity.as_deref(), format, detail })?;
    ok(Value::Object(told))
}

fn view(fields: &mut Fields) -> (Option<ToolFormat>, Detail) {
    let format = fields.choice("format", &ToolFormat::ALL);
    let detail = fields.choice("detail", &[("full", Detail::Full), ("summary", Detail::Summary)]);
    (format, detail.unwrap_or(Detail::Full))
}

/// What an agent should know before it calls.
fn warnings(connector: &Value) -> Vec<String> {
    let text = |name: &str| connector.get(name).and_then(Value::as_str);
    match (text("status"), text("status_reason")) {
        (Some("active") | None, _) => Vec::new(),
        (Some(status), None) => vec![format!("Calls do not work now: {status}")],
        (Some(status), Some(reason)) => vec![format!("Calls do not work now: {status}: {reason}")],
    }
}
