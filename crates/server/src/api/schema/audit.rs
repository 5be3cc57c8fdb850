//! The audit log.
//!
//! Documentation only; see the module above.

use utoipa::{IntoParams, ToSchema};

/// An entry of the audit log. Never a parameter, a result or a secret.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6b0-5e63-7a4b-9f33-7f8a9b01d009",
    "at": "2026-01-05T09:40:00Z",
    "actor": {"kind": "scoped", "credential_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a002"},
    "organization_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a001",
    "workspace_id": "0198c6a3-1d42-7b0e-9c11-5d6f7a80b002",
    "connector_id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005",
    "subject": null,
    "operation": "contacts.list",
    "outcome": "ok",
    "intent": "look up who wrote",
    "request_id": "5f0c8f0e-7f0e-8a77-9a5e-0b7a55c8a8e1",
    "seq": 17,
    "prev_hash": "0f3c…",
    "hash": "a81e…"
})))]
pub(crate) struct AuditEntry {
    /// Id of the entry.
    #[schema(format = "uuid")]
    id: String,
    /// When it happened.
    #[schema(format = DateTime)]
    at: String,
    /// Who did it.
    actor: Actor,
    /// The organization.
    #[schema(format = "uuid")]
    organization_id: String,
    /// Whose account; null where it is no one user's.
    #[schema(required = true, format = "uuid")]
    workspace_id: Option<String>,
    /// On which connector.
    #[schema(required = true)]
    connector_id: Option<String>,
    /// What else it was about: the id of a flow, a revocation or a grant; the connector type of an OAuth app.
    #[schema(required = true)]
    subject: Option<String>,
    /// `entity.action` of an execute, or `connector.create`, `connector.reconnect`, `connector.import`, `connector.update`,
    /// `connector.delete`, `consent.initiate`, `consent.callback`, `grant.refresh`, `grant.resend`, `oauth_app.put`, `oauth_app.delete`,
    /// `organization.create`, `redirect_urls.put`, `revocation.create`, `workspace.update`, `workspace.delete`, `audit.dropped`.
    operation: String,
    /// `ok`, or the code of the error.
    outcome: String,
    /// `intent` of the execute: at most 500 characters.
    #[schema(required = true)]
    intent: Option<String>,
    /// `X-Request-Id` of the call.
    #[schema(required = true)]
    request_id: Option<String>,
    /// Place in the organization's chain; null for about a second.
    #[schema(required = true)]
    seq: Option<u64>,
    /// `hash` of the entry before; empty for the first.
    #[schema(required = true)]
    prev_hash: Option<String>,
    /// Of this entry and `prev_hash`, keyed.
    #[schema(required = true)]
    hash: Option<String>,
}

/// Who did something.
#[derive(ToSchema)]
pub(crate) struct Actor {
    /// `application` and `scoped`: a token of that kind. `browser`: a user who came back from a consent. `operator`: the
    /// command line. `server`: this server itself.
    kind: ActorKind,
    /// The application credential behind the token.
    #[schema(required = true)]
    credential_id: Option<String>,
}

/// Kind of an actor.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ActorKind {
    Application,
    Scoped,
    Browser,
    Operator,
    Server,
}

/// A page of the audit log, oldest first.
#[derive(ToSchema)]
pub(crate) struct AuditPage {
    /// The page.
    data: Vec<AuditEntry>,
    /// Cursor of the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// Which entries.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditFilter {
    /// Of this user; `external_user_id` and `customer_name` are aliases.
    #[param(min_length = 1, max_length = 250)]
    workspace_name: Option<String>,
    /// Of this workspace, also a deleted one.
    #[param(format = "uuid")]
    workspace_id: Option<String>,
    /// Of this connector, also a deleted one.
    #[param(format = "uuid")]
    connector_id: Option<String>,
    /// Of this operation.
    #[param(max_length = 1024)]
    operation: Option<String>,
    /// Not before.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Before.
    #[param(format = DateTime)]
    until: Option<String>,
}

/// How many of them, and from where on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditPaging {
    /// Length of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    cursor: Option<String>,
}
