//! The one layer around every route: request id, panics, error bodies, headers, CORS.
//!
//! Knows what every answer has. Must not know routes. One layer of our own instead of six boxed ones, because it
//! stands on the hot path.

use super::{App, problem};
use crate::core::error::{Error, Kind};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest request line that is taken, in bytes of path and query.
const URI_MAX: usize = 8192;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the layer needs beside the app.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) cors_origins: Arc<[String]>,
    pub(super) request_ids: Arc<RequestIds>,
}

/// Ids of requests: unique over processes by their first half, and countable. They are no secrets.
pub(super) struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(app: &App) -> Self {
        Self { process: app.random.number(), count: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.process.to_be_bytes());
        bytes[8..].copy_from_slice(&count.to_be_bytes());
        // RFC 9562 section 5.8: a UUID whose content is our own affair.
        uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
    }
}

pub(super) async fn around(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let request_id = edge.request_ids.next();
    let origin = allowed_origin(&edge, &request);
    let response = match &origin {
        Some(_) if is_preflight(&request) => preflight(),
        _ if too_long(&request) => {
            Error::new(Kind::UriTooLong, "The path and query are longer than 8192 bytes").into_response()
        }
        // A panic ends this request only; its message may hold anything and stays in the panic hook's hands.
        _ => AssertUnwindSafe(next.run(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Error::internal("a handler panicked").into_response()),
    };
    let mut response = problem::finish(response, &request_id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-request-id, retry-after"),
        );
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

fn too_long(request: &Request) -> bool {
    request.uri().path_and_query().is_some_and(|path| path.as_str().len() > URI_MAX)
}

fn allowed_origin(edge: &Edge, request: &Request) -> Option<HeaderValue> {
    if edge.cors_origins.is_empty() {
        return None;
    }
    let origin = request.headers().get(header::ORIGIN)?;
    edge.cors_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, x-organization-id"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
