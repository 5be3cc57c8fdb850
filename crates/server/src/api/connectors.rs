//! `/integrations/connectors` and the old list paths.
//!
//! Knows bodies, queries and answers. Must not know rows beyond what an answer shows.

use super::answer::{connector, connector_summary, ok};
use super::body::{Body, Fields, OptionalBody, TEXT_MAX, TYPE_NAMES, find_type};
use super::flows::{connector_name, uuid};
use super::idempotency::{OptionalKey, once};
use super::members::Members;
use super::query::{Id, Query, cursor_after};
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::call::{self, CheckReport};
use crate::core::connectors::{self, Create, CredentialSource};
use crate::core::idempotency::{Keyed, fingerprint};
use crate::core::workspaces;
use crate::store::{ConnectorFilter, ConnectorUpdate, ConnectorView};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Page of an organization's list, and its largest.
const PAGE: i64 = 100;
const PAGE_MAX: i64 = 1000;

/// Create a connector
///
/// By the `secret_id` of a consent, or by credentials; exactly one of the two. Redeeming and creating are one step:
/// it happens as a whole or not at all. Nothing is called at the provider unless `verify` is true.
///
/// An unknown, used or expired `secret_id`, one of another organization or connector type, and a wrong or missing
/// `code_verifier` are answered alike: 400 `invalid_secret_id`. One of another workspace is 404.
///
/// With an `Idempotency-Key` the connector is created once, however often the call is sent.
#[utoipa::path(
    post,
    path = "/api/v1/integrations/connectors",
    tag = "Connectors",
    operation_id = "createConnector",
    params(schema::idempotency::IdempotencyHeader),
    request_body(content = schema::connectors::CreateConnectorRequest, examples(
        ("consent" = (summary = "By the secret_id of a consent", value = json!({
            "external_user_id": "user_42", "connector_type": "hubspot",
            "server_side_oauth_secret_id": "Vv0c6pU6nXoX6nYwO9rJ7f5m1kq1X1mJt0b0Q2h8u3s"
        }))),
        ("credentials" = (summary = "By credentials", value = json!({
            "external_user_id": "user_42", "connector_type": "github", "name": "GitHub of user 42",
            "credentials": {"token": "github_pat_…"}, "verify": true
        }))),
        ("import" = (summary = "By OAuth tokens from elsewhere", value = json!({
            "external_user_id": "user_42", "connector_type": "hubspot",
            "credentials": {
                "client_id": "c0ffee00-1111", "client_secret": "s3cr3t…",
                "access_token": "CPT…", "refresh_token": "na1-…", "expires_at": "2026-01-05T10:00:00Z"
            }
        })))
    )),
    responses(
        (status = 200, description = "The connector.", body = schema::connectors::Connector, headers(
            ("Idempotent-Replayed" = String, description = "`true`: the answer of the first call with this `Idempotency-Key`.")
        )),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid_secret_id", "credentials_mismatch", "invalid", "check_failed", "idempotency_key_reused", "idempotency_in_progress", "unknown_outcome", "answer_not_kept", "not_found"]))),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    OptionalKey(key): OptionalKey,
    Body(body): Body,
) -> Answer {
    let request = key.is_some().then(|| fingerprint(body.to_map()));
    let ask = read_create(&app, body, true)?;
    let (Some(key), Some(request)) = (key, request) else {
        let view = connectors::create(&app, &caller, ask, None).await?;
        return ok(whole(&app, &view));
    };
    caller.allow_workspace_name(&ask.workspace_name)?;
    let keyed = Keyed::new(&app, &caller, &ask.workspace_name, "create", &key.text, request);
    let done = Arc::clone(&app);
    let work = move |keyed: Arc<Keyed>| async move {
        let view = connectors::create(&done, &caller, ask, Some(&keyed)).await?;
        Ok(whole(&done, &view).to_string().into_bytes())
    };
    once(&app, key, keyed, work).await
}

/// Check credentials without saving them
///
/// A light real call at the provider. Refused credentials are an answer with `status: failed`, not an error.
#[utoipa::path(
    post,
    path = "/api/v1/integrations/connectors/check",
    tag = "Connectors",
    operation_id = "checkCredentials",
    request_body = schema::checks::CheckUnsavedRequest,
    responses(
        (status = 200, description = "What the check found.", body = schema::checks::CheckResult),
    ),
    extensions(("x-keybearer-errors" = json!(["credentials_mismatch", "invalid", "unknown_entity", "not_found"]))),
)]
pub(super) async fn check_unsaved(State(app): State<App>, caller: Caller, Body(mut body): Body) -> Answer {
    let entities = body.remove("entities");
    let mut fields =
        Fields::of(serde_json::Map::from_iter([("entities".to_owned(), entities.unwrap_or(Value::Null))]));
    let entities = fields.texts("entities", 100).unwrap_or_default();
    fields.finish()?;
    let ask = read_create(&app, body, false)?;
    let report = connectors::check_unsaved(&app, &caller, ask, &entities).await?;
    ok(checked(None, &report))
}

