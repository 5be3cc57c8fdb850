//! `/oauth/credentials`: an organization's own OAuth apps.
//!
//! Knows bodies and answers; secrets go in and never come out.

use super::answer::ok;
use super::body::{Body, Fields, TYPE_NAMES, find_type};
use super::query::{Name, Query};
use super::{Answer, App, schema};
use crate::clock::rfc3339;
use crate::core::access::Caller;
use crate::core::describe;
use crate::core::oauth_apps::{self, Callback};
use crate::store::OauthAppRow;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

/// Set the OAuth app of a connector type
///
/// Creates or replaces the organization's own app, which new consents then use instead of the instance-wide one.
/// The configuration is checked against the form of the connector type; every missing, wrong or unknown field is
/// named. The app that was used at a consent stays with that grant.
#[utoipa::path(
    put,
    path = "/api/v1/oauth/credentials",
    tag = "OAuth apps",
    operation_id = "putOauthApp",
    request_body = schema::oauth_apps::OauthAppRequest,
    responses(
        (status = 200, description = "The stored app, without its secret.", body = schema::oauth_apps::OauthApp),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "oauth_not_supported", "not_found", "conflict"]))),
)]
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

/// List the OAuth apps
#[utoipa::path(
    get,
    path = "/api/v1/oauth/credentials",
    tag = "OAuth apps",
    operation_id = "listOauthApps",
    responses(
        (status = 200, description = "The organization's own apps, without secrets.", body = schema::oauth_apps::OauthAppList),
    ),
)]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Answer {
    let rows = oauth_apps::list(&app, &caller).await?;
    let data: Vec<Value> = rows.iter().map(listed).collect();
    ok(json!({ "data": data }))
}

/// Read how an OAuth app is set up
///
/// The redirect URI to register at the provider, and the form of the configuration.
#[utoipa::path(
    get,
    path = "/api/v1/oauth/credentials/spec",
    tag = "OAuth apps",
    operation_id = "getOauthAppSpec",
    params(schema::oauth_apps::TypeQuery),
    responses(
        (status = 200, description = "The form.", body = schema::oauth_apps::OauthAppSpec),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "oauth_not_supported", "not_found"]))),
)]
pub(super) async fn spec(State(app): State<App>, _: Caller, Query(mut fields): Query) -> Answer {
    let name = fields.connector_type(&TYPE_NAMES);
    fields.finish()?;
    let kind = find_type(&app, &name)?;
    let schema = describe::oauth_app_schema(&kind)?.ok_or_else(|| oauth_apps::no_oauth(&kind))?;
    ok(json!({
        "connector_type": kind.info.slug,
        "connector_definition_id": kind.info.definition_id,
        "callback_url": Callback::Context.url(&app.settings.public_url, &kind.info.slug),
        "spec": schema,
    }))
}

/// Unset the OAuth app of a connector type
///
/// New consents use the instance-wide app again. Grants of the app go on using it.
#[utoipa::path(
    delete,
    path = "/api/v1/oauth/credentials/connector_type/{connector_type}",
    tag = "OAuth apps",
    operation_id = "deleteOauthApp",
    params(schema::oauth_apps::TypePath),
    responses(
        (status = 204, description = "Unset; also when none was set."),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
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
