//! The authorization server's endpoints and what they share: no-store answers and the error body of RFC 6749 §5.2.
//! It must not know the API that the tokens are for.

mod authorize;
mod client;
mod metadata;
mod page;
mod request;
mod revoke;
mod token;

pub(crate) use request::Pending;

use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::state::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/oauth/authorize", get(authorize::ask))
        .route("/oauth/authorize/decision", post(authorize::decide))
        .route("/oauth/token", post(token::token))
        .route("/oauth/revoke", post(revoke::revoke))
        .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
}

/// An error of the token or revocation endpoint (RFC 6749 §5.2, RFC 7009 §2.2.1).
fn refuse(status: StatusCode, error: &str, description: &str) -> Response {
    no_store((status, Json(json!({"error": error, "error_description": description}))))
}

fn no_store(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
