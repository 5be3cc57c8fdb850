//! From an error to HTTP: the only place where a failure gets its status and `error_code`.
//!
//! Knows the error body of the contract. Must not know which rule failed.
//!
//! ```json
//! {"message": "…", "detail": "…", "error_code": "invalid", "request_id": "…",
//!  "errors": [{"field": "name", "message": "…", "error_code": "missing", "details": {}}]}
//! ```

use crate::core::error::{Error, Kind};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;

/// Status and code of each kind.
pub fn status_and_code(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::BadRequest => (StatusCode::BAD_REQUEST, "bad_request"),
        Kind::InvalidSecretId => (StatusCode::BAD_REQUEST, "invalid_secret_id"),
        Kind::CredentialsMismatch => (StatusCode::BAD_REQUEST, "credentials_mismatch"),
        Kind::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
        Kind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Kind::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
        Kind::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
        Kind::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
        Kind::UriTooLong => (StatusCode::URI_TOO_LONG, "uri_too_long"),
        Kind::Conflict => (StatusCode::CONFLICT, "conflict"),
        Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Kind::OauthNotSupported => (StatusCode::UNPROCESSABLE_ENTITY, "oauth_not_supported"),
        Kind::OauthAppMissing => (StatusCode::UNPROCESSABLE_ENTITY, "oauth_app_missing"),
        Kind::BindingRequiresSecretId => (StatusCode::UNPROCESSABLE_ENTITY, "binding_requires_secret_id"),
        Kind::BindingRequired => (StatusCode::UNPROCESSABLE_ENTITY, "binding_required"),
        Kind::CheckFailed => (StatusCode::UNPROCESSABLE_ENTITY, "check_failed"),
        Kind::UnknownEntity => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_entity"),
        Kind::UnknownAction => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_action"),
        Kind::InvalidParams => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_params"),
        Kind::NotPageable => (StatusCode::UNPROCESSABLE_ENTITY, "not_pageable"),
        Kind::ReauthorizationRequired => (StatusCode::CONFLICT, "reauthorization_required"),
        Kind::AppMisconfigured => (StatusCode::CONFLICT, "app_misconfigured"),
        Kind::UpstreamRejected => (StatusCode::UNPROCESSABLE_ENTITY, "upstream_rejected"),
        Kind::UpstreamForbidden => (StatusCode::FORBIDDEN, "upstream_forbidden"),
        Kind::UpstreamNotFound => (StatusCode::NOT_FOUND, "upstream_not_found"),
        Kind::UpstreamConflict => (StatusCode::CONFLICT, "upstream_conflict"),
        Kind::UpstreamRateLimited => (StatusCode::TOO_MANY_REQUESTS, "upstream_rate_limited"),
        Kind::UpstreamError => (StatusCode::BAD_GATEWAY, "upstream_error"),
        Kind::UpstreamTimeout => (StatusCode::GATEWAY_TIMEOUT, "upstream_timeout"),
        Kind::UpstreamBlocked => (StatusCode::BAD_GATEWAY, "upstream_blocked"),
        Kind::UpstreamResponseTooLarge => (StatusCode::BAD_GATEWAY, "upstream_response_too_large"),
        Kind::UpstreamRedirectRefused => (StatusCode::BAD_GATEWAY, "upstream_redirect_refused"),
        Kind::TokenEndpointError => (StatusCode::BAD_GATEWAY, "token_endpoint_error"),
        Kind::IdempotencyKeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
        Kind::IdempotencyInProgress => (StatusCode::CONFLICT, "idempotency_in_progress"),
        Kind::UnknownOutcome => (StatusCode::CONFLICT, "unknown_outcome"),
        Kind::AnswerNotKept => (StatusCode::CONFLICT, "answer_not_kept"),
        Kind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
        Kind::TooManyConsents => (StatusCode::TOO_MANY_REQUESTS, "too_many_consents"),
        Kind::OrganizationBusy => (StatusCode::TOO_MANY_REQUESTS, "organization_busy"),
        Kind::RefreshInProgress => (StatusCode::SERVICE_UNAVAILABLE, "refresh_in_progress"),
        Kind::ConnectorBusy => (StatusCode::SERVICE_UNAVAILABLE, "connector_busy"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

/// An error on its way out; [`finish`] writes the body once the request id is known.
#[derive(Clone)]
struct Pending(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, _) = status_and_code(self.kind);
        let mut response = status.into_response();
        response.extensions_mut().insert(Pending(Arc::new(self)));
        response
    }
}

