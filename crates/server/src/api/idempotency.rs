//! `Idempotency-Key`: the header, and answers that were given before.
//!
//! Knows the header's form and how an answer is written again. Must not know what a key protects (`core::idempotency`).

use super::layer::RequestId;
use super::{App, problem};
use crate::core::error::{Error, Result};
use crate::core::idempotency::{self, Kept, Keyed, Outcome};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;

/// The request's header.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key.
const KEY_MAX: usize = 255;

/// The key of a request.
pub(super) struct Key {
    /// As the caller wrote it.
    pub(super) text: String,
    /// An error that is kept names it.
    request_id: Arc<str>,
}

/// A request's key, where it has one.
pub(super) struct OptionalKey(pub(super) Option<Key>);

impl FromRequestParts<App> for OptionalKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self> {
        let mut given = parts.headers.get_all(&IDEMPOTENCY_KEY).iter();
        let Some(first) = given.next() else { return Ok(Self(None)) };
        let text = match (first.to_str(), given.next()) {
            (Ok(text), None) if is_key(text) => text.to_owned(),
            _ => {
                let message =
                    "must be given once, with 1 to 255 visible ASCII characters; a UUID is a good key";
                return Err(Error::field("Idempotency-Key", "invalid_value", message));
            }
        };
        let request_id =
            parts.extensions.get::<RequestId>().map_or_else(|| "".into(), |id| Arc::clone(&id.0));
        Ok(Self(Some(Key { text, request_id })))
    }
}

fn is_key(text: &str) -> bool {
    (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Does the work once; another time its answer is written again.
pub(super) async fn once<W>(
    app: &App,
    key: Key,
    keyed: Keyed,
    work: impl FnOnce(Arc<Keyed>) -> W,
) -> Result<Response>
where
    W: Future<Output = Result<Vec<u8>>> + Send + 'static,
{
    let failed = move |error: &Error| Kept {
        status: problem::status_and_code(error.kind).0.as_u16(),
        body: problem::body(error, &key.request_id).to_string().into_bytes(),
    };
    match idempotency::once(app, keyed, work, failed).await? {
        Outcome::First(done) => Ok(json(done?)),
        Outcome::Again(kept) => Ok(again(kept)),
    }
}

fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], Body::from(body)).into_response()
}

/// An error keeps the request id of the call that failed: that is the one which finds its cause in the log.
fn again(kept: Kept) -> Response {
    let facts: Value =
        if kept.status >= 400 { serde_json::from_slice(&kept.body).unwrap_or_default() } else { Value::Null };
    let mut response = json(kept.body);
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    let request_id = facts.get("request_id").and_then(Value::as_str);
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert("x-request-id", id);
    }
    if let Some(after) = facts.pointer("/errors/0/details/retry_after_seconds").and_then(Value::as_u64) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.max(1)));
    }
    response
}
