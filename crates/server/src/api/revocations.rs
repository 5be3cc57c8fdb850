//! `/revocations`: the kill switch.
//!
//! Knows the body, the queries and the answers. Must not know how a revocation is carried out.

use super::answer::ok;
use super::body::{Body, Fields, TEXT_MAX};
use super::flows::uuid;
use super::query::{Id, Query, cursor_after};
use super::{Answer, App, schema};
use crate::clock::rfc3339;
use crate::core::access::Caller;
use crate::core::revocations::{self, Progress, Scope};
use crate::store::{RevocationRow, RevokedGrant};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

const PAGE: i64 = 100;
const PAGE_MAX: i64 = 1000;
/// Revocations of one page; each costs a count.
const LIST_MAX: i64 = 100;
const KNOWN: &str =
    "`organization`, `oauth_app_id`, `connector_type`, `workspace_id`, `workspace_name` and `dry_run`";

/// Revoke all grants of a scope
///
/// The kill switch. Exactly one of `organization`, `oauth_app_id`, `connector_type`, `workspace_id` and
/// `workspace_name` says what ends. Its connectors, its grants that nobody has redeemed yet and its consents under way
/// end at once, on every replica within 5 seconds; then each grant is revoked at its provider, with retries for about a day.
/// Of more than 1,000 grants, the first 1,000 have ended when the answer comes, and the rest ends right after.
///
/// With `dry_run` nothing ends: the answer tells how much would.
#[utoipa::path(
    post,
    path = "/api/v1/revocations",
    tag = "Revocations",
    operation_id = "createRevocation",
    request_body(content = schema::revocations::RevocationRequest, examples(
        ("type" = (summary = "All grants of a connector type", value = json!({"connector_type": "hubspot"}))),
        ("user" = (summary = "All grants of one user", value = json!({"workspace_name": "user_42"}))),
        ("count" = (summary = "How much would end", value = json!({"organization": true, "dry_run": true})))
    )),
    responses(
        (status = 202, description = "It has begun.", body = schema::revocations::Revocation),
        (status = 200, description = "With `dry_run`: what would end.", body = schema::revocations::RevocationCount),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn create(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let given = scopes(&mut fields);
    let dry_run = fields.flag("dry_run").unwrap_or(false);
    // A misspelt `dry_run` must not end anything.
    fields.refuse_rest(KNOWN);
    let scope = match given {
        Ok(scope) => Some(scope),
        Err(count) => {
            fields.finish()?;
            let message = format!(
                "exactly one of `organization`, `oauth_app_id`, `connector_type`, `workspace_id` and `workspace_name` must be given, not {count}"
            );
            fields.wrong("organization", if count == 0 { "missing" } else { "conflict" }, message);
            None
        }
    };
    fields.finish()?;
    let scope = scope.unwrap_or(Scope::WorkspaceName(String::new()));
    if dry_run {
        let (row, total, flows) = revocations::count(&app, &caller, scope).await?;
        return ok(json!({ "dry_run": true, "scope": scope_of(&row), "total": total, "flows": flows }));
    }
    let begun = revocations::begin(&app, &caller, scope).await?;
    Ok((StatusCode::ACCEPTED, Json(shown(&begun))).into_response())
}

/// The scope, or how many were given.
fn scopes(fields: &mut Fields) -> std::result::Result<Scope, usize> {
    let mut given = Vec::new();
    match fields.flag("organization") {
        Some(true) => given.push(Scope::Organization),
        Some(false) => fields.wrong("organization", "invalid_value", "must be true, or left out"),
        None => {}
    }
    given.extend(uuid(fields, "oauth_app_id").map(Scope::OauthApp));
    match fields.text("connector_type", TEXT_MAX) {
        Some(text) if text.trim().is_empty() => {
            fields.wrong("connector_type", "missing", "must not be blank");
        }
        text => given.extend(text.map(Scope::ConnectorType)),
    }
    given.extend(uuid(fields, "workspace_id").map(Scope::WorkspaceId));
    given.extend(fields.workspace_name().map(Scope::WorkspaceName));
    let count = given.len();
    given.pop().filter(|_| count == 1).ok_or(count)
}

/// List revocations
///
/// Oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/revocations",
    tag = "Revocations",
    operation_id = "listRevocations",
    params(schema::revocations::RevocationQuery),
    responses(
        (status = 200, description = "A page.", body = schema::revocations::RevocationPage),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, Query(mut fields): Query) -> Answer {
    let limit = fields.limit(20, LIST_MAX);
    let after = fields.cursor();
    fields.finish()?;
    let mut all = revocations::list(&app, &caller, after.as_ref(), limit + 1).await?;
    let more = i64::try_from(all.len()).is_ok_and(|length| length > limit);
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = all.last().filter(|_| more).map(|one| cursor_after(one.row.created_at, &one.row.id));
    let data: Vec<Value> = all.iter().map(shown).collect();
    ok(json!({ "data": data, "next": next }))
}

/// Read how a revocation goes
#[utoipa::path(
    get,
    path = "/api/v1/revocations/{id}",
    tag = "Revocations",
    operation_id = "getRevocation",
    params(schema::revocations::RevocationPath),
    responses(
        (status = 200, description = "The revocation.", body = schema::revocations::Revocation),
    ),
    extensions(("x-keybearer-errors" = json!(["not_found"]))),
)]
pub(super) async fn get(State(app): State<App>, caller: Caller, Id(id): Id) -> Answer {
    ok(shown(&revocations::get(&app, &caller, &id).await?))
}

