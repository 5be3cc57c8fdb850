//! `/oauth/credentials`: an organization's own OAuth apps.
//!
//! Knows bodies and answers; secrets go in and never come out.

use super::answer::ok;
use super::body::{Body, Fields, TYPE_NAMES, find_type};
use super::query::{Name, Query};
use super::{Answer, App};
use crate::clock::rfc3339;
use crate::core::access::Caller;
use crate::core::oauth_apps::{self, Callback};
use crate::store::OauthAppRow;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

/// Sets the app of a connector type.
pub(super) async fn put(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let name = fields.connector_type(&TYPE_NAMES);
    let configuration = fields.object("configuration");
    if configuration.is_none() {
        fields.wrong("configuration", "missing", "is required: an object with client_id and client_secret; GET /oauth/credentials/spec shows its form");
    }
    fields.refuse_rest("connector_type, definition_id, connector_definition_id, configuration");
    fields.finish()?;
    let kind = find_type(&app, &name)?;
    let row = oauth_apps::put(&app, &caller, &kind, &configuration.unwrap_or_default()).await?;
    ok(shown(&row))
}

/// The apps that are set, without secrets.
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Answer {
    let rows = oauth_apps::list(&app, &caller).await?;
    let data: Vec<Value> = rows.iter().map(listed).collect();
    ok(json!({ "data": data }))
}

/// The form of a configuration.
pub(super) async fn spec(State(app): State<App>, _: Caller, Query(mut fields): Query) -> Answer {
    let name = fields.connector_type(&TYPE_NAMES);
    fields.finish()?;
    let kind = find_type(&app, &name)?;
    let definition = kind.definition()?;
    let schema =
        crate::core::describe::oauth_app_schema(definition).ok_or_else(|| oauth_apps::no_oauth(&kind))?;
    ok(json!({
        "connector_type": kind.info.slug,
        "connector_definition_id": kind.info.definition_id,
        "callback_url": Callback::Context.url(&app.settings.public_url, &kind.info.slug),
        "spec": schema,
    }))
}

/// Unsets it; the instance-wide app applies again.
pub(super) async fn delete(State(app): State<App>, caller: Caller, Name(name): Name) -> Answer {
    let kind = find_type(&app, &name)?;
    oauth_apps::delete(&app, &caller, &kind).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(row: &OauthAppRow) -> Value {
    json!({
        "id": row.id,
        "scope_type": "organization",
        "scope_id": row.organization_id,
        // The kind of actor in the existing API's words, not the connector type.
        "connector_type": "source",
        "connector_definition_id": row.definition_id,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    })
}

fn listed(row: &OauthAppRow) -> Value {
    let mut value = shown(row);
    if let Some(object) = value.as_object_mut() {
        object.insert("connector_name".to_owned(), json!(row.connector_type));
        object.insert("client_id".to_owned(), json!(row.client_id));
        object.insert("callback".to_owned(), json!(row.callback));
        object.insert("has_secret".to_owned(), json!(true));
    }
    value
}
