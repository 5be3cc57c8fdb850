//! The one error type of the rules: what kind of failure, a text for the caller, and a cause for the log.
//!
//! Knows kinds and their texts. Must not know HTTP: `api::problem` is the only place that turns a kind into a status.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// What went wrong, in classes that a caller can act on. Each has one status and one `error_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the error codes; `api::problem` documents each")]
pub enum Kind {
    BadRequest,
    InvalidSecretId,
    CredentialsMismatch,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    UnsupportedMediaType,
    PayloadTooLarge,
    UriTooLong,
    Conflict,
    Invalid,
    OauthNotSupported,
    OauthAppMissing,
    BindingRequiresSecretId,
    /// The organization asks for session binding, and the consent has none.
    BindingRequired,
    CheckFailed,
    UnknownEntity,
    UnknownAction,
    InvalidParams,
    NotPageable,
    ReauthorizationRequired,
    AppMisconfigured,
    UpstreamRejected,
    UpstreamForbidden,
    UpstreamNotFound,
    UpstreamConflict,
    UpstreamRateLimited,
    UpstreamError,
    UpstreamTimeout,
    UpstreamBlocked,
    UpstreamResponseTooLarge,
    UpstreamRedirectRefused,
    TokenEndpointError,
    /// The same `Idempotency-Key` with another body.
    IdempotencyKeyReused,
    /// The first call with that `Idempotency-Key` still runs.
    IdempotencyInProgress,
    /// The first call was interrupted; nobody knows what the provider did.
    UnknownOutcome,
    /// The first call ended; its answer was too large to keep.
    AnswerNotKept,
    RateLimited,
    /// Too many consents of one user or organization are under way.
    TooManyConsents,
    /// Too many operations of one organization at once.
    OrganizationBusy,
    RefreshInProgress,
    /// Too many operations of one connector at once.
    ConnectorBusy,
    Unavailable,
    Internal,
}

/// One field of the caller's input that was wrong.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// Its name, or a JSON pointer below `params`.
    pub field: String,
    /// What was wrong and what would be right.
    pub message: String,
    /// `missing`, `invalid_type`, `invalid_value`, `too_long`, `unknown_field`, …
    pub code: &'static str,
}

/// A failure. `message` is shown to the caller; the source goes to the log only.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Its class.
    pub kind: Kind,
    /// For the caller; never a secret.
    pub message: Cow<'static, str>,
    /// The fields that were wrong.
    pub fields: Vec<FieldError>,
    /// What an agent can act on: `retryable`, `retry_after_seconds`, `upstream_status`, `missing_scopes`, `reconnect`.
    pub details: Box<Map<String, Value>>,
    /// For the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of a rule.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A failure with a text for the caller.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), fields: Vec::new(), details: Box::default(), source: None }
    }

    /// An id that is unknown, or not the caller's: always the same text, so that nothing can be told apart.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "Not found")
    }

    /// Fields that were wrong; the message joins them.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = fields
            .iter()
            .map(|field| format!("{}: {}", field.field, field.message))
            .collect::<Vec<_>>()
            .join("; ");
        Self { fields, ..Self::new(Kind::Invalid, message) }
    }

    /// One wrong field.
    pub fn field(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), message: message.into(), code }])
    }

    /// A fault of ours; the cause is logged, the caller sees none of it.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(Kind::Internal, "Internal error; the request id finds it in the log")
        }
    }

    /// Adds a fact that an agent can act on.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
