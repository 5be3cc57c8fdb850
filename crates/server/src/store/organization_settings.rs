//! What an organization asks of its consents.
//!
//! Knows columns of the organization's row. Must not know what they mean.

use super::Store;
use super::error::Result;
use super::sql::{FromRow, Row, values};

/// Settings of one organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrganizationSettings {
    /// Every consent must be bound to the session that starts it.
    pub require_binding: bool,
}

/// What to change; none: as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrganizationSettingsChange {
    /// As in [`OrganizationSettings`].
    pub require_binding: Option<bool>,
}

impl FromRow for OrganizationSettings {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self { require_binding: row.take()? })
    }
}

impl Store {
    /// Of a live organization.
    pub async fn organization_settings(&self, id: &str) -> Result<Option<OrganizationSettings>> {
        let text = "SELECT require_binding FROM organizations WHERE id = $1 AND deleted_at IS NULL";
        self.row(text, values![id]).await
    }

    /// Changes those of a live organization; all of them afterwards.
    pub async fn change_organization_settings(
        &self,
        id: &str,
        change: &OrganizationSettingsChange,
    ) -> Result<Option<OrganizationSettings>> {
        let text = "UPDATE organizations SET require_binding = COALESCE($2, require_binding)
             WHERE id = $1 AND deleted_at IS NULL RETURNING require_binding";
        self.write_row(text, values![id, change.require_binding]).await
    }
}
