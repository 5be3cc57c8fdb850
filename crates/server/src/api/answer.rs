//! Shapes of answers that several handlers give.
//!
//! Knows the contract's field names. Must not decide anything.

use crate::clock::rfc3339;
use crate::core::catalog::ConnectorType;
use crate::core::error::Error;
use crate::core::grants::why_unresolved;
use crate::core::pin::Pin;
use crate::store::{ConnectorView, WorkspaceRow};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::{Value, json};

/// A JSON answer.
#[expect(clippy::unnecessary_wraps, reason = "the last expression of handlers, which may fail before it")]
pub(super) fn ok(value: Value) -> Result<Response, Error> {
    Ok(Json(value).into_response())
}

/// A JSON answer with a token or secret in it: no cache may keep it.
#[expect(clippy::unnecessary_wraps, reason = "the last expression of handlers, which may fail before it")]
pub(super) fn secret(value: Value) -> Result<Response, Error> {
    let mut response = Json(value).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A workspace.
pub(super) fn workspace(row: &WorkspaceRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "organization_id": row.organization_id,
        "status": row.status,
        "cache_enabled": row.cache_enabled,
        "tombstone": row.deleted_at.is_some(),
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    })
}

/// The template of a connector type. Its id is the definition's: every type has exactly one, enabled without a call.
pub(super) fn template(kind: &ConnectorType) -> Value {
    json!({
        "id": kind.info.definition_id,
        "name": kind.info.display_name,
        "connector_type": kind.info.slug,
        "connector_name": kind.info.slug,
        "source_definition_id": kind.info.definition_id,
        "actor_definition_id": kind.info.definition_id,
        "icon": null,
        "mode": "DIRECT",
        "tags": [],
    })
}

/// A whole connector.
pub(super) fn connector(view: &ConnectorView, kind: Option<&ConnectorType>) -> Value {
    let mut value = facts(view, kind);
    value.insert("source_template".to_owned(), summary(view, kind));
    let replication = view
        .connector
        .replication_config
        .as_deref()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    value.insert("replication_config".to_owned(), replication.unwrap_or_else(|| json!({})));
    let environment =
        serde_json::from_str::<Value>(&view.connector.environment).unwrap_or_else(|_| json!({}));
    value.insert("environment".to_owned(), environment);
    Value::Object(value)
}

/// A connector in a list.
pub(super) fn connector_summary(view: &ConnectorView, kind: Option<&ConnectorType>) -> Value {
    let mut value = facts(view, kind);
    value.insert("summarized_source_template".to_owned(), summary(view, kind));
    Value::Object(value)
}

/// What every form of a connector has.
pub(super) fn facts(view: &ConnectorView, kind: Option<&ConnectorType>) -> serde_json::Map<String, Value> {
    let (row, grant) = (&view.connector, &view.grant);
    let scopes = grant.scopes.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let account = grant.account_id.as_ref().map(|id| json!({"id": id, "name": grant.account_name}));
    let status = match grant.status.as_str() {
        known @ ("active" | "reauthorization_required" | "app_misconfigured") => known,
        _ => "deleting",
    };
    let moved = status == "active" && kind.is_some_and(|kind| is_moved(&grant.pin, kind));
    let (status, reason) = if moved {
        let why = "The definition names other endpoints than this credential was entered for; connect again to approve them";
        ("app_misconfigured", Some(why))
    } else {
        (status, why_unresolved(grant).or(grant.status_reason.as_deref()))
    };
    let value = json!({
        "id": row.id,
        "name": row.name,
        "workspace_id": row.workspace_id,
        "workspace_name": view.workspace_name,
        "status": status,
        "status_reason": reason,
        "account": account,
        "granted_scopes": scopes,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    });
    value.as_object().cloned().unwrap_or_default()
}

/// Whether the definition that stands now would send the credential to where it was not entered for.
fn is_moved(pin: &str, kind: &ConnectorType) -> bool {
    kind.plan().is_ok_and(|plan| Pin::from_text(pin).is_none_or(|pin| !pin.covers(plan)))
}

fn summary(view: &ConnectorView, kind: Option<&ConnectorType>) -> Value {
    kind.map_or_else(|| json!({"id": view.connector.definition_id, "name": view.connector.connector_type, "connector_type": view.connector.connector_type}), template)
}
