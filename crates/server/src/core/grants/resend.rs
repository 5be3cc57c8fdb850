//! Grants whose renewal is unresolved: both sends of the refresh token may have been acted on, and nobody knows.
//!
//! Knows which they are, and lets the operator have one sent once more. Must not send anything.

use super::machine::{self, SENDS};
use super::outcome::UNRESOLVED;
use crate::core::error::Result;
use crate::core::{Deps, audit};
use crate::store::{AuditRow, ConnectorView, GrantRow, UnansweredFilter};

/// Why a grant that lives is not renewed any more; none where it is.
pub fn why_unresolved(row: &GrantRow) -> Option<&'static str> {
    let lives = matches!(row.status.as_str(), "active" | "app_misconfigured");
    (lives && !row.is_reusable() && machine::is_unresolved(row.unknown_sends)).then_some(UNRESOLVED)
}

/// A page of an organization's connectors whose last renewal nobody answered, unresolved or waiting for the endpoint.
pub async fn unanswered(
    deps: &Deps,
    organization: &str,
    filter: &UnansweredFilter,
) -> Result<Vec<ConnectorView>> {
    Ok(deps.store.unanswered_grants(organization, filter).await?)
}

/// Lets the refresh token of a connector be sent once more, as the operator's decision, when its endpoint answers the
/// question; with `anew` as if it had never been sent: at the next refresh, and once more. False when there is nothing to
/// let: it waits for its retry, is being renewed, or was renewed or ended meanwhile.
pub async fn resend(deps: &Deps, view: &ConnectorView, anew: bool) -> Result<bool> {
    let (connector, grant) = (&view.connector, &view.grant);
    let entry = AuditRow {
        workspace_id: Some(connector.workspace_id.clone()),
        connector_id: Some(connector.id.clone()),
        subject: Some(grant.id.clone()),
        ..audit::entry(deps, &connector.organization_id, "operator", "grant.resend")
    };
    let left = if anew { 0 } else { SENDS - 1 };
    let (store, now) = (deps.store.audited(entry), deps.clock.now_ms());
    Ok(store.forget_unknown_sends(&connector.organization_id, &grant.id, grant.version, left, now).await?)
}
