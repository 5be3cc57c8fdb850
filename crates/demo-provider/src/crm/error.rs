//! The API's error answers: `{"status":"error","message","category"}`, and the challenges of RFC 6750 §3.
//! It knows how refusals look, not when to refuse.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::scope::Scope;

/// A refusal by the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// 401 without a token.
    NoToken,
    /// 401: unknown, expired or revoked.
    BadToken,
    /// 403: the token lacks this scope.
    Scope(Scope),
    /// 404.
    NotFound,
    /// 409: another contact has this address.
    Conflict,
    /// 400, with what is wrong.
    Invalid(String),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, category, message, challenge) = match self {
            Self::NoToken => {
                let message = "an access token is required".to_owned();
                (StatusCode::UNAUTHORIZED, "INVALID_AUTHENTICATION", message, Some(String::new()))
            }
            Self::BadToken => {
                let message = "the access token is unknown, expired or revoked".to_owned();
                let challenge = ", error=\"invalid_token\"".to_owned();
                (StatusCode::UNAUTHORIZED, "INVALID_AUTHENTICATION", message, Some(challenge))
            }
            Self::Scope(scope) => {
                let name = scope.name();
                let challenge = format!(", error=\"insufficient_scope\", scope=\"{name}\"");
                (StatusCode::FORBIDDEN, "MISSING_SCOPES", format!("needs the scope {name}"), Some(challenge))
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "no such object".to_owned(), None),
            Self::Conflict => {
                let message = "a contact with this email exists already".to_owned();
                (StatusCode::CONFLICT, "CONFLICT", message, None)
            }
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message, None),
        };
        let body = Json(json!({"status": "error", "message": message, "category": category}));
        let mut response = (status, [(CACHE_CONTROL, "no-store")], body).into_response();
        let challenge =
            challenge.and_then(|rest| HeaderValue::from_str(&format!("Bearer realm=\"crm\"{rest}")).ok());
        if let Some(challenge) = challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
