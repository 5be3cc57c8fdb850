//! The organization's settings.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// Settings to change; those that are not given stay.
#[derive(ToSchema)]
#[schema(examples(json!({"require_binding": true})))]
pub(crate) struct OrganizationSettingsRequest {
    /// Every consent must be bound to the session that starts it: `code_challenge` at initiate, `code_verifier` at
    /// redemption. `connector_id` mode is refused then.
    require_binding: Option<bool>,
}

/// Settings of the organization.
#[derive(ToSchema)]
#[schema(examples(json!({"require_binding": true})))]
pub(crate) struct OrganizationSettings {
    /// Every consent must be bound to the session that starts it.
    require_binding: bool,
}
