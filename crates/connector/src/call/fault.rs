//! What can go wrong with one call, in words that a language model can act on.
//!
//! Knows kinds, texts and hints. Must not know HTTP statuses of our own API, nor hold a secret.

use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// The kind of a [`Fault`]. [`FaultKind::code`] is the public `error_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The definition has no such entity.
    UnknownEntity,
    /// The entity has no such action.
    UnknownAction,
    /// Parameters are unknown, missing, or of a wrong kind: [`Fault::errors`] names each.
    InvalidParams,
    /// A cursor was given where nothing pages.
    NotPageable,
    /// The provider answered 400 or 422, or an error inside a 2xx body.
    UpstreamRejected,
    /// The provider answered 403.
    UpstreamForbidden,
    /// The provider answered 404.
    UpstreamNotFound,
    /// The provider answered 409.
    UpstreamConflict,
    /// The provider answered 429.
    UpstreamRateLimited,
    /// The provider answered 5xx or something that is no answer, or could not be reached.
    UpstreamError,
    /// No answer in time.
    UpstreamTimeout,
    /// The request may not leave: a private address, or a host that the definition does not list.
    UpstreamBlocked,
    /// The answer is over the size cap.
    UpstreamResponseTooLarge,
    /// The provider redirected where we do not follow.
    UpstreamRedirectRefused,
    /// The provider answered 401 again after a refresh.
    Unauthorized,
}

impl FaultKind {
    /// The stable name: `invalid_params`, `upstream_rejected`, …
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownEntity => "unknown_entity",
            Self::UnknownAction => "unknown_action",
            Self::InvalidParams => "invalid_params",
            Self::NotPageable => "not_pageable",
            Self::UpstreamRejected => "upstream_rejected",
            Self::UpstreamForbidden => "upstream_forbidden",
            Self::UpstreamNotFound => "upstream_not_found",
            Self::UpstreamConflict => "upstream_conflict",
            Self::UpstreamRateLimited => "upstream_rate_limited",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::UpstreamBlocked => "upstream_blocked",
            Self::UpstreamResponseTooLarge => "upstream_response_too_large",
            Self::UpstreamRedirectRefused => "upstream_redirect_refused",
            Self::Unauthorized => "unauthorized",
        }
    }
}

/// One wrong parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamError {
    /// JSON pointer (RFC 6901) from the request body: `/params/limit`.
    pub pointer: String,
    /// The name that is wrong: `limit`.
    pub name: String,
    /// What is wrong, and what would be right.
    pub message: String,
    /// `unknown`, `missing`, `type`, `enum`, `invalid` or `conflict`.
    pub code: &'static str,
}

impl ParamError {
    /// An error about the parameter `name`.
    pub fn new(name: &str, code: &'static str, message: impl Into<String>) -> Self {
        let pointer = format!("/params/{}", name.replace('~', "~0").replace('/', "~1"));
        Self { pointer, name: name.to_owned(), message: message.into(), code }
    }
}

/// Why a call ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which kind.
    pub kind: FaultKind,
    /// For the caller; bounded, one paragraph, without control characters.
    pub message: String,
    /// The provider's HTTP status, when it answered.
    pub upstream_status: Option<u16>,
    /// How long the provider wants us to wait.
    pub retry_after: Option<Duration>,
    /// Each wrong parameter, or the unknown entity or action; only when nothing was sent.
    pub errors: Vec<ParamError>,
    /// Scopes that the provider said are missing.
    pub missing_scopes: Vec<String>,
    /// The same call may work later.
    pub retryable: bool,
}

impl Fault {
    /// A fault with a text and nothing else.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        let retryable = matches!(kind, FaultKind::UpstreamRateLimited | FaultKind::UpstreamTimeout);
        Self {
            kind,
            message: message.into(),
            upstream_status: None,
            retry_after: None,
            errors: Vec::new(),
            missing_scopes: Vec::new(),
            retryable,
        }
    }

    /// Wrong parameters, all of them; the message joins their texts.
    pub fn params(errors: Vec<ParamError>) -> Self {
        let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(FaultKind::InvalidParams, message) }
    }

    /// Overwrites every occurrence of a secret in the texts: providers sometimes echo what they were sent.
    pub fn redact<'a>(&mut self, secrets: impl IntoIterator<Item = &'a SecretString>) {
        for secret in secrets {
            let secret = secret.expose_secret();
            if secret.len() >= SHORTEST_SECRET && self.message.contains(secret) {
                self.message = self.message.replace(secret, "[removed]");
            }
        }
    }
}

/// Shorter values (`X` as a fixed password) are no secrets, and replacing them would garble every text.
const SHORTEST_SECRET: usize = 6;
