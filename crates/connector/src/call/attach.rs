//! Puts a credential on a request, after its destination was checked.
//!
//! Knows headers, query pairs and bodies that hold secrets. Must not change a request's origin, and prints nothing.

use super::template::Renderer;
use crate::plan::{Credential, OauthPlan, Placement, Scheme, SchemeKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use minijinja::value::Value as JinjaValue;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::collections::BTreeMap;
use url::Url;

/// Secrets of one request, ready to be put on it. Nothing prints it.
#[derive(Default)]
pub struct Attachment {
    /// Headers, marked sensitive; they replace those of the request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Query pairs, unencoded; they come last.
    pub query: Vec<(String, SecretString)>,
    /// A whole path, encoded, instead of the request's (a token that a provider wants in the path).
    pub path: Option<SecretString>,
    /// A body instead of the request's.
    pub body: Option<SecretSlice<u8>>,
}

impl Attachment {
    /// Puts everything on a request. Scheme, host and port stay what they are.
    pub fn apply(&self, url: &mut Url, headers: &mut HeaderMap, body: &mut Bytes) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(path) = &self.path {
            url.set_path(path.expose_secret());
        }
        if !self.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in &self.query {
                pairs.append_pair(name, value.expose_secret());
            }
        }
        if let Some(secret) = &self.body {
            *body = Bytes::copy_from_slice(secret.expose_secret());
        }
    }
}

/// A credential that cannot be attached. Says names, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// A value that the scheme needs is absent; for `access_token` a refresh may bring it.
    #[error("the credential has no {0:?}")]
    Missing(&'static str),
    /// A value cannot stand in a header.
    #[error("{0:?} of the credential contains characters that cannot be sent")]
    Unusable(String),
    /// A header template of the definition does not render.
    #[error("the definition's header {0:?} cannot be rendered")]
    Template(String),
}

impl Scheme {
    /// What this credential adds to a request. Keys of [`Credential::values`]: `token` (bearer), `username` and `password`
    /// (basic), `api_key`, `access_token` (OAuth 2), and whatever the scheme's headers name, such as `client_id`.
    pub fn attach(&self, credential: &Credential) -> Result<Attachment, AttachError> {
        let mut attachment = Attachment::default();
        let value = |key: &'static str| {
            credential.values.get(key).map(ExposeSecret::expose_secret).ok_or(AttachError::Missing(key))
        };
        match &self.kind {
            SchemeKind::Bearer => attachment
                .headers
                .push((AUTHORIZATION, secret_header("token", &format!("Bearer {}", value("token")?))?)),
            SchemeKind::Basic => {
                let password =
                    credential.values.get("password").map(ExposeSecret::expose_secret).unwrap_or_default();
                attachment.headers.push((AUTHORIZATION, basic(value("username")?, password)?));
            }
            SchemeKind::ApiKey { name, placement: Placement::Header } => {
                let header = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| AttachError::Unusable(name.clone()))?;
                attachment.headers.push((header, secret_header("api_key", value("api_key")?)?));
            }
            SchemeKind::ApiKey { name, placement: Placement::Query } => {
                attachment.query.push((name.clone(), SecretString::from(value("api_key")?)));
            }
            SchemeKind::Oauth2(oauth) => attachment.headers.push(bearer(oauth, value("access_token")?)?),
        }
        self.add_headers(credential, &mut attachment)?;
        Ok(attachment)
    }

    /// The definition's further headers; one of the same name as the credential's own takes its place.
    fn add_headers(&self, credential: &Credential, attachment: &mut Attachment) -> Result<(), AttachError> {
        if self.headers.is_empty() {
            return Ok(());
        }
        let names: BTreeMap<String, JinjaValue> = credential
            .values
            .iter()
            .map(|(name, value)| (name.clone(), JinjaValue::from(value.expose_secret())))
            .collect();
        for (name, template) in &self.headers {
            let failed = |_| AttachError::Template(name.to_string());
            let text = Renderer::new(template, Timestamp::UNIX_EPOCH)
                .and_then(|renderer| renderer.render(names.clone()))
                .map_err(failed)?;
            let value = secret_header(name.as_str(), &text)?;
            attachment.headers.retain(|(other, _)| other != name);
            attachment.headers.push((name.clone(), value));
        }
        Ok(())
    }
}

fn bearer(oauth: &OauthPlan, token: &str) -> Result<(HeaderName, HeaderValue), AttachError> {
    Ok((oauth.header.clone(), secret_header("access_token", &format!("{}{token}", oauth.prefix))?))
}

/// `Basic` of RFC 7617.
pub(crate) fn basic(username: &str, password: &str) -> Result<HeaderValue, AttachError> {
    secret_header("username", &format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
}

/// A header value that nothing prints.
pub(crate) fn secret_header(name: &str, text: &str) -> Result<HeaderValue, AttachError> {
    let mut value =
        HeaderValue::from_bytes(text.as_bytes()).map_err(|_| AttachError::Unusable(name.to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Template;

    fn credential(values: &[(&str, &str)]) -> Credential {
        Credential {
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)))
                .collect(),
        }
    }

    fn scheme(kind: SchemeKind, headers: &[(&'static str, &str)]) -> Scheme {
        let headers = headers
            .iter()
            .map(|(name, source)| {
                (HeaderName::from_static(name), Template { source: (*source).to_owned(), lenient: true })
            })
            .collect();
        Scheme { name: "s".into(), kind, fields: vec![], mapping: indexmap::IndexMap::default(), headers }
    }

    #[test]
    fn each_kind() {
        let get = |scheme: &Scheme, values: &[(&str, &str)]| {
            let attachment = scheme.attach(&credential(values)).unwrap();
            assert!(attachment.headers.iter().all(|(_, value)| value.is_sensitive()));
            attachment
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(get(&scheme(SchemeKind::Bearer, &[]), &[("token", "t")]), ["authorization: Bearer t"]);
        assert_eq!(get(&scheme(SchemeKind::Basic, &[]), &[("username", "u")]), ["authorization: Basic dTo="]);
        let key = SchemeKind::ApiKey { name: "X-Key".into(), placement: Placement::Header };
        assert_eq!(
            get(
                &scheme(key, &[("x-more", "{{ account_id }}-{{ nothing }}")]),
                &[("api_key", "k"), ("account_id", "7")]
            ),
            ["x-key: k", "x-more: 7-"]
        );
        assert_eq!(
            get(
                &scheme(SchemeKind::Bearer, &[("authorization", "Zoho {{ token }}")]),
                &[("token", "{{ x }}")]
            ),
            ["authorization: Zoho {{ x }}"]
        );
        assert_eq!(
            scheme(SchemeKind::Bearer, &[]).attach(&credential(&[])).err(),
            Some(AttachError::Missing("token"))
        );
        assert!(scheme(SchemeKind::Bearer, &[]).attach(&credential(&[("token", "a\r\nb")])).is_err());
    }

    #[test]
    fn a_query_key_comes_last_and_the_origin_stays() {
        let key = SchemeKind::ApiKey { name: "key".into(), placement: Placement::Query };
        let attachment = scheme(key, &[]).attach(&credential(&[("api_key", "a&b")])).unwrap();
        let mut url = Url::parse("https://a.example/x?y=1").unwrap();
        attachment.apply(&mut url, &mut HeaderMap::new(), &mut Bytes::new());
        assert_eq!(url.as_str(), "https://a.example/x?y=1&key=a%26b");
    }
}
