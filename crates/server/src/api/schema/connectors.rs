//! Connectors: a connector type with one user's credentials.
//!
//! Documentation only; see the module above.

use super::definitions::Template;
use utoipa::{IntoParams, ToSchema};

/// A connector to create: by a `secret_id` of a consent, or by credentials.
#[derive(ToSchema)]
#[schema(examples(json!({
    "external_user_id": "user_42",
    "connector_type": "hubspot",
    "server_side_oauth_secret_id": "Vv0c6pU6nXoX6nYwO9rJ7f5m1kq1X1mJt0b0Q2h8u3s"
})))]
pub(crate) struct CreateConnectorRequest {
    /// The application's own name for the user. With credentials, an absent workspace is created; with a `secret_id` it
    /// must be the workspace of the consent.
    #[schema(min_length = 1, max_length = 250)]
    external_user_id: Option<String>,
    /// Alias of `external_user_id`.
    #[schema(min_length = 1, max_length = 250)]
    workspace_name: Option<String>,
    /// Alias of `external_user_id`.
    #[schema(min_length = 1, max_length = 250)]
    customer_name: Option<String>,
    /// Slug, display name or snake_case name of the connector type; ASCII case does not matter.
    #[schema(min_length = 1, max_length = 1024)]
    connector_type: Option<String>,
    /// Definition id of the connector type, instead of its name.
    #[schema(max_length = 1024)]
    definition_id: Option<String>,
    /// Alias of `definition_id`.
    #[schema(max_length = 1024)]
    connector_definition_id: Option<String>,
    /// Id of the type's template: the same as its definition id.
    #[schema(max_length = 1024)]
    source_template_id: Option<String>,
    /// Name of the connector; default: the type's display name and the workspace's name in parentheses.
    #[schema(min_length = 1, max_length = 250)]
    name: Option<String>,
    /// The `secret_id` that the callback appended. It works once; a wrong attempt does not consume it.
    #[schema(max_length = 1024, format = Password, write_only)]
    server_side_oauth_secret_id: Option<String>,
    /// The verifier (RFC 7636), where the consent was started with a `code_challenge`.
    #[schema(max_length = 1024, format = Password, write_only)]
    code_verifier: Option<String>,
    /// Values of one of the type's authentication schemes; `GET /api/v1/integrations/definitions/sources/{id}` shows
    /// their forms. OAuth tokens may be imported: `access_token`, `refresh_token`, `client_id`, `client_secret`, and
    /// `expires_at` as RFC 3339 time or epoch seconds.
    #[schema(value_type = Option<Object>, write_only)]
    credentials: Option<()>,
    /// The scheme that `credentials` are for, where several would fit.
    #[schema(max_length = 1024)]
    auth_scheme: Option<String>,
    /// Values of variables that the connector type declares. They must not contradict those of the consent.
    #[schema(value_type = Option<Object>)]
    environment: Option<()>,
    /// Kept as it is.
    #[schema(value_type = Option<Object>)]
    replication_config: Option<()>,
    /// Check first with a light real call, and store nothing when it fails. Without it nothing is called.
    #[schema(default = false)]
    verify: Option<bool>,
}

/// A connector.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005",
    "name": "HubSpot (user_42)",
    "workspace_id": "0198c6a3-1d42-7b0e-9c11-5d6f7a80b002",
    "workspace_name": "user_42",
    "status": "active",
    "status_reason": null,
    "account": {"id": "62515", "name": "Example Ltd"},
    "granted_scopes": ["crm.objects.contacts.read", "oauth"],
    "created_at": "2026-01-05T09:31:00Z",
    "updated_at": "2026-01-05T09:31:00Z",
    "source_template": {
        "id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
        "name": "HubSpot",
        "connector_type": "hubspot",
        "connector_name": "hubspot",
        "source_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
        "actor_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
        "icon": null,
        "mode": "DIRECT",
        "tags": []
    },
    "replication_config": {},
    "environment": {}
})))]
pub(crate) struct Connector {
    /// Id of the connector; `execute` is called on it.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    name: String,
    /// Id of the user's workspace.
    #[schema(format = "uuid")]
    workspace_id: String,
    /// The application's own name for the user.
    workspace_name: String,
    /// Whether it can be called.
    status: ConnectorStatus,
    /// Why it cannot, or why its access is not renewed any more; null otherwise.
    #[schema(required = true)]
    status_reason: Option<String>,
    /// Whose account at the provider it is; null when the provider does not say.
    #[schema(required = true, inline)]
    account: Option<Account>,
    /// Scopes that the provider granted; null when it does not say.
    #[schema(required = true)]
    granted_scopes: Option<Vec<String>>,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its connector type.
    source_template: Template,
    /// What the application keeps with it.
    #[schema(value_type = Object)]
    replication_config: (),
    /// Values of the type's variables.
    #[schema(value_type = Object)]
    environment: (),
}

