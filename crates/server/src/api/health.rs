//! `GET /health` (the process) and `GET /ready` (its database).
//!
//! Knows nothing but whether the store answers.

use super::answer::ok;
use super::{Answer, App};
use crate::core::error::Error;
use axum::extract::State;
use serde_json::json;

/// The process runs.
pub(super) async fn health() -> Answer {
    ok(json!({ "status": "ok" }))
}

/// The database answers.
pub(super) async fn ready(State(app): State<App>) -> Answer {
    app.store.ping().await.map_err(Error::from)?;
    ok(json!({ "status": "ready" }))
}
