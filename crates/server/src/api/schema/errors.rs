//! The one body of every error.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// What went wrong. No secret, upstream token or internal path stands in it.
#[derive(ToSchema)]
pub(crate) struct ErrorBody {
    /// What was wrong and what would be right.
    message: String,
    /// The same text, for clients that read `detail`.
    detail: String,
    /// What a program acts on; the answers of each operation list theirs.
    error_code: String,
    /// Finds the call in the server's log; equal to `X-Request-Id`.
    request_id: String,
    /// One entry a wrong field, or one for the call as a whole.
    errors: Vec<ErrorEntry>,
}

/// One mistake.
#[derive(ToSchema)]
pub(crate) struct ErrorEntry {
    /// Name of the field, with dots or a JSON pointer below it; null when no field is to blame.
    #[schema(required = true)]
    field: Option<String>,
    /// What was wrong with it and what would be right.
    message: String,
    /// For a field: `missing`, `invalid_type`, `invalid_value`, `too_long`, `unknown_field`, `conflict` or
    /// `not_allowed`; else the error's own code.
    error_code: String,
    /// What an agent can act on.
    details: ErrorDetails,
}

/// What an agent can act on; only what is known is present.
#[derive(ToSchema)]
pub(crate) struct ErrorDetails {
    /// Whether the same call may succeed later.
    retryable: Option<bool>,
    /// When to try again, in seconds; equal to `Retry-After`.
    retry_after_seconds: Option<u64>,
    /// The provider's status.
    upstream_status: Option<u16>,
    /// Scopes that the provider missed.
    missing_scopes: Option<Vec<String>>,
    /// The call that starts a new consent for the connector.
    #[schema(inline)]
    reconnect: Option<Reconnect>,
}

/// The call that starts a new consent.
#[derive(ToSchema)]
pub(crate) struct Reconnect {
    /// `POST`.
    method: String,
    /// Path of the initiate call.
    path: String,
    /// Its body; the application puts its own `redirect_url` in.
    #[schema(value_type = Object)]
    body: (),
}
