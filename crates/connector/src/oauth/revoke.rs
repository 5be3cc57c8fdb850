//! Revocation at the provider (RFC 7009, and what others want instead).
//!
//! Knows where a token goes: form, JSON, path or header. Must not decide when tokens are revoked.

use super::client::{self, ClientKeys, TokenRequest};
use super::endpoint::{self, OauthError};
use crate::call::encode::component;
use crate::call::{Attachment, Environment, Response};
use crate::plan::{ClientAuth, OauthPlan, Revocation, Template, TokenBody};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::Value;

/// Which token is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The refresh token, and with it usually the whole grant.
    RefreshToken,
    /// The access token.
    AccessToken,
}

/// The tokens of a grant.
#[derive(Clone, Copy)]
pub struct Revoke<'a> {
    /// Which one to revoke.
    pub kind: Kind,
    /// The access token.
    pub access_token: Option<&'a SecretString>,
    /// The refresh token.
    pub refresh_token: Option<&'a SecretString>,
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The token is gone (or was, which RFC 7009 section 2.2 does not tell apart).
    Revoked,
    /// The provider does not revoke this kind of token.
    Unsupported,
    /// The provider said no: to the client, or to a token that it does not know (any more).
    Refused,
    /// It did not work now.
    Failed,
}

/// The request; none where the definition names no revocation, or it needs a token that is not there.
pub fn request(
    oauth: &OauthPlan,
    tokens: &Revoke<'_>,
    client: &ClientKeys<'_>,
    environment: &Environment,
) -> Result<Option<TokenRequest>, OauthError> {
    let Some(revocation) = &oauth.revocation else { return Ok(None) };
    let token = match tokens.kind {
        Kind::RefreshToken => tokens.refresh_token,
        Kind::AccessToken => tokens.access_token,
    };
    let Some(token) = token else { return Ok(None) };
    let values = Values { tokens, client_id: client.client_id };
    let Some(place) = place(oauth, revocation, &values, environment)? else { return Ok(None) };
    let mut request = match &revocation.json {
        Some(template) => {
            let Some(body) = values.fill_tree(template) else { return Ok(None) };
            let body = Some(SecretSlice::from(body.to_string().into_bytes()));
            TokenRequest {
                request: client::unsigned(revocation.method.clone(), place.url, Some("application/json")),
                attachment: Attachment { body, ..Attachment::default() },
            }
        }
        None if revocation.method == http::Method::POST && !place.has_token => {
            let hint = if tokens.kind == Kind::RefreshToken { "refresh_token" } else { "access_token" };
            let form = vec![
                ("token".to_owned(), token.expose_secret().to_owned()),
                ("token_type_hint".to_owned(), hint.to_owned()),
            ];
            let auth = (!revocation.bearer).then_some((revocation.client_auth, client));
            client::post(oauth, place.url, form, TokenBody::Form, auth)?
        }
        None => TokenRequest {
            request: client::unsigned(revocation.method.clone(), place.url, None),
            attachment: Attachment::default(),
        },
    };
    request.attachment.path = place.path;
    if revocation.bearer {
        let Some(access) = tokens.access_token else { return Ok(None) };
        client::bearer(access, &mut request.attachment)?;
    } else if revocation.client_auth == ClientAuth::Basic && request.attachment.headers.is_empty() {
        client::authenticate(oauth, ClientAuth::Basic, client, &mut Vec::new(), &mut request.attachment)?;
    }
    Ok(Some(request))
}

/// Codes of an answer that mean a token which nobody can use any more: Google says `invalid_token` with status 400,
/// Slack the others inside a 200.
const DEAD: [&str; 5] =
    ["invalid_token", "invalid_auth", "token_revoked", "token_expired", "account_inactive"];

/// What the answer to a revocation means.
pub fn read(oauth: &OauthPlan, response: &Response) -> Outcome {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let told = oauth.token_error.as_ref().filter(|error| body.get(&error.field) == Some(&error.on_value));
    let field = told.and_then(|error| error.message_field.as_deref()).unwrap_or("error");
    let code = body.get(field).and_then(Value::as_str).unwrap_or_default();
    match response.status.as_u16() {
        200..=299 if told.is_none() => Outcome::Revoked,
        404 | 410 => Outcome::Revoked,
        405 | 501 => Outcome::Unsupported,
        // 408 and 429 are for later, as 503 is (RFC 7009 section 2.2.1).
        408 | 429 => Outcome::Failed,
        200..=299 | 400..=499 if DEAD.contains(&code) => Outcome::Revoked,
        200..=299 | 400..=499 if code == "unsupported_token_type" => Outcome::Unsupported,
        200..=299 | 400..=499 => Outcome::Refused,
        _ => Outcome::Failed,
    }
}

/// URL without secrets, and the path with them.
struct Place {
    url: url::Url,
    path: Option<SecretString>,
    has_token: bool,
}

fn place(
    oauth: &OauthPlan,
    revocation: &Revocation,
    values: &Values<'_>,
    environment: &Environment,
) -> Result<Option<Place>, OauthError> {
    let has_token = ["{access_token}", "{refresh_token}"].iter().any(|name| revocation.url.contains(name));
    let shown = revocation
        .url
        .replace("{client_id}", &component(values.client_id))
        .replace("{access_token}", "token")
        .replace("{refresh_token}", "token");
    let url = endpoint::url(&Template { source: shown, lenient: true }, &oauth.bounded, environment, &[])?;
    if !has_token {
        return Ok(Some(Place { url, path: None, has_token }));
    }
    let after_origin = revocation
        .url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, path)| format!("/{path}"))
        .unwrap_or_default();
    let path = after_origin.split('?').next().unwrap_or_default();
    Ok(values.fill(path, component).map(|path| Place {
        url,
        path: Some(SecretString::from(path)),
        has_token,
    }))
}

