//! Organizations, for the operator: made, listed, and ended with everything they own.
//!
//! Knows the order of an ending. Must not know the command line, nor what a provider answers when its grants are
//! revoked: that is work for jobs.
//!
//! Deleting ends the credentials first, so nobody acts for the organization any more; then workspace after workspace
//! with its connectors and grants. A process that dies between leaves the rest to the sweep of any replica.

use crate::core::credentials::{self, NewCredential};
use crate::core::error::{Error, Result};
use crate::core::{Deps, audit, workspaces};
use crate::store::{Contents, OrganizationRow};

/// Workspaces that one round ends.
const ROUND: i64 = 100;

/// Makes an organization with its first credential.
pub async fn create(deps: &Deps, name: &str) -> Result<(OrganizationRow, NewCredential)> {
    workspaces::check_name(name).map_err(|why| Error::field("name", "invalid_value", why))?;
    let now = deps.clock.now_ms();
    let row =
        OrganizationRow { id: deps.random.uuid_v7(&deps.clock), name: name.to_owned(), created_at: now };
    let (credential, made) = credentials::new(deps, &row.id);
    let entry = audit::entry(deps, &row.id, "operator", "organization.create");
    deps.store.audited(entry).create_organization(&row, &credential).await?;
    Ok((row, made))
}

/// All of them, oldest first.
pub async fn list(deps: &Deps) -> Result<Vec<OrganizationRow>> {
    Ok(deps.store.list_organizations().await?)
}

/// One of them.
pub async fn get(deps: &Deps, id: &str) -> Result<OrganizationRow> {
    deps.store.organization(id).await?.ok_or_else(Error::not_found)
}

/// What would go with it.
pub async fn contents(deps: &Deps, id: &str) -> Result<Contents> {
    deps.store.organization_contents(id).await?.ok_or_else(Error::not_found)
}

/// Ends it, its credentials and their tokens, its workspaces and their connectors. The grants are revoked at their
/// providers by jobs of the running servers.
pub async fn delete(deps: &Deps, id: &str) -> Result<()> {
    let entry = audit::entry(deps, id, "operator", "organization.delete");
    if !deps.store.audited(entry).delete_organization(id, deps.clock.now_ms()).await? {
        return Err(Error::not_found());
    }
    deps.credential_changed();
    while finish_round(deps).await? {}
    Ok(())
}

/// Goes on with deletions whose process died, and erases what is not needed any more.
pub async fn finish_deletions(deps: &Deps) -> Result<()> {
    while finish_round(deps).await? {}
    let erased = deps.store.erase_apps_left_behind().await?;
    if erased > 0 {
        tracing::info!(erased, "OAuth apps of deleted organizations erased");
    }
    Ok(())
}

/// False when nothing was left to end.
async fn finish_round(deps: &Deps) -> Result<bool> {
    let left = deps.store.workspaces_left_behind(ROUND).await?;
    for (organization, workspace) in &left {
        let now = deps.clock.now_ms();
        let mut new_id = || deps.random.uuid_v7(&deps.clock);
        deps.store.delete_workspace(organization, workspace, now, &mut new_id).await?;
        deps.workspace_changed(workspace);
    }
    if !left.is_empty() {
        deps.wake.notify_one();
    }
    Ok(!left.is_empty())
}