fn read_create(app: &App, body: Members, secret_allowed: bool) -> Result<Create, crate::core::error::Error> {
    let mut fields = Fields::of(body);
    let workspace_name = fields.required_workspace_name();
    let names = [TYPE_NAMES[0], TYPE_NAMES[1], TYPE_NAMES[2], "source_template_id"];
    let kind = fields.connector_type(&names);
    let name = connector_name(&mut fields);
    let secret_id = fields.secret("server_side_oauth_secret_id", TEXT_MAX);
    let code_verifier = fields.secret("code_verifier", TEXT_MAX);
    let credentials = fields.object("credentials");
    let auth_scheme = fields.text("auth_scheme", TEXT_MAX);
    let environment = fields.object("environment").unwrap_or_default();
    let replication_config = fields.object("replication_config").map(|map| Value::Object(map).to_string());
    let verify = fields.flag("verify").unwrap_or(false);
    let source = match (secret_id, credentials) {
        (Some(secret_id), None) if secret_allowed => {
            Some(CredentialSource::Secret { secret_id, code_verifier })
        }
        (None, Some(values)) => Some(CredentialSource::Credentials { values, auth_scheme }),
        (Some(_), Some(_)) => {
            fields.wrong(
                "credentials",
                "conflict",
                "must not be given together with server_side_oauth_secret_id",
            );
            None
        }
        _ => {
            let wanted = if secret_allowed {
                "server_side_oauth_secret_id or credentials is required"
            } else {
                "is required"
            };
            fields.wrong("credentials", "missing", wanted);
            None
        }
    };
    fields.finish()?;
    let kind = find_type(app, &kind)?;
    let source =
        source.unwrap_or(CredentialSource::Credentials { values: serde_json::Map::new(), auth_scheme: None });
    Ok(Create { workspace_name, kind, name, source, environment, replication_config, verify })
}

/// List connectors
///
/// Of one user, or of the whole organization with an application token; oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/connectors",
    tag = "Connectors",
    operation_id = "listConnectors",
    params(schema::connectors::ConnectorFilter, schema::connectors::ConnectorPaging),
    responses(
        (status = 200, description = "A page.", body = schema::connectors::ConnectorPage),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, Query(mut fields): Query) -> Answer {
    let limit = fields.limit(PAGE, PAGE_MAX);
    let after = fields.cursor();
    let mut data = page(&app, &caller, fields, limit + 1, after).await?;
    let more = i64::try_from(data.len()).is_ok_and(|length| length > limit);
    data.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next =
        data.last().filter(|_| more).map(|view| cursor_after(view.connector.created_at, &view.connector.id));
    let data: Vec<Value> = data.iter().map(|view| summary(&app, view)).collect();
    ok(json!({ "data": data, "next": next }))
}

