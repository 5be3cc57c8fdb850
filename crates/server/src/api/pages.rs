//! The few plain pages that a person may see.
//!
//! Knows static HTML and its headers. No value of a request stands in them.

use axum::response::Html;
use http::{HeaderName, HeaderValue, header};

/// Headers of every page and redirect of the consent.
pub(super) fn headers() -> [(HeaderName, HeaderValue); 5] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
            ),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]
}

/// A callback that belongs to no consent.
pub(super) fn refused() -> Html<&'static str> {
    Html(include_str!("pages/refused.html"))
}

/// Show the page of the embedded widget
#[utoipa::path(
    get,
    path = "/connect",
    tag = "Pages",
    operation_id = "getConnectPage",
    responses(
        (status = 200, description = "A page for a person.", body = String, content_type = "text/html"),
    ),
)]
pub(super) async fn connect() -> ([(HeaderName, HeaderValue); 5], Html<&'static str>) {
    (headers(), Html(include_str!("pages/connect.html")))
}
