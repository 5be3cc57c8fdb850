//! How many consents may be under way: bounded for each organization and each workspace.
//!
//! Knows the limit and what a refused caller is told. Must not know what a consent is for. Whoever may start consents
//! could otherwise fill the database with them. Counted in the database by the statement that inserts, without a lock:
//! calls at the same time may pass the limit by as many as run at once.

use crate::core::access::Caller;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, workspaces};
use crate::store::{AuditRow, FlowRow, PendingFlows, PendingLimit, WorkspaceRow};
use std::time::Duration;

/// The workspace of that name, made when absent: but not for a consent that will be refused, which must leave
/// nothing behind.
pub(super) async fn workspace(deps: &Deps, caller: &Caller, name: &str) -> Result<WorkspaceRow> {
    if let Some(row) = workspaces::find(deps, caller, name).await? {
        return Ok(row);
    }
    let (limit, now) = (deps.settings.pending_consents, deps.clock.now_ms());
    let pending = deps.store.pending_flows(caller.organization(), "", limit, now).await?;
    if pending.organization >= limit.organization {
        return Err(too_many(&pending, limit, now));
    }
    workspaces::ensure(deps, caller, name, None).await
}

/// Stores a new consent within the limit.
pub(super) async fn insert(deps: &Deps, row: &FlowRow, entry: AuditRow) -> Result<()> {
    let limit = deps.settings.pending_consents;
    if deps.store.audited(entry).insert_flow_within(row, limit).await? {
        return Ok(());
    }
    let now = deps.clock.now_ms();
    let pending = deps.store.pending_flows(&row.organization_id, &row.workspace_id, limit, now).await?;
    Err(too_many(&pending, limit, now))
}

fn too_many(pending: &PendingFlows, limit: PendingLimit, now: i64) -> Error {
    let (count, whose, ends) = if pending.workspace >= limit.workspace {
        (limit.workspace, "user", pending.workspace_ends)
    } else {
        (limit.organization, "organization", pending.organization_ends)
    };
    let left = Duration::from_millis(u64::try_from(ends.unwrap_or(now) - now).unwrap_or(0));
    Error::new(
        Kind::TooManyConsents,
        format!("{count} consents of this {whose} are under way; they are finished, or end by themselves"),
    )
    .with("retryable", true)
    .with("retry_after_seconds", left.as_secs() + 1)
}
