//! The caller of the API: the user and scopes behind a bearer token in the `Authorization` header (RFC 6750 §2.1).
//! Tokens in the query or the body are not accepted.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::error::ApiError;
use crate::person::Person;
use crate::scope::{Scope, Scopes};
use crate::state::Shared;

/// Who calls, with which scopes.
pub(crate) struct Caller {
    pub(crate) person: Person,
    scopes: Scopes,
}

impl Caller {
    /// The user, if the token has the scope; else 403.
    pub(crate) fn may(&self, scope: Scope) -> Result<Person, ApiError> {
        if self.scopes.has(scope) { Ok(self.person) } else { Err(ApiError::Scope(scope)) }
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(ApiError::NoToken)?;
        let header = header.to_str().map_err(|_| ApiError::BadToken)?;
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(ApiError::NoToken),
        };
        let now_ms = shared.now_ms();
        let access = shared.lock().grants.access(token, now_ms);
        access.map(|(person, scopes)| Self { person, scopes }).ok_or(ApiError::BadToken)
    }
}
