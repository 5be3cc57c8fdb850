//! The control handle over HTTP, for tests in other processes and other languages.
//! It only translates; what each call does stands at [`Control`].

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::ORIGIN;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;
use crate::fault::{Effect, Fault};
use crate::record::Stats;
use crate::state::{Shared, State};

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/stats", get(stats))
        .route("/log", get(log))
        .route("/faults", get(pending).post(inject).delete(clear))
        .route("/reset", post(reset))
        .route("/expire", post(expire))
        .route("/revoke", post(revoke))
        .route("/redirect-uris", post(allow))
        .layer(from_fn(no_web_page))
}

/// A web page in a browser on this machine could reach loopback; its requests carry `Origin`.
async fn no_web_page(request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

fn control(state: State) -> Control {
    Control::of(state.0)
}

async fn stats(state: State) -> Json<Stats> {
    Json(control(state).stats())
}

async fn log(state: State) -> Json<Value> {
    Json(json!({"requests": control(state).log()}))
}

async fn pending(state: State) -> Json<Value> {
    Json(json!({"faults": control(state).pending_faults()}))
}

async fn inject(state: State, body: Bytes) -> Response {
    match serde_json::from_slice::<Fault>(&body) {
        Ok(fault) => match sense(&fault) {
            Ok(()) => {
                control(state).inject(fault);
                StatusCode::NO_CONTENT.into_response()
            }
            Err(message) => bad(message),
        },
        Err(error) => bad(&error.to_string()),
    }
}

fn sense(fault: &Fault) -> Result<(), &'static str> {
    match fault.effect {
        Effect::Status { status, .. } if !(200..600).contains(&status) => Err("status is 200 to 599"),
        Effect::Redirect { status, .. } if !(300..400).contains(&status) => Err("status is 300 to 399"),
        _ => Ok(()),
    }
}

fn bad(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"message": message}))).into_response()
}

async fn clear(state: State) -> StatusCode {
    control(state).clear_faults();
    StatusCode::NO_CONTENT
}

async fn reset(state: State) -> StatusCode {
    control(state).reset();
    StatusCode::NO_CONTENT
}

async fn expire(state: State) -> Json<Value> {
    Json(json!({"expired": control(state).expire_access_tokens()}))
}

async fn revoke(state: State) -> Json<Value> {
    Json(json!({"revoked": control(state).revoke_grants()}))
}

#[derive(Deserialize)]
struct Allowed {
    redirect_uri: String,
}

async fn allow(state: State, body: Bytes) -> Response {
    match serde_json::from_slice::<Allowed>(&body) {
        Ok(allowed) => {
            control(state).allow_redirect_uri(allowed.redirect_uri);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => bad(&error.to_string()),
    }
}
