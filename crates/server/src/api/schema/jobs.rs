//! Jobs that outlive a request.
//!
//! Documentation only; see the module above.

use utoipa::{IntoParams, ToSchema};

/// The revocation of an ended connector's grant.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6b0-5e63-7a4b-9f33-7f8a9b01d004",
    "status": "succeeded",
    "revocations": [{"token": "refresh_token", "outcome": "revoked"}, {"token": "access_token", "outcome": "revoked"}],
    "attempts": 1,
    "next_attempt_at": null,
    "created_at": "2026-01-05T09:40:00Z",
    "updated_at": "2026-01-05T09:40:01Z"
})))]
pub(crate) struct Job {
    /// Id of the job.
    #[schema(format = "uuid")]
    id: String,
    /// `pending` and `running` go on; `succeeded` and `failed` are final. A failed try is repeated over about
    /// a day, 32 tries in all.
    status: JobStatus,
    /// What became of each token; empty for credentials that are not OAuth.
    revocations: Vec<TokenRevocation>,
    /// Tries so far.
    attempts: u64,
    /// When the next try is due; null when one runs or none follows.
    #[schema(required = true, format = DateTime)]
    next_attempt_at: Option<String>,
    /// When the deletion was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the job last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Where a job stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum JobStatus {
    Pending,
    Running,
    Succeeded,
    Failed,
}

/// What became of one token.
#[derive(ToSchema)]
pub(crate) struct TokenRevocation {
    /// Which token: `refresh_token` or `access_token`; `grant` where the grant cannot be opened. Never the token itself.
    token: String,
    /// `revoked`; `unsupported`: the provider offers no way to revoke it; `expired`: it had ended by itself, and the
    /// provider refused to revoke it; `pending`: not tried yet, or to be tried again; `failed`: given up.
    outcome: RevocationOutcome,
}

/// Outcome of one revocation.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RevocationOutcome {
    Revoked,
    Unsupported,
    Expired,
    Pending,
    Failed,
}

/// A job in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct JobPath {
    /// The `job_id` that a deletion gave.
    #[param(format = "uuid")]
    job_id: String,
}
