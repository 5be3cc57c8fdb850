//! Checks of credentials by a light real call.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// What to check. The body may be left out.
#[derive(ToSchema)]
#[schema(examples(json!({"entities": ["contacts"]})))]
pub(crate) struct CheckRequest {
    /// Check these entities one by one, by listing or getting one record; without it the type's own check runs.
    #[schema(max_items = 100)]
    entities: Option<Vec<String>>,
}

/// Credentials to check without saving them.
#[derive(ToSchema)]
#[schema(examples(json!({
    "external_user_id": "user_42",
    "connector_type": "hubspot",
    "credentials": {"access_token": "pat-na1-…"}
})))]
pub(crate) struct CheckUnsavedRequest {
    /// The application's own name for the user.
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
    /// Values of one of the type's authentication schemes.
    #[schema(value_type = Object, write_only)]
    credentials: (),
    /// The scheme that `credentials` are for, where several would fit.
    #[schema(max_length = 1024)]
    auth_scheme: Option<String>,
    /// Values of variables that the connector type declares.
    #[schema(value_type = Option<Object>)]
    environment: Option<()>,
    /// Check these entities one by one, by listing or getting one record.
    #[schema(max_items = 100)]
    entities: Option<Vec<String>>,
}

/// What a check found. A refused credential is an answer here, not an error.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005",
    "status": "failed",
    "error_message": "The provider answered 403: missing scope",
    "entity_check_results": [
        {"entity": "contacts", "status": "failed", "status_code": 403, "error_message": "The provider answered 403: missing scope"}
    ]
})))]
pub(crate) struct CheckResult {
    /// Id of the connector; null for credentials that are not saved.
    #[schema(required = true, format = "uuid")]
    id: Option<String>,
    /// The result over all.
    status: CheckStatus,
    /// Why it did not succeed; null when it did.
    #[schema(required = true)]
    error_message: Option<String>,
    /// One entry an entity that was asked for; otherwise empty.
    entity_check_results: Vec<EntityCheckResult>,
}

/// `inconclusive`: the provider could not be reached, there is nothing to list or get, or a required parameter that neither
/// configuration nor another entity's records give. A check makes at most 200 calls in a minute; what is left over then is
/// `inconclusive` too.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum CheckStatus {
    Succeeded,
    Failed,
    Inconclusive,
}

/// What a check found for one entity.
#[derive(ToSchema)]
pub(crate) struct EntityCheckResult {
    /// Name of the entity.
    entity: String,
    /// Its result.
    status: CheckStatus,
    /// The provider's status where it refused; else null.
    #[schema(required = true)]
    status_code: Option<u16>,
    /// Why it did not succeed; null when it did.
    #[schema(required = true)]
    error_message: Option<String>,
}
