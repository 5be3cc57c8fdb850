//! Bearer tokens of this API.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// Credentials of an application.
#[derive(ToSchema)]
#[schema(examples(json!({"client_id": "kb_client_5v0XqJ1nQe", "client_secret": "kb_secret_R7f2…"})))]
pub(crate) struct ApplicationTokenRequest {
    /// The client id that `keybearer org create` printed.
    #[schema(min_length = 1, max_length = 1024)]
    client_id: String,
    /// The client secret that was printed with it.
    #[schema(min_length = 1, max_length = 1024, format = Password, write_only)]
    client_secret: String,
}

/// A token for everything in one organization.
#[derive(ToSchema)]
#[schema(examples(json!({
    "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.…",
    "token_type": "bearer",
    "expires_in": 900,
    "organization_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a001"
})))]
pub(crate) struct ApplicationToken {
    /// The bearer token.
    access_token: String,
    /// Always `bearer`.
    token_type: String,
    /// Lifetime in seconds: 900.
    expires_in: u32,
    /// The organization that the token speaks for.
    #[schema(format = "uuid")]
    organization_id: String,
}

/// The workspace that a scoped token is for. It is created if it is absent.
#[derive(ToSchema)]
#[schema(examples(json!({"workspace_name": "user_42"})))]
pub(crate) struct ScopedTokenRequest {
    /// The application's own name for the user: 1 to 250 characters, compared byte for byte.
    #[schema(min_length = 1, max_length = 250)]
    workspace_name: Option<String>,
    /// Alias of `workspace_name`.
    #[schema(min_length = 1, max_length = 250)]
    external_user_id: Option<String>,
    /// Alias of `workspace_name`.
    #[schema(min_length = 1, max_length = 250)]
    customer_name: Option<String>,
    /// Kept with a new workspace; without effect on this server.
    #[schema(max_length = 64)]
    region_id: Option<String>,
}

/// A token for one workspace.
#[derive(ToSchema)]
#[schema(examples(json!({"token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.…"})))]
pub(crate) struct ScopedToken {
    /// The bearer token; it lives 20 minutes.
    token: String,
}

/// What a scoped token speaks for.
#[derive(ToSchema)]
#[schema(examples(json!({
    "organization_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a001",
    "workspace_id": "0198c6a3-1d42-7b0e-9c11-5d6f7a80b002",
    "workspace_name": "user_42"
})))]
pub(crate) struct ScopedTokenInfo {
    /// The organization of the workspace.
    #[schema(format = "uuid")]
    organization_id: String,
    /// The one workspace that the token reaches.
    #[schema(format = "uuid")]
    workspace_id: String,
    /// Its name when the token was made.
    workspace_name: String,
}

/// The workspace and the page that an embedded widget is for.
#[derive(ToSchema)]
#[schema(examples(json!({"workspace_name": "user_42", "allowed_origin": "https://app.example.com"})))]
pub(crate) struct WidgetTokenRequest {
    /// The application's own name for the user: 1 to 250 characters, compared byte for byte.
    #[schema(min_length = 1, max_length = 250)]
    workspace_name: Option<String>,
    /// Alias of `workspace_name`.
    #[schema(min_length = 1, max_length = 250)]
    external_user_id: Option<String>,
    /// Alias of `workspace_name`.
    #[schema(min_length = 1, max_length = 250)]
    customer_name: Option<String>,
    /// Origin of the page that embeds the widget: scheme, host and port, without a trailing slash.
    #[schema(min_length = 1, max_length = 1024)]
    allowed_origin: String,
    /// Kept with a new workspace; without effect on this server.
    #[schema(max_length = 64)]
    region_id: Option<String>,
    /// Tags of the connector types that the widget shows; handed on to the page.
    #[schema(max_items = 100)]
    selected_source_template_tags: Option<Vec<String>>,
    /// Whether a connector type must have `any` or `all` of the tags.
    #[schema(inline)]
    selected_source_template_tags_mode: Option<TagMode>,
    /// Tags of connection templates; handed on to the page.
    #[schema(max_items = 100)]
    selected_connection_template_tags: Option<Vec<String>>,
    /// Whether a connection template must have `any` or `all` of the tags.
    #[schema(inline)]
    selected_connection_template_tags_mode: Option<TagMode>,
}

/// How many of some tags are needed.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum TagMode {
    Any,
    All,
}

/// A token for the embedded widget.
#[derive(ToSchema)]
#[schema(examples(json!({"token": "eyJ0b2tlbiI6ImV5SjBlWEFpT2lKS1YxUWkuLi4iLCJ3aWRnZXRVcmwiOiJodHRwczovL…"})))]
pub(crate) struct WidgetToken {
    /// Base64 of `{"token": <scoped token>, "widgetUrl": <page with workspaceId and allowedOrigin>}`.
    token: String,
}
