//! `/audit`: the audit log of an organization, paged and as JSON lines.
//!
//! Knows queries and answers. Must not know how entries are written or linked.

use super::answer::ok;
use super::body::{Fields, TEXT_MAX};
use super::flows::uuid;
use super::query::{Query, cursor_after};
use super::{Answer, App, schema};
use crate::clock::rfc3339;
use crate::core::access::Caller;
use crate::core::error::Result;
use crate::core::{audit, workspaces};
use crate::store::{AuditFilter, AuditRow};
use axum::body::Body;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header;
use serde_json::{Value, json};

const PAGE: i64 = 100;
const PAGE_MAX: i64 = 1000;

/// List the audit log
///
/// Oldest first. An execute appears about a second after it ended; every other change is there when its answer is.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "Audit",
    operation_id = "listAudit",
    params(schema::audit::AuditFilter, schema::audit::AuditPaging),
    responses(
        (status = 200, description = "A page.", body = schema::audit::AuditPage),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
pub(super) async fn list(State(app): State<App>, caller: Caller, Query(mut fields): Query) -> Answer {
    let limit = fields.limit(PAGE, PAGE_MAX);
    let after = fields.cursor();
    let Some(filter) = filter(&app, &caller, &mut fields).await? else {
        return ok(json!({ "data": [], "next": null }));
    };
    let mut rows = audit::list(&app, &caller, &AuditFilter { after, limit: limit + 1, ..filter }).await?;
    let more = i64::try_from(rows.len()).is_ok_and(|length| length > limit);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| cursor_after(row.at, &row.id));
    let data: Vec<Value> = rows.iter().map(entry).collect();
    ok(json!({ "data": data, "next": next }))
}

/// Export the audit log
///
/// One entry a line, oldest first, as many as there are.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    tag = "Audit",
    operation_id = "exportAudit",
    params(schema::audit::AuditFilter),
    responses(
        (status = 200, description = "JSON lines.", body = String, content_type = "application/x-ndjson"),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
pub(super) async fn export(State(app): State<App>, caller: Caller, Query(mut fields): Query) -> Answer {
    let filter = filter(&app, &caller, &mut fields).await?;
    let first = filter.map(|filter| AuditFilter { limit: PAGE_MAX, ..filter });
    let lines = futures_util::stream::try_unfold(first, move |next| {
        let (app, caller) = (app.clone(), caller.clone());
        async move {
            let Some(filter) = next else { return Ok(None) };
            let rows = audit::list(&app, &caller, &filter).await.map_err(std::io::Error::other)?;
            let Some(last) = rows.last() else { return Ok(None) };
            let after = Some((last.at, last.id.clone()));
            let mut text = String::new();
            for row in &rows {
                text.push_str(&entry(row).to_string());
                text.push('\n');
            }
            Ok::<_, std::io::Error>(Some((text, Some(AuditFilter { after, ..filter }))))
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// None where the workspace is unknown: nothing can be of it.
async fn filter(app: &App, caller: &Caller, fields: &mut Fields) -> Result<Option<AuditFilter>> {
    let name = fields.workspace_name();
    let workspace_id = uuid(fields, "workspace_id");
    if name.is_some() && workspace_id.is_some() {
        fields.wrong("workspace_id", "conflict", "must not be given together with a workspace name");
    }
    let connector_id = uuid(fields, "connector_id");
    let operation = fields.text("operation", TEXT_MAX);
    let since = time(fields, "since");
    let until = time(fields, "until");
    fields.finish()?;
    let workspace_id = match name {
        Some(name) => match workspaces::find(app, caller, &name).await? {
            Some(workspace) => Some(workspace.id),
            None => return Ok(None),
        },
        None => workspace_id,
    };
    Ok(Some(AuditFilter { workspace_id, connector_id, operation, since, until, after: None, limit: PAGE }))
}

fn time(fields: &mut Fields, name: &str) -> Option<i64> {
    let text = fields.text(name, TEXT_MAX)?;
    let time = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    if time.is_none() {
        fields.wrong(name, "invalid_value", "must be a time such as 2026-01-05T10:00:00Z");
    }
    time
}

/// An entry, as the command line exports it too.
pub fn entry(row: &AuditRow) -> Value {
    json!({
        "id": row.id,
        "at": rfc3339(row.at),
        "actor": {"kind": row.actor, "credential_id": row.credential_id},
        "organization_id": row.organization_id,
        "workspace_id": row.workspace_id,
        "connector_id": row.connector_id,
        "subject": row.subject,
        "operation": row.operation,
        "outcome": row.outcome,
        "intent": row.intent,
        "request_id": row.request_id,
        "seq": row.seq,
        "prev_hash": row.prev_hash,
        "hash": row.hash,
    })
}
