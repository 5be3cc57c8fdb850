//! The kill switch: revocations of all grants of a scope.
//!
//! Documentation only; see the module above.

use super::jobs::TokenRevocation;
use utoipa::{IntoParams, ToSchema};

/// What ends: exactly one of the first five.
#[derive(ToSchema)]
#[schema(examples(json!({"connector_type": "hubspot"})))]
pub(crate) struct RevocationRequest {
    /// True: everything of the organization.
    organization: Option<bool>,
    /// Grants that this OAuth app obtained: an `id` of `GET /api/v1/oauth/credentials`.
    #[schema(format = "uuid")]
    oauth_app_id: Option<String>,
    /// Grants of this connector type.
    #[schema(min_length = 1, max_length = 1024)]
    connector_type: Option<String>,
    /// Grants of this workspace.
    #[schema(format = "uuid")]
    workspace_id: Option<String>,
    /// Grants of the workspace of this name; `external_user_id` and `customer_name` are aliases.
    #[schema(min_length = 1, max_length = 250)]
    workspace_name: Option<String>,
    /// True: only count.
    dry_run: Option<bool>,
}

/// What a revocation is about: one of the four.
#[derive(ToSchema)]
pub(crate) struct RevocationScope {
    /// Everything of the organization.
    organization: Option<bool>,
    /// One OAuth app.
    #[schema(format = "uuid")]
    oauth_app_id: Option<String>,
    /// Slug of a connector type.
    connector_type: Option<String>,
    /// One workspace.
    #[schema(format = "uuid")]
    workspace_id: Option<String>,
}

/// What would end.
#[derive(ToSchema)]
#[schema(examples(json!({"dry_run": true, "scope": {"organization": true}, "total": 1204, "flows": 3})))]
pub(crate) struct RevocationCount {
    /// Always true.
    dry_run: bool,
    /// What it is about.
    scope: RevocationScope,
    /// Grants.
    total: u64,
    /// Consents under way.
    flows: u64,
}

/// A revocation, in numbers of grants. `total` is the sum of `revoked`, `unsupported`, `failed` and `pending`.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6b0-5e63-7a4b-9f33-7f8a9b01d007",
    "scope": {"connector_type": "hubspot"},
    "status": "revoking",
    "total": 1204, "ended": 1204, "revoked": 1100, "unsupported": 4, "failed": 0, "pending": 100, "flows": 3,
    "created_at": "2026-01-05T09:40:00Z",
    "finished_at": null
})))]
pub(crate) struct Revocation {
    /// Id of the revocation.
    #[schema(format = "uuid")]
    id: String,
    /// What it is about.
    scope: RevocationScope,
    /// `ending`: some grants still work here. `revoking`: none does, and providers are being told. `finished`: every
    /// provider was told, or was given up after about a day.
    status: RevocationStatus,
    /// All that end.
    total: u64,
    /// Ended here: nothing is executed with them any more.
    ended: u64,
    /// Revoked at the provider.
    revoked: u64,
    /// Cannot be revoked by API: the provider offers no way, or the credential is an API key. Revoke these at the provider by hand.
    unsupported: u64,
    /// Given up.
    failed: u64,
    /// Not tried yet, or to be tried again.
    pending: u64,
    /// Consents that were under way and have failed.
    flows: u64,
    /// When it was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the last grant was done; null before.
    #[schema(required = true, format = DateTime)]
    finished_at: Option<String>,
}

/// Where a revocation stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum RevocationStatus {
    Ending,
    Revoking,
    Finished,
}

/// A page of revocations, oldest first.
#[derive(ToSchema)]
pub(crate) struct RevocationPage {
    /// The page.
    data: Vec<Revocation>,
    /// Cursor of the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// A grant that a revocation ended.
#[derive(ToSchema)]
pub(crate) struct RevokedGrant {
    /// Id of the grant.
    #[schema(format = "uuid")]
    grant_id: String,
    /// The job that revokes it.
    #[schema(format = "uuid")]
    job_id: String,
    /// Its connector; null where nobody had redeemed the consent.
    #[schema(required = true, format = "uuid")]
    connector_id: Option<String>,
    /// Slug of the connector type.
    connector_type: String,
    /// Id of the user's workspace.
    #[schema(format = "uuid")]
    workspace_id: String,
    /// The application's own name for the user.
    workspace_name: String,
    /// What became of it.
    outcome: GrantOutcome,
    /// What became of each token; empty while nothing was tried, and for credentials that are not OAuth.
    revocations: Vec<TokenRevocation>,
    /// Tries so far.
    attempts: u64,
    /// When the job last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// What became of a grant at its provider.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum GrantOutcome {
    Pending,
    Revoked,
    Unsupported,
    Failed,
}

/// A page of grants.
#[derive(ToSchema)]
pub(crate) struct RevokedGrantPage {
    /// The page.
    data: Vec<RevokedGrant>,
    /// Cursor of the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// Which revocations.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevocationQuery {
    /// Length of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Which grants.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevokedGrantQuery {
    /// Length of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// A revocation in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RevocationPath {
    /// Id of the revocation.
    #[param(format = "uuid")]
    id: String,
}
