//! Carries a fault out around a request's processing. It knows HTTP answers in general, none in particular.

use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::fault::{At, Effect, Fault};

/// Time for what was written to leave before the connection is closed on it.
const FLUSH: Duration = Duration::from_millis(10);
/// More than any answer of this provider has.
const LARGEST: usize = 16 << 20;

/// The answer to a request whose processing is `answer`, bent by `fault`. Processing starts when it is awaited.
pub(crate) async fn play(fault: Option<Fault>, answer: impl Future<Output = Response>) -> Response {
    let Some(Fault { at, processed, effect, .. }) = fault else { return answer.await };
    match effect {
        Effect::NoRefreshToken | Effect::Scope { .. } => answer.await,
        Effect::Merge { fields } => merge(answer.await, fields).await,
        Effect::FormEncoded => form_encoded(answer.await).await,
        Effect::Cut { after } => cut(answer.await, after).await,
        Effect::Hang { ms } if processed => {
            let response = answer.await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response
        }
        Effect::Hang { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            answer.await
        }
        effect => {
            if processed {
                answer.await;
            }
            instead(at, effect)
        }
    }
}

/// The answer of a fault that needs nothing of the real one.
fn instead(at: At, effect: Effect) -> Response {
    match effect {
        Effect::Status { status, retry_after, body } => {
            let body = body.unwrap_or_else(|| default_body(at));
            with(code(status), RETRY_AFTER, retry_after, Json(body))
        }
        Effect::Redirect { to, status } => with(code(status), LOCATION, Some(to), ()),
        Effect::NotJson => Html("<!doctype html><title>Maintenance</title><p>Back soon.</p>").into_response(),
        _ => Body::from_stream(stream::once(async { Err::<Bytes, _>(closed()) })).into_response(),
    }
}

fn default_body(at: At) -> Value {
    let message = "this answer was injected";
    match at {
        At::Token | At::Revoke => json!({"error": "server_error", "error_description": message}),
        At::Api => json!({"status": "error", "message": message, "category": "INJECTED"}),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn with(status: StatusCode, name: HeaderName, value: Option<String>, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed by an injected fault")
}

/// The bytes of an answer, and the answer to put others into.
async fn taken_apart(response: Response) -> (Response, Bytes) {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let bytes = to_bytes(body, LARGEST).await.unwrap_or_default();
    (Response::from_parts(parts, Body::empty()), bytes)
}

async fn merge(response: Response, fields: Map<String, Value>) -> Response {
    let (mut response, bytes) = taken_apart(response).await;
    let body = match serde_json::from_slice(&bytes) {
        Ok(mut value) => {
            merge_into(&mut value, Value::Object(fields));
            Bytes::from(value.to_string())
        }
        Err(_) => bytes,
    };
    *response.body_mut() = Body::from(body);
    response
}

/// RFC 7396 §2.
fn merge_into(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.shift_remove(&name);
            } else {
                merge_into(target.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}

async fn form_encoded(response: Response) -> Response {
    let (mut response, bytes) = taken_apart(response).await;
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in serde_json::from_slice::<Map<String, Value>>(&bytes).unwrap_or_default() {
        form.append_pair(&name, value.as_str().unwrap_or(&value.to_string()));
    }
    let media = HeaderValue::from_static("application/x-www-form-urlencoded");
    response.headers_mut().insert(CONTENT_TYPE, media);
    *response.body_mut() = Body::from(form.finish());
    response
}

async fn cut(response: Response, after: usize) -> Response {
    let (mut response, bytes) = taken_apart(response).await;
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let start = bytes.slice(..after.min(bytes.len().saturating_sub(1)));
    let chunks = stream::unfold(Some(start), |start| async {
        match start {
            Some(start) if !start.is_empty() => Some((Ok(start), Some(Bytes::new()))),
            _ => {
                tokio::time::sleep(FLUSH).await;
                Some((Err(closed()), None))
            }
        }
    });
    *response.body_mut() = Body::from_stream::<_>(chunks);
    response
}