struct Values<'a> {
    tokens: &'a Revoke<'a>,
    client_id: &'a str,
}

impl Values<'_> {
    /// Placeholders filled; none when a token is missing.
    fn fill(&self, text: &str, encode: impl Fn(&str) -> String) -> Option<String> {
        let mut filled = text.replace("{client_id}", &encode(self.client_id));
        for (name, token) in
            [("{access_token}", self.tokens.access_token), ("{refresh_token}", self.tokens.refresh_token)]
        {
            if text.contains(name) {
                filled = filled.replace(name, &encode(token?.expose_secret()));
            }
        }
        Some(filled)
    }

    fn fill_tree(&self, template: &Value) -> Option<Value> {
        Some(match template {
            Value::String(text) => Value::String(self.fill(text, str::to_owned)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_tree(item)).collect::<Option<_>>()?)
            }
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| Some((name.clone(), self.fill_tree(value)?)))
                    .collect::<Option<_>>()?,
            ),
            other => other.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;
    use bytes::Bytes;
    use serde_json::json;

    fn sent(revocation: Revocation) -> Option<(String, String, String, String)> {
        let oauth = OauthPlan { revocation: Some(revocation), ..sample::oauth() };
        let (access, refresh, secret) =
            (SecretString::from("acc3ss"), SecretString::from("r3/fresh"), SecretString::from("s3cret"));
        let tokens =
            Revoke { kind: Kind::RefreshToken, access_token: Some(&access), refresh_token: Some(&refresh) };
        let TokenRequest { request, attachment } = request(
            &oauth,
            &tokens,
            &ClientKeys { client_id: "id", client_secret: Some(&secret) },
            &Environment::default(),
        )
        .unwrap()?;
        assert!(!format!("{request:?}").contains("r3"));
        let (mut url, mut headers, mut body) = (request.url, request.headers, Bytes::new());
        attachment.apply(&mut url, &mut headers, &mut body);
        let authorization =
            headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Some((
            request.method.to_string(),
            url.to_string(),
            authorization,
            String::from_utf8(body.to_vec()).unwrap(),
        ))
    }

    fn revocation(method: &str, url: &str) -> Revocation {
        Revocation {
            method: method.parse().unwrap(),
            url: url.into(),
            client_auth: ClientAuth::Body,
            json: None,
            bearer: false,
        }
    }

    #[test]
    fn form_path_json_and_bearer() {
        let (_, _, _, body) = sent(revocation("POST", "https://a.example/revoke")).unwrap();
        assert_eq!(body, "token=r3%2Ffresh&token_type_hint=refresh_token&client_id=id&client_secret=s3cret");
        let (method, url, _, body) =
            sent(revocation("DELETE", "https://a.example/oauth/v1/refresh-tokens/{refresh_token}")).unwrap();
        assert_eq!(
            (method.as_str(), url.as_str(), body.as_str()),
            ("DELETE", "https://a.example/oauth/v1/refresh-tokens/r3%2Ffresh", "")
        );
        let github = Revocation {
            json: Some(json!({"access_token": "{access_token}"})),
            client_auth: ClientAuth::Basic,
            ..revocation("DELETE", "https://a.example/applications/{client_id}/grant")
        };
        let (_, url, authorization, body) = sent(github).unwrap();
        assert_eq!(
            (url.as_str(), body.as_str()),
            ("https://a.example/applications/id/grant", r#"{"access_token":"acc3ss"}"#)
        );
        assert!(authorization.starts_with("Basic "));
        let (_, _, authorization, _) =
            sent(Revocation { bearer: true, ..revocation("POST", "https://a.example/auth.revoke") }).unwrap();
        assert_eq!(authorization, "Bearer acc3ss");
    }

    #[test]
    fn answers_tell_gone_from_refused_and_not_now() {
        let plain = sample::oauth();
        let slack = OauthPlan {
            token_error: Some(crate::plan::TokenError {
                field: "ok".to_owned(),
                on_value: json!(false),
                message_field: Some("error".to_owned()),
            }),
            ..sample::oauth()
        };
        let said = |oauth: &OauthPlan, status: u16, body: &str| {
            let status = http::StatusCode::from_u16(status).unwrap();
            let body = Bytes::copy_from_slice(body.as_bytes());
            read(oauth, &Response { status, headers: http::HeaderMap::new(), body })
        };
        for (status, body, outcome) in [
            (200, "", Outcome::Revoked),
            (204, r#"{"ok":false}"#, Outcome::Revoked),
            (404, "", Outcome::Revoked),
            (400, r#"{"error":"invalid_token"}"#, Outcome::Revoked),
            (400, r#"{"error":"unsupported_token_type"}"#, Outcome::Unsupported),
            (400, "no JSON", Outcome::Refused),
            (401, r#"{"error":"invalid_client"}"#, Outcome::Refused),
            (429, "", Outcome::Failed),
            (503, r#"{"error":"invalid_token"}"#, Outcome::Failed),
            (501, "", Outcome::Unsupported),
        ] {
            assert_eq!(said(&plain, status, body), outcome, "{status} {body}");
        }
        assert_eq!(said(&slack, 200, r#"{"ok":true}"#), Outcome::Revoked);
        assert_eq!(said(&slack, 200, r#"{"ok":false,"error":"token_revoked"}"#), Outcome::Revoked);
        assert_eq!(said(&slack, 200, r#"{"ok":false,"error":"fatal_error"}"#), Outcome::Refused);
    }
}
