//! OAuth apps that an organization registered at providers.
//!
//! Documentation only; see the module above.

use utoipa::{IntoParams, ToSchema};

/// The OAuth app of one connector type. Fields other than these are refused.
#[derive(ToSchema)]
#[schema(examples(json!({
    "connector_type": "hubspot",
    "configuration": {"client_id": "c0ffee00-1111", "client_secret": "s3cr3t…"}
})))]
pub(crate) struct OauthAppRequest {
    /// Slug, display name or snake_case name; ASCII case does not matter.
    #[schema(min_length = 1, max_length = 1024)]
    connector_type: Option<String>,
    /// Definition id of the connector type, instead of its name.
    #[schema(max_length = 1024)]
    definition_id: Option<String>,
    /// Alias of `definition_id`.
    #[schema(max_length = 1024)]
    connector_definition_id: Option<String>,
    /// The app, in the form of `GET /api/v1/oauth/credentials/spec`.
    configuration: OauthAppConfiguration,
}

/// What the provider gave for the app. Connector types may declare further fields; unknown ones are refused.
#[derive(ToSchema)]
pub(crate) struct OauthAppConfiguration {
    /// Client id of the app at the provider. The same id again replaces the secret of that app and heals its grants;
    /// another id is another app, and grants of the old one stay with the old one.
    #[schema(min_length = 1, max_length = 4096)]
    client_id: String,
    /// Client secret of the app at the provider. It is stored encrypted and never returned.
    #[schema(min_length = 1, max_length = 4096, format = Password, write_only)]
    client_secret: String,
    /// The callback URL that the app was registered with at the provider: `context` (the default) is
    /// `/oauth/callback/{slug}`, `legacy` is `/api/v1/integrations/connectors/oauth/callback`.
    #[schema(inline)]
    callback: Option<AppCallback>,
}

/// Callback URL that an OAuth app was registered with.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum AppCallback {
    Context,
    Legacy,
}

/// A stored OAuth app, without its secret.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6a4-2c51-7d3e-8e22-6e7f8a90c003",
    "scope_type": "organization",
    "scope_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a001",
    "connector_type": "source",
    "connector_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z"
})))]
pub(crate) struct OauthApp {
    /// Id of the app. It stays when the same client id is set again.
    #[schema(format = "uuid")]
    id: String,
    /// Always `organization`.
    scope_type: String,
    /// Id of the organization.
    #[schema(format = "uuid")]
    scope_id: String,
    /// Always `source`: the kind of actor, not the connector type.
    connector_type: String,
    /// Definition id of the connector type.
    #[schema(format = "uuid")]
    connector_definition_id: String,
    /// When this client id was first set.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last set.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A stored OAuth app in a list, without its secret.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6a4-2c51-7d3e-8e22-6e7f8a90c003",
    "scope_type": "organization",
    "scope_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a001",
    "connector_type": "source",
    "connector_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z",
    "connector_name": "hubspot",
    "client_id": "c0ffee00-1111",
    "callback": "context",
    "has_secret": true
})))]
pub(crate) struct ListedOauthApp {
    /// Id of the app.
    #[schema(format = "uuid")]
    id: String,
    /// Always `organization`.
    scope_type: String,
    /// Id of the organization.
    #[schema(format = "uuid")]
    scope_id: String,
    /// Always `source`: the kind of actor, not the connector type.
    connector_type: String,
    /// Definition id of the connector type.
    #[schema(format = "uuid")]
    connector_definition_id: String,
    /// When this client id was first set.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last set.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Slug of the connector type.
    connector_name: String,
    /// Client id of the app at the provider.
    client_id: String,
    /// The callback URL that it was registered with.
    callback: AppCallback,
    /// Always true: an app without a secret is not stored.
    has_secret: bool,
}

/// The organization's OAuth apps.
#[derive(ToSchema)]
pub(crate) struct OauthAppList {
    /// One entry a connector type that has an app of its own.
    data: Vec<ListedOauthApp>,
}

/// How the OAuth app of a connector type is set up.
#[derive(ToSchema)]
#[schema(examples(json!({
    "connector_type": "hubspot",
    "connector_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "callback_url": "https://keybearer.example.com/oauth/callback/hubspot",
    "spec": {
        "type": "object",
        "required": ["client_id", "client_secret"],
        "properties": {"client_id": {"type": "string"}, "client_secret": {"type": "string"}}
    }
})))]
pub(crate) struct OauthAppSpec {
    /// Slug of the connector type.
    connector_type: String,
    /// Its definition id.
    #[schema(format = "uuid")]
    connector_definition_id: String,
    /// The redirect URI to register at the provider.
    #[schema(format = "uri")]
    callback_url: String,
    /// JSON Schema of `configuration`.
    #[schema(value_type = Object)]
    spec: (),
}

/// A connector type, by exactly one of its names.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TypeQuery {
    /// Slug, display name or snake_case name; ASCII case does not matter. Exactly one of the three is given.
    #[param(max_length = 1024, example = "hubspot")]
    connector_type: Option<String>,
    /// Definition id of the connector type.
    #[param(max_length = 1024)]
    definition_id: Option<String>,
    /// Alias of `definition_id`.
    #[param(max_length = 1024)]
    connector_definition_id: Option<String>,
}

/// A connector type in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TypePath {
    /// Slug, display name, snake_case name or definition id of the connector type.
    #[param(example = "hubspot")]
    connector_type: String,
}
