//! Puts a request together and proves that it stays where the definition's server is.
//!
//! Knows paths, headers and origins. Must not know credentials or answers.

use super::fault::{Fault, FaultKind, ParamError};
use super::message::Unsigned;
use super::params::Accepted;
use super::settings::Chance;
use super::target::Target;
use super::{body, encode, json, next_page, query, supplied};
use crate::plan::{Location, Operation, PathTemplate, Piece};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

/// A request that can be sent again, perhaps to a target that changed meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) method: Method,
    /// Below the target's base, or a URL that came from the provider: a next link, a redirect, a file.
    pub(super) url: Url,
    /// May get the credential if its origin is the target's own.
    pub(super) credential: bool,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// A 2xx body may be handed on unread.
    pub(super) stream: bool,
}

/// Framing and routing are the sender's; a definition or caller cannot set them.
const SENDERS_OWN: [&str; 7] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "cookie"];

/// The request of an operation. An error also means that its URL would not stay below the target's base.
pub(super) fn prepare(
    operation: &Operation,
    target: &Target,
    accepted: &Accepted,
    now: Timestamp,
    chance: &mut Chance,
) -> Result<Prepared, Fault> {
    let written = body::render(operation, target, accepted, now, chance)?;
    let mut headers = headers(operation, target, accepted, now)?;
    if !written.bytes.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(
            CONTENT_TYPE,
            header_value(&written.content_type)
                .ok_or_else(|| broken("the definition's content type is no header value"))?,
        );
    }
    let url = if let Some(cursor) = &accepted.next_url {
        next_page(operation, target, cursor)?
    } else {
        let query = query::render(operation, target, accepted, &headers, now)?;
        below(target, &operation.path, accepted, &query)?
    };
    let method = operation.method.clone();
    Ok(Prepared { method, url, credential: true, headers, body: written.bytes, stream: false })
}

impl Prepared {
    /// The request towards this target.
    pub(super) fn unsigned(&self, target: &Target) -> Unsigned {
        Unsigned {
            method: self.method.clone(),
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            credential: self.has_credential(target),
            stream: self.stream,
        }
    }

    /// The request gets the credential: never towards an origin that is not the target's own.
    pub(super) fn has_credential(&self, target: &Target) -> bool {
        self.credential && target.is_own_origin(&self.url)
    }
}

/// Puts path and query on the base and compares what came out: same origin, and exactly the path that was written. A
/// value that a URL parser reads otherwise than we wrote it can never send a credential elsewhere.
fn below(target: &Target, path: &PathTemplate, accepted: &Accepted, query: &str) -> Result<Url, Fault> {
    let elsewhere = || {
        Fault::params(vec![ParamError::new(
            "",
            "invalid",
            "a path parameter would lead outside the connector's server URL",
        )])
    };
    let mut expected = target.base.path().trim_end_matches('/').to_owned();
    path.render(accepted, &mut expected)?;
    let mut url = target.base.clone();
    url.set_path(&expected);
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    let same_path = url.path() == expected || (expected.is_empty() && url.path() == "/");
    if target.is_own_origin(&url) && same_path && url.fragment().is_none() {
        Ok(url)
    } else {
        Err(elsewhere())
    }
}

/// The URL in a cursor.
fn next_page(operation: &Operation, target: &Target, cursor: &str) -> Result<Url, Fault> {
    next_page::follow(operation, target, cursor).ok_or_else(|| {
        Fault::params(vec![ParamError::new(
            "cursor",
            "invalid",
            "\"cursor\" must be the end_cursor of an earlier answer of this operation",
        )])
    })
}

/// A URL that the provider gave, absolute or relative to the base.
pub(super) fn resolve(target: &Target, text: &str) -> Option<Url> {
    if text.chars().any(|character| character.is_control() || character == '\\') {
        return None;
    }
    let mut folder = target.base.clone();
    folder.set_path(&format!("{}/", target.base.path().trim_end_matches('/')));
    folder.join(text).ok()
}

impl PathTemplate {
    /// Appends the path with every value percent-encoded.
    fn render(&self, accepted: &Accepted, path: &mut String) -> Result<(), Fault> {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Placeholder(name) => {
                    let value = accepted.values.get(name).filter(|value| !json::is_blank(value));
                    let value = value.ok_or_else(|| {
                        Fault::params(vec![ParamError::new(name, "missing", format!("{name:?} is required"))])
                    })?;
                    encode::push_component(path, &json::written(value));
                }
            }
        }
        Ok(())
    }
}

/// Declared headers: what was given, else the default.
fn headers(
    operation: &Operation,
    target: &Target,
    accepted: &Accepted,
    now: Timestamp,
) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for parameter in operation.parameters.iter().filter(|parameter| parameter.location == Location::Header) {
        let value = match (accepted.values.get(&parameter.name), &parameter.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => supplied::default(default, target, now)?,
            (None, None) => continue,
        };
        let name = HeaderName::from_bytes(parameter.name.as_bytes())
            .map_err(|_| broken("the definition's header name is none"))?;
        if SENDERS_OWN.contains(&name.as_str()) {
            continue;
        }
        let wrong = || {
            Fault::params(vec![ParamError::new(
                &parameter.name,
                "invalid",
                format!("{:?} must not contain control characters", parameter.name),
            )])
        };
        headers.insert(name, header_value(&simple(&value)).ok_or_else(wrong)?);
    }
    Ok(headers)
}

/// Style `simple` of OpenAPI: the elements of a list with commas between them.
fn simple(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(json::text).collect::<Vec<_>>().join(","),
        other => json::text(other),
    }
}

fn header_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

fn broken(what: &str) -> Fault {
    Fault::new(FaultKind::UpstreamError, what)
}
