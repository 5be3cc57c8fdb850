//! Grants whose renewal is unresolved: both sends of the refresh token may have been acted on, and no answer came.
//!
//! Knows which they are, and lets the operator have one sent once more. Must not send anything.

use super::machine;
use super::outcome::UNRESOLVED;
use crate::core::error::Result;
use crate::core::{Deps, audit};
use crate::store::{AuditRow, ConnectorView, GrantRow, UnansweredFilter};

/// Why an active grant is not renewed any more; none where it is.
pub fn why_unresolved(row: &GrantRow) -> Option<&'static str> {
    let active = matches!(row.status.as_str(), "active" | "app_misconfigured");
    (active && !row.reusable && machine::is_unresolved(row.unknown_sends)).then_some(UNRESOLVED)
}

/// A page of an organization's connectors whose last renewal nobody answered, unresolved or waiting for the endpoint.
pub async fn unanswered(
    deps: &Deps,
    organization: &str,
    filter: &UnansweredFilter,
) -> Result<Vec<ConnectorView>> {
    Ok(deps.store.unanswered_grants(organization, filter).await?)
}

/// Forgets the unknown outcomes of a connector's grant, as the operator's decision: its next refresh sends the refresh
/// token as if for the first time. False when it was renewed, claimed or ended meanwhile.
pub async fn resend(deps: &Deps, view: &ConnectorView) -> Result<bool> {
    let (connector, grant) = (&view.connector, &view.grant);
    let entry = AuditRow {
        workspace_id: Some(connector.workspace_id.clone()),
        connector_id: Some(connector.id.clone()),
        subject: Some(grant.id.clone()),
        ..audit::entry(deps, &connector.organization_id, "operator", "grant.resend")
    };
    let store = deps.store.audited(entry);
    let now = deps.clock.now_ms();
    Ok(store.forget_unknown_sends(&connector.organization_id, &grant.id, grant.version, now).await?)
}