/// Writes the body of a failed response, and logs its cause once.
pub(super) fn finish(mut response: Response, request_id: &str) -> Response {
    let status = response.status();
    let error = match response.extensions_mut().remove::<Pending>() {
        Some(Pending(error)) => error,
        None if is_foreign_failure(&response) => Arc::new(from_status(status)),
        None => return response,
    };
    log(&error, request_id);
    let mut out = (status_and_code(error.kind).0, Json(body(&error, request_id))).into_response();
    // Headers of the first response (such as `Allow` on 405) stay, except those that describe its body.
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            out.headers_mut().append(name, value.clone());
        }
    }
    if error.kind == Kind::Unauthorized {
        let challenge = HeaderValue::from_static("Bearer realm=\"keybearer\", error=\"invalid_token\"");
        out.headers_mut().entry(header::WWW_AUTHENTICATE).or_insert(challenge);
    }
    if let Some(after) = error.details.get("retry_after_seconds").and_then(Value::as_u64) {
        out.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.max(1)));
    }
    out
}

/// A failure that the framework answered by itself: a path that does not decode, a method that no route has.
fn is_foreign_failure(response: &Response) -> bool {
    let typed = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    response.status().as_u16() >= 400 && !typed
}

fn from_status(status: StatusCode) -> Error {
    match status {
        StatusCode::NOT_FOUND => Error::new(Kind::NotFound, "No such route; GET /openapi.json lists them"),
        StatusCode::METHOD_NOT_ALLOWED => {
            Error::new(Kind::MethodNotAllowed, "This route does not have that method")
        }
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(Kind::PayloadTooLarge, "The request body is too large"),
        StatusCode::URI_TOO_LONG => Error::new(Kind::UriTooLong, "The request line is too long"),
        status if status.is_client_error() => Error::new(Kind::BadRequest, "The request cannot be read"),
        status => Error::internal(format!("a response of status {status} without an error")),
    }
}

/// The body of the contract.
pub(super) fn body(error: &Error, request_id: &str) -> Value {
    let (_, code) = status_and_code(error.kind);
    let mut errors: Vec<Value> = error
        .fields
        .iter()
        .map(|field| json!({"field": field.field, "message": field.message, "error_code": field.code, "details": error.details}))
        .collect();
    if errors.is_empty() {
        errors.push(
            json!({"field": null, "message": error.message, "error_code": code, "details": error.details}),
        );
    }
    json!({"message": error.message, "detail": error.message, "error_code": code, "request_id": request_id, "errors": errors})
}

fn log(error: &Error, request_id: &str) {
    let (status, code) = status_and_code(error.kind);
    let cause = error.source.as_ref().map(|source| chain(source.as_ref()));
    if error.kind == Kind::Internal {
        tracing::error!(request_id, code, cause, "request failed");
    } else if status.is_server_error() {
        tracing::warn!(request_id, code, cause, message = %error.message, "request failed");
    } else if status == StatusCode::UNPROCESSABLE_ENTITY {
        // The message may quote what the caller sent, which is no business of the log.
        let fields: Vec<&str> = error.fields.iter().map(|field| field.field.as_str()).collect();
        tracing::debug!(request_id, code, cause, fields = fields.join(", "), "request refused");
    } else {
        tracing::debug!(request_id, code, cause, message = %error.message, "request refused");
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
