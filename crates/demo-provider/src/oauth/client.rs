//! Client authentication (RFC 6749 §2.3.1): HTTP Basic with form-encoded parts, or the body; one of them.
//! It knows the one registered client and nothing of grants.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use super::refuse;
use crate::form::Form;
use crate::secret::same;
use crate::settings::Settings;

/// Why a request is not the client's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unproven {
    /// 401 `invalid_client`, with what is wrong.
    Stranger(&'static str),
    /// 400 `invalid_request`: credentials in the header and in the body.
    TwoWays,
}

/// Whether the request comes from the client.
pub(super) fn authenticate(settings: &Settings, headers: &HeaderMap, form: &Form) -> Result<(), Unproven> {
    let in_body = (form.get("client_id"), form.get("client_secret"));
    let (id, secret) = match (headers.get(AUTHORIZATION), in_body) {
        (Some(_), (_, Some(_))) => return Err(Unproven::TwoWays),
        (Some(header), (body_id, None)) => {
            let (id, secret) = basic(header).ok_or(Unproven::Stranger("the Basic header is damaged"))?;
            if body_id.is_some_and(|body_id| body_id != id) {
                return Err(Unproven::Stranger("client_id differs between header and body"));
            }
            (id, secret)
        }
        (None, (Some(id), Some(secret))) => (id.to_owned(), secret.to_owned()),
        (None, _) => return Err(Unproven::Stranger("client_id or client_secret is missing")),
    };
    if id == settings.client_id && same(&secret, &settings.client_secret) {
        Ok(())
    } else {
        Err(Unproven::Stranger("unknown client or wrong secret"))
    }
}

impl IntoResponse for Unproven {
    /// RFC 6749 §5.2: a 401 carries a challenge.
    fn into_response(self) -> Response {
        match self {
            Self::TwoWays => {
                let description = "the client authenticates in two ways at once";
                refuse(StatusCode::BAD_REQUEST, "invalid_request", description)
            }
            Self::Stranger(description) => {
                let mut response = refuse(StatusCode::UNAUTHORIZED, "invalid_client", description);
                let challenge = HeaderValue::from_static("Basic realm=\"oauth\", charset=\"UTF-8\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                response
            }
        }
    }
}

fn basic(header: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(part: &str) -> Option<String> {
    let spaced = part.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
