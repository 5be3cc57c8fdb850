//! `GET /oauth/callback/<slug>` and the legacy path: where providers send the browser back.
//!
//! Knows pages, redirects and their headers. Must not know what a callback does. 303 only, so that nothing is posted
//! again; no referrer, no cache, no frame, no script (RFC 9700 sections 4.2 and 4.16).

use super::{Answer, App, pages};
use crate::core::consent::{Outcome, callback};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};

/// The callback of one connector type.
pub(super) async fn context(
    State(app): State<App>,
    Path(slug): Path<String>,
    method: Method,
    uri: Uri,
) -> Answer {
    handle(&app, Some(&slug), &method, &uri).await
}

/// The callback of OAuth apps that were registered with the legacy path.
pub(super) async fn legacy(State(app): State<App>, method: Method, uri: Uri) -> Answer {
    handle(&app, None, &method, &uri).await
}

async fn handle(app: &App, slug: Option<&str>, method: &Method, uri: &Uri) -> Answer {
    // A scanner's HEAD must not consume the state.
    if method != Method::GET {
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    let query = uri.query().unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Ok(match callback(app, slug, pairs).await? {
        Outcome::Redirect(url) => redirect(&url),
        Outcome::Refused => (StatusCode::BAD_REQUEST, pages::headers(), pages::refused()).into_response(),
    })
}

fn redirect(url: &str) -> Response {
    let mut response = (StatusCode::SEE_OTHER, pages::headers()).into_response();
    match HeaderValue::from_str(url) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        // The URL was checked at initiate; this cannot be reached with a stored flow.
        Err(_) => (StatusCode::BAD_REQUEST, pages::headers(), pages::refused()).into_response(),
    }
}
