//! How the client proves itself at the token endpoint (RFC 6749 section 2.3), and how bodies are encoded.
//!
//! Knows Basic, body and public clients. Must not know grant types. Everything secret goes into the [`Attachment`].

use super::endpoint::OauthError;
use crate::call::attach::{basic, secret_header};
use crate::call::encode::{form, form_component};
use crate::call::{Attachment, Unsigned};
use crate::plan::{ClientAuth, OauthPlan, TokenBody};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Map, Value};
use url::Url;

/// An OAuth app's keys.
#[derive(Clone, Copy)]
pub struct ClientKeys<'a> {
    /// Client id.
    pub client_id: &'a str,
    /// Client secret; none for a public client.
    pub client_secret: Option<&'a SecretString>,
}

/// A request to a token or revocation endpoint: the part without secrets, and the secrets.
pub struct TokenRequest {
    /// Without credentials ([`Unsigned::credential`] is false: a connector's own credential never goes here).
    pub request: Unsigned,
    /// Authorization header and body.
    pub attachment: Attachment,
}

/// Parameters of a token request, in order. Nothing prints them.
pub(super) type Parameters = Vec<(String, String)>;

/// A POST of these parameters, with client authentication if there is any.
pub(super) fn post(
    oauth: &OauthPlan,
    url: Url,
    mut parameters: Parameters,
    body: TokenBody,
    client: Option<(ClientAuth, &ClientKeys<'_>)>,
) -> Result<TokenRequest, OauthError> {
    let mut attachment = Attachment::default();
    if let Some((auth, keys)) = client {
        authenticate(oauth, auth, keys, &mut parameters, &mut attachment)?;
    }
    let (content_type, text) = match body {
        TokenBody::Form => (
            "application/x-www-form-urlencoded",
            form(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        ),
        TokenBody::Json => {
            let members: Map<String, Value> =
                parameters.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            ("application/json", Value::Object(members).to_string())
        }
    };
    attachment.body = Some(SecretSlice::from(text.into_bytes()));
    Ok(TokenRequest { request: unsigned(Method::POST, url, Some(content_type)), attachment })
}

/// Adds id and secret where the provider wants them.
pub(super) fn authenticate(
    oauth: &OauthPlan,
    auth: ClientAuth,
    client: &ClientKeys<'_>,
    parameters: &mut Parameters,
    attachment: &mut Attachment,
) -> Result<(), OauthError> {
    let secret = client.client_secret.map(ExposeSecret::expose_secret).unwrap_or_default();
    match auth {
        ClientAuth::Basic => {
            // Both are form-encoded first (RFC 6749 section 2.3.1), so that a `:` or `%` in them survives.
            let header = basic(&form_component(client.client_id), &form_component(secret));
            attachment.headers.push((AUTHORIZATION, header.map_err(|error| OauthError(error.to_string()))?));
        }
        ClientAuth::Body => {
            parameters.push((oauth.client_id_param.clone(), client.client_id.to_owned()));
            parameters.push((oauth.client_secret_param.clone(), secret.to_owned()));
        }
        ClientAuth::None => parameters.push((oauth.client_id_param.clone(), client.client_id.to_owned())),
    }
    Ok(())
}

/// A bearer header for a revocation endpoint.
pub(super) fn bearer(token: &SecretString, attachment: &mut Attachment) -> Result<(), OauthError> {
    let header = secret_header("access_token", &format!("Bearer {}", token.expose_secret()))
        .map_err(|error| OauthError(error.to_string()))?;
    attachment.headers.push((AUTHORIZATION, header));
    Ok(())
}

/// The part of a request that holds no secret.
pub(super) fn unsigned(method: Method, url: Url, content_type: Option<&'static str>) -> Unsigned {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    Unsigned { method, url, headers, body: Bytes::new(), credential: false, stream: false }
}
