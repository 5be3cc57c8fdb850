//! Query strings and path ids: decoded, bounded, checked like body fields.
//!
//! Knows names given twice, limits and cursors. Must not know what a list lists.

use super::body::Fields;
use crate::core::error::{Error, Kind, Result};
use axum::extract::{FromRequestParts, Path};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use serde_json::{Map, Value};

/// A query as fields.
pub(super) struct Query(pub(super) Fields);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut map = Map::new();
        let mut twice = Vec::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let name: String = name.chars().take(100).collect();
            if map.insert(name.clone(), Value::String(value.into_owned())).is_some() {
                twice.push(name);
            }
        }
        let mut fields = Fields::of(map);
        for name in twice {
            let name: String = name.chars().filter(|c| !c.is_control()).collect();
            fields.wrong(&name, "invalid_value", "is given twice");
        }
        Ok(Self(fields))
    }
}

impl Fields {
    /// `limit` within bounds, else the default.
    pub(super) fn limit(&mut self, default: i64, max: i64) -> i64 {
        let Some(text) = self.text("limit", 20) else { return default };
        if let Some(limit) = text.parse().ok().filter(|limit| (1..=max).contains(limit)) {
            return limit;
        }
        self.wrong("limit", "invalid_value", format!("must be a number from 1 to {max}"));
        default
    }

    /// `cursor`: the position after which a list goes on.
    pub(super) fn cursor(&mut self) -> Option<(i64, String)> {
        let text = self.text("cursor", 200)?;
        let position = read_cursor(&text);
        if position.is_none() {
            self.wrong("cursor", "invalid_value", "must be a cursor that this list gave");
        }
        position
    }
}

fn read_cursor(text: &str) -> Option<(i64, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (at, id) = text.split_once('.')?;
    let plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain.then_some(())?;
    Some((at.parse().ok()?, id.to_owned()))
}

/// The cursor after a row.
pub(super) fn cursor_after(created_at: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{created_at}.{id}"))
}

/// An id in the path. One that is no UUID is answered like an unknown one.
pub(super) struct Id(pub(super) String);

/// The text of an id, where the layer has already read it from the path.
#[derive(Clone)]
pub(super) struct PathId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let text = match parts.extensions.remove() {
            Some(PathId(text)) => text,
            None => Path::from_request_parts(parts, state).await.map_err(|_| Error::not_found())?.0,
        };
        let id = uuid::Uuid::try_parse(&text).map_err(|_| Error::not_found())?;
        Ok(Self(id.hyphenated().to_string()))
    }
}

/// A name in the path.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(text)| Self(text))
            .map_err(|_| Error::new(Kind::BadRequest, "The path cannot be decoded"))
    }
}