/// List connectors, in an older form
///
/// For older clients; at most 1,000, without pages.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/connectors_for_user",
    tag = "Connectors",
    operation_id = "listConnectorsForUser",
    params(schema::connectors::ConnectorFilter),
    responses(
        (status = 200, description = "The connectors.", body = schema::connectors::ConnectorsForUser),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn for_user(State(app): State<App>, caller: Caller, Query(fields): Query) -> Answer {
    let data: Vec<Value> =
        page(&app, &caller, fields, PAGE_MAX, None).await?.iter().map(|view| summary(&app, view)).collect();
    ok(json!({ "connectors": data }))
}

/// List connectors, in the oldest form
///
/// For the oldest clients; at most 1,000, without pages.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/instances_for_user",
    tag = "Connectors",
    operation_id = "listInstancesForUser",
    params(schema::connectors::ConnectorFilter),
    responses(
        (status = 200, description = "The connectors.", body = schema::connectors::InstancesForUser),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn instances_for_user(
    State(app): State<App>,
    caller: Caller,
    Query(fields): Query,
) -> Answer {
    let data: Vec<Value> =
        page(&app, &caller, fields, PAGE_MAX, None).await?.iter().map(|view| summary(&app, view)).collect();
    ok(json!({ "instances": data }))
}

async fn page(
    app: &App,
    caller: &Caller,
    mut fields: Fields,
    limit: i64,
    after: Option<(i64, String)>,
) -> Result<Vec<ConnectorView>, crate::core::error::Error> {
    let name = fields.workspace_name();
    let workspace_id = uuid(&mut fields, "workspace_id");
    let given = TYPE_NAMES.iter().filter_map(|name| fields.text(name, TEXT_MAX)).collect::<Vec<_>>();
    if given.len() > 1 {
        fields.wrong(
            "definition_id",
            "conflict",
            "only one of connector_type, definition_id, connector_definition_id may be given",
        );
    }
    fields.finish()?;
    let connector_type = match given.first() {
        Some(name) => Some(super::body::find_type(app, name)?.info.slug.clone()),
        None => None,
    };
    let named = match &name {
        // An unknown workspace has no connectors; that is no error.
        Some(name) => match workspaces::find(app, caller, name).await? {
            Some(row) if workspace_id.as_ref().is_none_or(|id| *id == row.id) => Some(row.id),
            _ => return Ok(Vec::new()),
        },
        None => workspace_id,
    };
    let filter = ConnectorFilter { workspace_id: named, definition_id: None, connector_type, limit, after };
    connectors::list(app, caller, filter).await
}

/// Read a connector
#[utoipa::path(
    get,
    path = "/api/v1/integrations/connectors/{id}",
    tag = "Connectors",
    operation_id = "getConnector",
    params(schema::connectors::ConnectorPath),
    responses(
        (status = 200, description = "The connector.", body = schema::connectors::Connector),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, Id(id): Id) -> Answer {
    let view = call::view(&app, &caller, &id).await?;
    ok(whole(&app, &view))
}

/// Change a connector
///
/// Its name, or what the application keeps with it.
#[utoipa::path(
    put,
    path = "/api/v1/integrations/connectors/{id}",
    tag = "Connectors",
    operation_id = "updateConnector",
    params(schema::connectors::ConnectorPath),
    request_body = schema::connectors::UpdateConnectorRequest,
    responses(
        (status = 200, description = "The connector.", body = schema::connectors::Connector),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn put(State(app): State<App>, caller: Caller, Id(id): Id, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let name = connector_name(&mut fields);
    let replication_config = fields.object("replication_config").map(|map| Value::Object(map).to_string());
    fields.finish()?;
    let view = connectors::update(&app, &caller, &id, &ConnectorUpdate { name, replication_config }).await?;
    ok(whole(&app, &view))
}

/// End a connector
///
/// It is gone at once; a job revokes its grant at the provider.
#[utoipa::path(
    delete,
    path = "/api/v1/integrations/connectors/{id}",
    tag = "Connectors",
    operation_id = "deleteConnector",
    params(schema::connectors::ConnectorPath),
    responses(
        (status = 202, description = "Ended; the job revokes the grant.", body = schema::connectors::Deletion),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn delete(State(app): State<App>, caller: Caller, Id(id): Id) -> Answer {
    let job_id = connectors::delete(&app, &caller, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "job_id": job_id }))).into_response())
}

/// Check a connector
///
/// A light real call at the provider, or one for each entity that is named, one after the other: its list, else its get.
/// Required parameters come from the connector's configuration, from records of another entity where the definition says
/// whose, or from the definition. The body may be left out. A refused credential is an answer with `status: failed`, not
/// an error; an entity that the connector does not have is one, and nothing is called.
#[utoipa::path(
    post,
    path = "/api/v1/integrations/connectors/{id}/check",
    tag = "Connectors",
    operation_id = "checkConnector",
    params(schema::connectors::ConnectorPath),
    request_body(content = Option<schema::checks::CheckRequest>, content_type = "application/json"),
    responses(
        (status = 200, description = "What the check found.", body = schema::checks::CheckResult),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "unknown_entity", "app_misconfigured", "not_found"]))),
)]
pub(super) async fn check(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    OptionalBody(body): OptionalBody,
) -> Answer {
    let mut fields = Fields::of(body);
    let entities = fields.texts("entities", 100).unwrap_or_default();
    fields.finish()?;
    let ready = call::resolve(&app, &caller, &id).await?;
    let report = call::check(&app, ready, &entities).await?;
    ok(checked(Some(&id), &report))
}

/// The answer of a check.
pub(super) fn checked(id: Option<&str>, report: &CheckReport) -> Value {
    let results: Vec<Value> = report
        .entities
        .iter()
        .map(|result| {
            json!({"entity": result.entity, "status": result.status, "status_code": result.status_code, "error_message": result.error_message})
        })
        .collect();
    json!({"id": id, "status": report.status, "error_message": report.error_message, "entity_check_results": results})
}

fn whole(app: &App, view: &ConnectorView) -> Value {
    connector(view, app.catalog.find(&view.connector.connector_type).map(Arc::as_ref))
}

fn summary(app: &App, view: &ConnectorView) -> Value {
    connector_summary(view, app.catalog.find(&view.connector.connector_type).map(Arc::as_ref))
}
