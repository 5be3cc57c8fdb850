//! What the provider has seen: a log of requests and counters, for tests that assert what was called and what not.
//! It must not hold a credential: `Authorization` and cookies are kept as hashes, bodies of OAuth calls not at all.

use std::collections::{BTreeMap, VecDeque};

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use serde::Serialize;

use crate::secret::sha256_hex;

const KEPT: usize = 10_000;

/// Which part of the provider a request went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// `/oauth/…` and `/.well-known/…`.
    Oauth,
    /// `/crm/…` and `/userinfo`.
    Api,
    /// A path that the provider does not have.
    Other,
}

impl Area {
    pub(crate) fn of(path: &str) -> Self {
        if path == "/userinfo" || path.starts_with("/crm/") {
            Self::Api
        } else if path.starts_with("/oauth/") || path.starts_with("/.well-known/") {
            Self::Oauth
        } else {
            Self::Other
        }
    }
}

/// One request as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Where to.
    pub area: Area,
    /// HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Headers in order, names in lower case; `authorization` is `<scheme> sha256:<hex of the rest>`.
    pub headers: Vec<(String, String)>,
    /// Body of API requests, lossily as UTF-8; empty for the others.
    pub body: String,
}

impl Seen {
    /// The first value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Headers for the log, credentials reduced to hashes.
pub(crate) fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let entry = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == AUTHORIZATION {
            let (scheme, rest) = text.split_once(' ').unwrap_or(("", &text));
            format!("{scheme} sha256:{}", sha256_hex(rest.as_bytes()))
        } else if name == COOKIE {
            format!("sha256:{}", sha256_hex(value.as_bytes()))
        } else {
            text.into_owned()
        };
        (name.as_str().to_owned(), text)
    };
    headers.iter().map(entry).collect()
}

/// Counters since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Calls of the token endpoint by `grant_type` as sent (`none` when absent, `other` when not supported).
    pub token_calls: BTreeMap<String, u64>,
    /// Refreshes that issued tokens.
    pub refreshes: u64,
    /// Codes and refresh tokens that came back after use.
    pub reuse_events: u64,
    /// Calls of `POST /oauth/revoke`.
    pub revocations: u64,
    /// API calls by method and route: `GET /crm/contacts/{id}`.
    pub api_calls: BTreeMap<String, u64>,
    /// Requests that a fault struck.
    pub faults: u64,
}

/// Log and counters.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) stats: Stats,
    seen: VecDeque<Seen>,
}

impl Record {
    /// Keeps the newest 10,000 requests.
    pub(crate) fn push(&mut self, seen: Seen) {
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(seen);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn token_call(&mut self, grant_type: Option<&str>) {
        let name = match grant_type {
            None => "none",
            Some(known @ ("authorization_code" | "refresh_token")) => known,
            Some(_) => "other",
        };
        count(&mut self.stats.token_calls, name);
    }

    pub(crate) fn api_call(&mut self, method_and_route: &str) {
        count(&mut self.stats.api_calls, method_and_route);
    }
}

fn count(counters: &mut BTreeMap<String, u64>, name: &str) {
    *counters.entry(name.to_owned()).or_default() += 1;
}
