//! `/workspaces`.
//!
//! Knows queries, bodies and answers.

use super::answer::{ok, workspace};
use super::body::{Body, Fields};
use super::query::{Id, Query, cursor_after};
use super::{Answer, App, schema};
use crate::clock::rfc3339;
use crate::core::access::Caller;
use crate::core::workspaces;
use crate::store::{WorkspaceFilter, WorkspaceUpdate};
use axum::extract::State;
use serde_json::{Value, json};

const STATUSES: [(&str, &str); 2] = [("active", "active"), ("inactive", "inactive")];

/// List workspaces
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces",
    tag = "Workspaces",
    operation_id = "listWorkspaces",
    params(schema::workspaces::WorkspaceQuery),
    responses(
        (status = 200, description = "A page.", body = schema::workspaces::WorkspacePage),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, Query(mut fields): Query) -> Answer {
    let limit = fields.limit(20, 100);
    let after = fields.cursor();
    let name_contains = fields.text("name_contains", workspaces::NAME_MAX);
    let status = fields.choice("status", &STATUSES).map(str::to_owned);
    fields.finish()?;
    let filter = WorkspaceFilter { name_contains, status, limit: limit + 1, after };
    let mut rows = workspaces::list(&app, &caller, &filter).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|length| length > limit);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| cursor_after(row.created_at, &row.id));
    let data: Vec<Value> = rows.iter().map(workspace).collect();
    ok(json!({ "data": data, "next": next }))
}

/// Count workspaces
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/stats",
    tag = "Workspaces",
    operation_id = "getWorkspaceStats",
    responses(
        (status = 200, description = "The numbers.", body = schema::workspaces::WorkspaceStats),
    ),
)]
pub(super) async fn stats(State(app): State<App>, caller: Caller) -> Answer {
    let (active, inactive) = workspaces::stats(&app, &caller).await?;
    ok(json!({ "active_count": active, "inactive_count": inactive, "total_count": active + inactive }))
}

/// Read a workspace
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{id}",
    tag = "Workspaces",
    operation_id = "getWorkspace",
    params(schema::workspaces::WorkspacePath),
    responses(
        (status = 200, description = "The workspace.", body = schema::workspaces::Workspace),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, Id(id): Id) -> Answer {
    ok(workspace(&workspaces::get(&app, &caller, &id).await?))
}

/// Change a workspace
#[utoipa::path(
    put,
    path = "/api/v1/workspaces/{id}",
    tag = "Workspaces",
    operation_id = "updateWorkspace",
    params(schema::workspaces::WorkspacePath),
    request_body = schema::workspaces::WorkspaceUpdateRequest,
    responses(
        (status = 200, description = "The workspace.", body = schema::workspaces::Workspace),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "conflict", "not_found"]))),
)]
pub(super) async fn put(State(app): State<App>, caller: Caller, Id(id): Id, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let name = fields.text("name", workspaces::NAME_MAX);
    if let Some(Err(why)) = name.as_deref().map(workspaces::check_name) {
        fields.wrong("name", "invalid_value", why);
    }
    let status = fields.choice("status", &STATUSES).map(str::to_owned);
    let cache_enabled = fields.flag("cache_enabled");
    fields.finish()?;
    ok(workspace(
        &workspaces::update(&app, &caller, &id, &WorkspaceUpdate { name, status, cache_enabled }).await?,
    ))
}

/// Delete a workspace
///
/// Its connectors end and their grants are revoked at the providers.
#[utoipa::path(
    delete,
    path = "/api/v1/workspaces/{id}",
    tag = "Workspaces",
    operation_id = "deleteWorkspace",
    params(schema::workspaces::WorkspacePath),
    responses(
        (status = 200, description = "Deleted.", body = schema::workspaces::DeletedWorkspace),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn delete(State(app): State<App>, caller: Caller, Id(id): Id) -> Answer {
    let row = workspaces::delete(&app, &caller, &id).await?;
    ok(json!({ "id": row.id, "deleted_at": row.deleted_at.map(rfc3339) }))
}
