//! The one layer around every route: request id, panics, error bodies, headers, CORS.
//!
//! Knows what every answer has. Must not know routes. One service of our own around the router instead of six boxed
//! layers on each of its routes, because it stands on the hot path.

use super::{App, problem};
use crate::core::error::{Error, Kind};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use std::convert::Infallible;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tower::Service;

/// Longest request line that is taken, in bytes of path and query.
const URI_MAX: usize = 8192;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes with the layer around them.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    shared: Arc<Shared>,
}

struct Shared {
    cors_origins: Vec<String>,
    request_ids: RequestIds,
}

/// The id of a request, for whoever handles it.
#[derive(Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// Ids of requests: unique over processes by their first half, and countable. They are no secrets.
struct RequestIds {
    process: u64,
    count: AtomicU64,
}

impl RequestIds {
    fn new(app: &App) -> Self {
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

impl Edge {
    pub(super) fn new(router: Router, cors_origins: &[String], app: &App) -> Self {
        let shared = Shared { cors_origins: cors_origins.to_vec(), request_ids: RequestIds::new(app) };
        Self { router, shared: Arc::new(shared) }
    }
}

impl Service<Request> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let request_id: Arc<str> = self.shared.request_ids.next().into();
        request.extensions_mut().insert(RequestId(Arc::clone(&request_id)));
        let origin = allowed_origin(&self.shared.cors_origins, &request);
        let early = if origin.is_some() && is_preflight(&request) {
            Some(preflight())
        } else if too_long(&request) {
            let error = Error::new(Kind::UriTooLong, "The path and query are longer than 8192 bytes");
            Some(error.into_response())
        } else {
            None
        };
        if let Some(response) = early {
            return Box::pin(ready(Ok(finished(response, &request_id, origin))));
        }
        let mut router = self.router.clone();
        Box::pin(async move {
            // Routing itself stands inside, too.
            let answered = async { router.call(request).await };
            // A panic ends this request only; its message may hold anything and stays in the panic hook's hands.
            let response = match AssertUnwindSafe(answered).catch_unwind().await {
                Ok(Ok(response)) => response,
                Err(_) => Error::internal("a handler panicked").into_response(),
            };
            Ok(finished(response, &request_id, origin))
        })
    }
}

/// What every answer has.
fn finished(response: Response, request_id: &str, origin: Option<HeaderValue>) -> Response {
    let mut response = problem::finish(response, request_id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
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

fn allowed_origin(cors_origins: &[String], request: &Request) -> Option<HeaderValue> {
    if cors_origins.is_empty() {
        return None;
    }
    let origin = request.headers().get(header::ORIGIN)?;
    cors_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
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
