//! The one layer around every route: request id, panics, error bodies, headers, CORS.
//!
//! Knows what every answer has. Must not know routes. One service of our own around the router instead of six boxed
//! layers on each of its routes, because it stands on the hot path.

use super::query::PathId;
use super::{App, drain, problem};
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

/// A request on its way to an answer.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The guarded handler of an execute. Executes are nearly all of what comes, and what the router does for one (a walk
/// through its tree, clones and boxes of services, path parameters) costs more than reading its path here.
pub(super) type Execute = Box<dyn Fn(Request) -> Answering + Send + Sync>;

struct Shared {
    execute: Execute,
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
    pub(super) fn new(router: Router, execute: Execute, cors_origins: &[String], app: &App) -> Self {
        let request_ids = RequestIds::new(app);
        let shared = Shared { execute, cors_origins: cors_origins.to_vec(), request_ids };
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
        let mut request = drain::on_drop(request);
        let mut edge = self.clone();
        Box::pin(async move {
            // Routing itself stands inside, too.
            let answered = async {
                match executed(&request) {
                    Some(id) => {
                        request.extensions_mut().insert(id);
                        Ok((edge.shared.execute)(request).await)
                    }
                    None => edge.router.call(request).await,
                }
            };
            // A panic ends this request only; its message may hold anything and stays in the panic hook's hands.
            let response = match AssertUnwindSafe(answered).catch_unwind().await {
                Ok(Ok(response)) => response,
                Err(_) => Error::internal("a handler panicked").into_response(),
            };
            Ok(finished(response, &request_id, origin))
        })
    }
}

/// The connector of an execute whose path is written as usual. Whatever is written otherwise goes through the router.
pub(super) fn executed(request: &Request) -> Option<PathId> {
    if request.method() != Method::POST {
        return None;
    }
    let path = request.uri().path();
    let path = super::PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    let path = super::routes::EXECUTES.iter().find_map(|folder| path.strip_prefix(folder))?;
    let id = path.strip_suffix("/execute")?;
    // A UUID with its hyphens, so neither a slash nor an escape.
    (uuid::Uuid::try_parse(id).is_ok() && id.len() == 36).then(|| PathId(id.to_owned()))
}

/// What every answer has.
fn finished(response: Response, request_id: &str, origin: Option<HeaderValue>) -> Response {
    let mut response = problem::finish(response, request_id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        // An answer that was given before names the request that it was given to.
        headers.entry(REQUEST_ID).or_insert(value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-request-id, retry-after, idempotent-replayed"),
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
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, x-organization-id, idempotency-key",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
