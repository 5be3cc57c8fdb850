//! `GET /health` (the process) and `GET /ready` (its database).
//!
//! Knows nothing but whether the store answers.

use super::answer::ok;
use super::{Answer, App, schema};
use crate::core::error::Error;
use axum::extract::State;
use serde_json::json;

/// Ask whether the process runs
#[utoipa::path(
    get,
    path = "/health",
    tag = "Health",
    operation_id = "getHealth",
    responses(
        (status = 200, description = "It runs.", body = schema::health::Health),
    ),
)]
pub(super) async fn health() -> Answer {
    ok(json!({ "status": "ok" }))
}

/// Ask whether the database answers
#[utoipa::path(
    get,
    path = "/ready",
    tag = "Health",
    operation_id = "getReadiness",
    responses(
        (status = 200, description = "It answers.", body = schema::health::Readiness),
    ),
    extensions(("x-keybearer-errors" = json!(["unavailable"]))),
)]
pub(super) async fn ready(State(app): State<App>) -> Answer {
    app.store.ping().await.map_err(Error::from)?;
    ok(json!({ "status": "ready" }))
}
