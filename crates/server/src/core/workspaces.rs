//! Workspaces: one end user or customer of an organization, named by the caller, made on first use.
//!
//! Knows names and their limits. Must not know connectors; deleting one ends its connectors in the store.

use crate::core::access::{Caller, forbidden};
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, audit};
use crate::store::{AuditRow, WorkspaceFilter, WorkspaceRow, WorkspaceUpdate};

/// Longest workspace name, in characters.
pub const NAME_MAX: usize = 250;

/// Checks a workspace name: 1 to 250 characters, none of them a control character. Compared byte for byte, never
/// normalised: `User1` and `user1` are two.
pub fn check_name(name: &str) -> std::result::Result<(), &'static str> {
    let length = name.chars().count();
    if length == 0 || name.trim().is_empty() {
        Err("must not be blank")
    } else if length > NAME_MAX {
        Err("must have at most 250 characters")
    } else if name.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else {
        Ok(())
    }
}

/// The workspace of that name, made when absent. A scoped token may name only its own.
pub async fn ensure(
    deps: &Deps,
    caller: &Caller,
    name: &str,
    region_id: Option<String>,
) -> Result<WorkspaceRow> {
    if let Some(row) = find(deps, caller, name).await? {
        return Ok(row);
    }
    // A scoped token never makes a workspace: its own is gone or renamed.
    if caller.workspace().is_some() {
        return Err(forbidden());
    }
    let now = deps.clock.now_ms();
    let row = WorkspaceRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: caller.organization().to_owned(),
        name: name.to_owned(),
        status: "active".to_owned(),
        cache_enabled: false,
        region_id,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    Ok(deps.store.ensure_workspace(&row).await?)
}

/// The workspace of that name, if there is one.
pub async fn find(deps: &Deps, caller: &Caller, name: &str) -> Result<Option<WorkspaceRow>> {
    caller.allow_workspace_name(name)?;
    match caller.workspace() {
        // By id: a name can have moved to another workspace since the token was checked.
        Some(own) => {
            let row = deps.store.workspace(caller.organization(), own).await?;
            Ok(row.filter(|row| row.deleted_at.is_none() && row.name == name))
        }
        None => Ok(deps.store.workspace_by_name(caller.organization(), name).await?),
    }
}

/// The workspace of that id.
pub async fn get(deps: &Deps, caller: &Caller, id: &str) -> Result<WorkspaceRow> {
    let row = deps.store.workspace(caller.organization(), id).await?;
    row.filter(|row| row.deleted_at.is_none()).ok_or_else(Error::not_found)
}

/// A page of workspaces, oldest first.
pub async fn list(deps: &Deps, caller: &Caller, filter: &WorkspaceFilter) -> Result<Vec<WorkspaceRow>> {
    Ok(deps.store.list_workspaces(caller.organization(), filter).await?)
}

/// Counts of active and inactive workspaces.
pub async fn stats(deps: &Deps, caller: &Caller) -> Result<(i64, i64)> {
    Ok(deps.store.workspace_stats(caller.organization()).await?)
}

/// The audit entry of a change to a workspace.
fn told(deps: &Deps, caller: &Caller, operation: &str, id: &str) -> AuditRow {
    AuditRow { workspace_id: Some(id.to_owned()), ..audit::by_caller(deps, caller, operation) }
}

/// Changes name, status or cache setting.
pub async fn update(
    deps: &Deps,
    caller: &Caller,
    id: &str,
    update: &WorkspaceUpdate,
) -> Result<WorkspaceRow> {
    let store = deps.store.audited(told(deps, caller, "workspace.update", id));
    let changed = store.update_workspace(caller.organization(), id, update, deps.clock.now_ms()).await;
    let row = match changed {
        Err(crate::store::StoreError::Conflict(_)) => {
            return Err(Error::new(Kind::Conflict, "A workspace of that name exists already"));
        }
        other => other?,
    };
    let row = row.ok_or_else(Error::not_found)?;
    deps.workspace_changed(id);
    Ok(row)
}

/// Soft delete: its connectors end and their grants are revoked at the providers.
pub async fn delete(deps: &Deps, caller: &Caller, id: &str) -> Result<WorkspaceRow> {
    let now = deps.clock.now_ms();
    let mut new_id = || deps.random.uuid_v7(&deps.clock);
    let store = deps.store.audited(told(deps, caller, "workspace.delete", id));
    let row = store.delete_workspace(caller.organization(), id, now, &mut new_id).await?;
    let row = row.ok_or_else(Error::not_found)?;
    deps.workspace_changed(id);
    deps.wake.notify_one();
    Ok(row)
}
