//! `GET /oauth/callback/<slug>` and the legacy path: where providers send the browser back.
//!
//! Knows pages, redirects and their headers. Must not know what a callback does. 303 only, so that nothing is posted
//! again; no referrer, no cache, no frame, no script (RFC 9700 sections 4.2 and 4.16).

use super::layer::RequestId;
use super::{Answer, App, pages, schema};
use crate::core::consent::{Outcome, callback};
use axum::Extension;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};

/// Receive a consent
///
/// The provider sends the browser here; an application never calls it. The state is consumed before anything else;
/// then `iss` is checked, the code exchanged and the grant stored. The browser is sent on to the `redirect_url` of the
/// consent with `secret_id` or `connector_id`, or with `error` and `error_description`: `access_denied` and the other
/// registered codes of the provider, `provider_error`, `session_expired`, `invalid_state`, `token_exchange_failed`,
/// `account_mismatch`, `binding_required`, `creation_failed`.
#[utoipa::path(
    get,
    path = "/oauth/callback/{slug}",
    tag = "Consent",
    operation_id = "callback",
    params(schema::consent::CallbackPath, schema::consent::CallbackQuery),
    responses(
        (status = 303, description = "Back to the application.", headers(("Location" = String, description = "The `redirect_url` of the consent, with the outcome appended."))),
        (status = 400, description = "The state is missing, unknown, used, given twice, or belongs to another callback. Nothing was called.", body = String, content_type = "text/html"),
    ),
)]
pub(super) async fn context(
    State(app): State<App>,
    Path(slug): Path<String>,
    method: Method,
    uri: Uri,
    Extension(request_id): Extension<RequestId>,
) -> Answer {
    handle(&app, Some(&slug), &method, &uri, request_id).await
}

/// Receive a consent, on the older path
///
/// For OAuth apps that are configured with `callback: legacy`.
/// The provider sends the browser here; an application never calls it. The state is consumed before anything else;
/// then `iss` is checked, the code exchanged and the grant stored. The browser is sent on to the `redirect_url` of the
/// consent with `secret_id` or `connector_id`, or with `error` and `error_description`: `access_denied` and the other
/// registered codes of the provider, `provider_error`, `session_expired`, `invalid_state`, `token_exchange_failed`,
/// `account_mismatch`, `binding_required`, `creation_failed`.
#[utoipa::path(
    get,
    path = "/api/v1/integrations/connectors/oauth/callback",
    tag = "Consent",
    operation_id = "legacyCallback",
    params(schema::consent::CallbackQuery),
    responses(
        (status = 303, description = "Back to the application.", headers(("Location" = String, description = "The `redirect_url` of the consent, with the outcome appended."))),
        (status = 400, description = "The state is missing, unknown, used, given twice, or belongs to another callback. Nothing was called.", body = String, content_type = "text/html"),
    ),
)]
pub(super) async fn legacy(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    Extension(request_id): Extension<RequestId>,
) -> Answer {
    handle(&app, None, &method, &uri, request_id).await
}

async fn handle(
    app: &App,
    slug: Option<&str>,
    method: &Method,
    uri: &Uri,
    RequestId(request_id): RequestId,
) -> Answer {
    // A scanner's HEAD must not consume the state.
    if method != Method::GET {
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    let query = uri.query().unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Ok(match callback(app, slug, pairs, request_id).await? {
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
