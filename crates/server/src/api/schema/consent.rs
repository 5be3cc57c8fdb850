//! The consent: how it starts, and what its callback takes.
//!
//! Documentation only; see the module above.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOf, Schema, Type};
use utoipa::{IntoParams, ToSchema};

/// A consent to start.
#[derive(ToSchema)]
#[schema(examples(json!({
    "external_user_id": "user_42",
    "connector_type": "hubspot",
    "redirect_url": "https://app.example.com/callback?user_id=42"
})))]
pub(crate) struct InitiateRequest {
    /// The application's own name for the user; the workspace is created on first use. 1 to 250 characters, compared
    /// byte for byte.
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
    /// Where the user comes back to: absolute; https, or http on loopback; no user name, fragment, backslash or control
    /// character; at most 2048 bytes; on the organization's list once there is one.
    #[schema(max_length = 2048, format = "uri")]
    redirect_url: String,
    /// Values of variables that the connector type declares, such as a shop or a subdomain. They are pinned to the
    /// grant: an `environment` that contradicts them later is refused.
    #[schema(value_type = Option<Object>)]
    oauth_input_configuration: Option<()>,
    /// What the callback appends to `redirect_url`: a `secret_id` to redeem, or the `connector_id` of a connector that
    /// the server created itself. Default: the server's setting `KEYBEARER_CALLBACK_MODE`.
    #[schema(inline)]
    callback_mode: Option<CallbackMode>,
    /// Name of the connector, in `connector_id` mode.
    #[schema(min_length = 1, max_length = 250)]
    name: Option<String>,
    /// Further values of declared variables, in `connector_id` mode.
    #[schema(value_type = Option<Object>)]
    environment: Option<()>,
    /// Kept with the connector as it is, in `connector_id` mode.
    #[schema(value_type = Option<Object>)]
    replication_config: Option<()>,
    /// S256 challenge (RFC 7636): only who holds its verifier can redeem the `secret_id`. Not in `connector_id` mode.
    /// Required where the organization's settings say so.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    code_challenge: Option<String>,
    /// Reconnect this connector in place: it keeps its id and gets the new grant.
    #[schema(format = "uuid")]
    connector_id: Option<String>,
    /// With `connector_id`: the user may come back with another account of the provider. Otherwise a reconnect that
    /// brings another account than the connector's is refused, where the provider tells whose it is.
    allow_account_change: Option<bool>,
    /// Scopes to ask for; the function below describes them.
    #[schema(schema_with = scopes, required = false)]
    scopes: Option<()>,
}

/// What a callback hands to the application.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum CallbackMode {
    SecretId,
    ConnectorId,
}

/// A list of scopes, or a text with spaces between them.
fn scopes() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let list = ArrayBuilder::new().items(text()).min_items(Some(1)).max_items(Some(200));
    let mut either = OneOf::new();
    either.items =
        vec![Schema::from(list).into(), text().into(), ObjectBuilder::new().schema_type(Type::Null).into()];
    either.into()
}

/// Where to send the user.
#[derive(ToSchema)]
#[schema(examples(json!({
    "consent_url": "https://app.hubspot.com/oauth/authorize?response_type=code&client_id=c0ffee00-1111&state=…"
})))]
pub(crate) struct Consent {
    /// The provider's own consent page, with a state that works once.
    #[schema(format = "uri")]
    consent_url: String,
}

/// What a provider sends along with the browser.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    /// The state of the consent. It works once.
    #[param(required = true)]
    state: Option<String>,
    /// The authorization code; connector types may name it otherwise.
    code: Option<String>,
    /// The provider's own refusal (RFC 6749 section 4.1.2.1).
    error: Option<String>,
    /// The provider's words about it; they go to the log only.
    error_description: Option<String>,
    /// The issuer, where the provider promises one (RFC 9207).
    iss: Option<String>,
}

/// A connector type in the path of a callback.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CallbackPath {
    /// Slug of the connector type.
    #[param(example = "hubspot")]
    slug: String,
}