/// List the grants that a revocation ended
///
/// The proof: what became of each token at its provider.
#[utoipa::path(
    get,
    path = "/api/v1/revocations/{id}/grants",
    tag = "Revocations",
    operation_id = "listRevokedGrants",
    params(schema::revocations::RevocationPath, schema::revocations::RevokedGrantQuery),
    responses(
        (status = 200, description = "A page.", body = schema::revocations::RevokedGrantPage),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "not_found"]))),
)]
pub(super) async fn grants(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Query(mut fields): Query,
) -> Answer {
    let limit = fields.limit(PAGE, PAGE_MAX);
    let after = fields.cursor();
    fields.finish()?;
    let mut all = revocations::grants(&app, &caller, &id, after.as_ref(), limit + 1).await?;
    let more = i64::try_from(all.len()).is_ok_and(|length| length > limit);
    all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = all.last().filter(|_| more).map(|one| cursor_after(one.job.created_at, &one.job.id));
    let data: Vec<Value> = all.iter().map(grant).collect();
    ok(json!({ "data": data, "next": next }))
}

fn grant(one: &RevokedGrant) -> Value {
    let revocations: Value = serde_json::from_str(&one.job.report).unwrap_or_else(|_| json!([]));
    json!({
        "grant_id": one.job.subject,
        "job_id": one.job.id,
        "connector_id": one.connector_id,
        "connector_type": one.connector_type,
        "workspace_id": one.workspace_id,
        "workspace_name": one.workspace_name,
        "outcome": one.job.outcome,
        "revocations": revocations,
        "attempts": one.job.attempts,
        "updated_at": rfc3339(one.job.updated_at),
    })
}

fn scope_of(row: &RevocationRow) -> Value {
    match row.scope.as_str() {
        "oauth_app" => json!({ "oauth_app_id": row.subject }),
        "connector_type" => json!({ "connector_type": row.subject }),
        "workspace" => json!({ "workspace_id": row.subject }),
        _ => json!({ "organization": true }),
    }
}

fn shown(progress: &Progress) -> Value {
    let row = &progress.row;
    json!({
        "id": row.id,
        "scope": scope_of(row),
        "status": row.status,
        "total": row.total,
        "ended": row.ended,
        "revoked": progress.count("revoked"),
        "unsupported": progress.count("unsupported"),
        "failed": progress.count("failed"),
        "pending": progress.pending(),
        "flows": row.flows,
        "created_at": rfc3339(row.created_at),
        "finished_at": row.finished_at.map(rfc3339),
    })
}
