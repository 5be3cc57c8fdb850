//! What an organization asks of its consents beyond what the server asks.
//!
//! Knows the settings and who may change them. Must not know flows, which ask here.

use crate::core::Deps;
use crate::core::error::{Error, Result};
use crate::store::AuditRow;

pub use crate::store::{OrganizationSettings, OrganizationSettingsChange as Change};

/// The settings of a live organization.
pub async fn get(deps: &Deps, organization: &str) -> Result<OrganizationSettings> {
    deps.store.organization_settings(organization).await?.ok_or_else(Error::not_found)
}

/// What the audit log calls a change.
pub const CHANGED: &str = "organization_settings.put";

/// Changes those that are given; all of them afterwards. Consents that are under way are held to it, too. `entry` is
/// what the audit log tells of it.
pub async fn change(
    deps: &Deps,
    organization: &str,
    change: &Change,
    entry: AuditRow,
) -> Result<OrganizationSettings> {
    deps.store
        .audited(entry)
        .change_organization_settings(organization, change)
        .await?
        .ok_or_else(Error::not_found)
}