/// A connector in a list.
#[derive(ToSchema)]
pub(crate) struct ListedConnector {
    /// Id of the connector; `execute` is called on it.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    name: String,
    /// Id of the user's workspace.
    #[schema(format = "uuid")]
    workspace_id: String,
    /// The application's own name for the user.
    workspace_name: String,
    /// Whether it can be called.
    status: ConnectorStatus,
    /// Why it cannot, or why its access is not renewed any more; null otherwise.
    #[schema(required = true)]
    status_reason: Option<String>,
    /// Whose account at the provider it is; null when the provider does not say.
    #[schema(required = true, inline)]
    account: Option<Account>,
    /// Scopes that the provider granted; null when it does not say.
    #[schema(required = true)]
    granted_scopes: Option<Vec<String>>,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its connector type.
    summarized_source_template: Template,
}

/// `active`: works. `reauthorization_required`: the provider refused to renew the access, the user has to consent
/// again. `app_misconfigured`: the provider refused the OAuth app; setting its secret again heals it. `deleting`: it
/// has ended.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ConnectorStatus {
    Active,
    ReauthorizationRequired,
    AppMisconfigured,
    Deleting,
}

/// An account at a provider.
#[derive(ToSchema)]
pub(crate) struct Account {
    /// The provider's id of it.
    id: String,
    /// A name that the user knows; null when the provider gives none.
    #[schema(required = true)]
    name: Option<String>,
}

/// A page of connectors, oldest first.
#[derive(ToSchema)]
pub(crate) struct ConnectorPage {
    /// The page.
    data: Vec<ListedConnector>,
    /// Cursor of the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// Connectors, in an older form of the list: at most 1,000, without pages.
#[derive(ToSchema)]
pub(crate) struct ConnectorsForUser {
    /// The connectors.
    connectors: Vec<ListedConnector>,
}

/// Connectors, in the oldest form of the list: at most 1,000, without pages.
#[derive(ToSchema)]
pub(crate) struct InstancesForUser {
    /// The connectors.
    instances: Vec<ListedConnector>,
}

/// What changes; fields that are absent stay.
#[derive(ToSchema)]
#[schema(examples(json!({"name": "Sales CRM"})))]
pub(crate) struct UpdateConnectorRequest {
    /// A new name.
    #[schema(min_length = 1, max_length = 250)]
    name: Option<String>,
    /// What the application keeps with it, as a whole.
    #[schema(value_type = Option<Object>)]
    replication_config: Option<()>,
}

/// The job that revokes the grant at the provider.
#[derive(ToSchema)]
#[schema(examples(json!({"job_id": "0198c6b0-5e63-7a4b-9f33-7f8a9b01d004"})))]
pub(crate) struct Deletion {
    /// To be read at `GET /api/v1/jobs/{job_id}`.
    #[schema(format = "uuid")]
    job_id: String,
}

/// Which connectors.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConnectorFilter {
    /// Only this user's. `external_user_id` and `customer_name` are aliases. An unknown one has no connectors.
    #[param(max_length = 250)]
    workspace_name: Option<String>,
    /// Only this workspace's.
    #[param(format = "uuid")]
    workspace_id: Option<String>,
    /// Only this connector type, by slug or name. At most one of the three is given.
    #[param(max_length = 1024)]
    connector_type: Option<String>,
    /// Only this connector type, by definition id.
    #[param(max_length = 1024)]
    definition_id: Option<String>,
    /// Alias of `definition_id`.
    #[param(max_length = 1024)]
    connector_definition_id: Option<String>,
}

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConnectorPaging {
    /// Length of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// A connector in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConnectorPath {
    /// Id of the connector. One that is unknown, ended, or outside the token's reach is 404.
    #[param(format = "uuid")]
    id: String,
}
