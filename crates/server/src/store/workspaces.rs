//! Workspaces: found by name, made on first use, deleted softly.
//!
//! Knows that a live name is unique in its organization and what ends with a workspace. Must not know which names are
//! good.

use super::Store;
use super::changes::Change;
use super::error::{Result, StoreError};
use super::jobs::{self, JobRow};
use super::sql::{locking, row, values};
use super::work::Work;

row! {
    /// One end user or customer of an organization.
    pub struct WorkspaceRow in workspaces as columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// The caller's name for it; compared byte for byte.
        pub name: String,
        /// `active` or `inactive`.
        pub status: String,
        /// A setting that clients of the API keep here.
        pub cache_enabled: bool,
        /// A region that clients of the API keep here.
        pub region_id: Option<String>,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
        /// When it was deleted, epoch milliseconds; none: it is live.
        pub deleted_at: Option<i64>,
    }
}

/// Which workspaces to list.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceFilter {
    /// Part of the name, as it stands (`%` and `_` are themselves); ASCII letters match in either case.
    pub name_contains: Option<String>,
    /// `active` or `inactive`.
    pub status: Option<String>,
    /// At most so many.
    pub limit: i64,
    /// Those after the workspace with this `created_at` and id.
    pub after: Option<(i64, String)>,
}

/// What to change; none: as it is.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceUpdate {
    /// Another name.
    pub name: Option<String>,
    /// `active` or `inactive`.
    pub status: Option<String>,
    /// The cache setting.
    pub cache_enabled: Option<bool>,
}

const BY_NAME: &str = concat!(
    "SELECT ",
    columns!(names),
    " FROM workspaces WHERE organization_id = $1 AND name = $2 AND deleted_at IS NULL"
);
const UPDATE: &str = concat!(
    "UPDATE workspaces SET name = COALESCE($3, name), status = COALESCE($4, status),
     cache_enabled = COALESCE($5, cache_enabled), updated_at = $6
     WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING ",
    columns!(names)
);
const DELETE: &str = concat!(
    "UPDATE workspaces SET deleted_at = $3, updated_at = $3
     WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING ",
    columns!(names)
);

impl Store {
    /// The live workspace of that organization and name; made from `row` when there is none.
    pub async fn ensure_workspace(&self, row: &WorkspaceRow) -> Result<WorkspaceRow> {
        let insert = concat!(
            "INSERT INTO workspaces (",
            columns!(names),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (organization_id, name) WHERE deleted_at IS NULL DO NOTHING RETURNING ",
            columns!(names)
        );
        // The one that was in the way may be deleted before it is read; then the name is free and the next round wins.
        for _ in 0..3 {
            if let Some(made) = self.write_row(insert, &row.all()).await? {
                return Ok(made);
            }
            if let Some(known) = self.workspace_by_name(&row.organization_id, &row.name).await? {
                return Ok(known);
            }
        }
        Err(StoreError::Conflict("workspace name"))
    }

    /// The live workspace of that name.
    pub async fn workspace_by_name(&self, organization: &str, name: &str) -> Result<Option<WorkspaceRow>> {
        self.row(BY_NAME, values![organization, name]).await
    }

    /// The workspace of that id, also a deleted one.
    pub async fn workspace(&self, organization: &str, id: &str) -> Result<Option<WorkspaceRow>> {
        let text =
            concat!("SELECT ", columns!(names), " FROM workspaces WHERE organization_id = $1 AND id = $2");
        self.row(text, values![organization, id]).await
    }

    /// Live workspaces by age and id, oldest first.
    pub async fn list_workspaces(
        &self,
        organization: &str,
        filter: &WorkspaceFilter,
    ) -> Result<Vec<WorkspaceRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM workspaces
             WHERE organization_id = $1 AND deleted_at IS NULL AND (created_at, id) > ($2, $3)
             AND ($4 IS NULL OR status = $4) AND ($5 IS NULL OR LOWER(name) LIKE $5 ESCAPE '\\')
             ORDER BY created_at, id LIMIT $6"
        );
        let pattern = filter.name_contains.as_deref().map(contains);
        let (created_at, id) = filter.after.as_ref().map_or((i64::MIN, ""), |(at, id)| (*at, id.as_str()));
        self.rows(text, values![organization, created_at, id, &filter.status, &pattern, filter.limit]).await
    }

    /// How many live workspaces are active, and how many inactive.
    pub async fn workspace_stats(&self, organization: &str) -> Result<(i64, i64)> {
        let text = "SELECT COUNT(CASE WHEN status = 'active' THEN 1 END), COUNT(CASE WHEN status <> 'active' THEN 1 END)
             FROM workspaces WHERE organization_id = $1 AND deleted_at IS NULL";
        Ok(self.row(text, values![organization]).await?.unwrap_or_default())
    }

    /// Changes a live workspace; none when there is none. A taken name is a conflict about `workspace name`.
    pub async fn update_workspace(
        &self,
        organization: &str,
        id: &str,
        update: &WorkspaceUpdate,
        now: i64,
    ) -> Result<Option<WorkspaceRow>> {
        let mut work = self.begin().await?;
        let values = values![organization, id, &update.name, &update.status, update.cache_enabled, now];
        let row = work.row(UPDATE, values).await.map_err(|error| error.about("workspace name"))?;
        if row.is_none() {
            work.undo().await?;
            return Ok(None);
        }
        work.changed(Change::Workspace { organization: organization.to_owned(), id: id.to_owned() });
        work.commit(now).await?;
        Ok(row)
    }

    /// Deletes a live workspace softly; none when there is none. Its connectors are deleted, its flows fail, its
    /// grants end with one job each that revokes them; all or nothing.
    pub async fn delete_workspace(
        &self,
        organization: &str,
        id: &str,
        now: i64,
        new_job_id: &mut (dyn FnMut() -> String + Send),
    ) -> Result<Option<WorkspaceRow>> {
        let mut work = self.begin().await?;
        let values = values![organization, id, now];
        let Some(row) = work.row(DELETE, values).await? else { return Ok(None) };
        let connectors: Vec<String> = work.rows(END_CONNECTORS, values).await?;
        work.execute(END_FLOWS, values).await?;
        let grants: Vec<String> = work.rows(END_GRANTS, values).await?;
        for grant in &grants {
            jobs::insert(&mut work, &JobRow::revoke(new_job_id(), organization, grant, now)).await?;
        }
        work.changed(Change::Workspace { organization: organization.to_owned(), id: id.to_owned() });
        for id in connectors {
            work.changed(Change::Connector { organization: organization.to_owned(), id });
        }
        work.commit(now).await?;
        Ok(Some(row))
    }
}

// The order in which rows are locked is the same everywhere: workspace, flow, grant of the flow, connector, its grant.
const END_CONNECTORS: &str = "UPDATE connectors SET deleted_at = $3, updated_at = $3
    WHERE organization_id = $1 AND workspace_id = $2 AND deleted_at IS NULL RETURNING id";
const END_FLOWS: &str = "UPDATE flows SET status = 'failed', failure = 'workspace_deleted', updated_at = $3
    WHERE organization_id = $1 AND workspace_id = $2 AND status IN ('pending', 'exchanging', 'granted')";
const END_GRANTS: &str =
    "UPDATE grants SET status = 'ended', status_reason = 'workspace_deleted', attempt = NULL,
    attempt_deadline = NULL, updated_at = $3
    WHERE organization_id = $1 AND workspace_id = $2 AND status <> 'ended' RETURNING id";

/// Makes sure that the workspace is live and stays so until the transaction ends; false when it is not. The first of
/// all locks, so that a deletion at the same time is either seen or sees everything that this transaction adds.
pub(super) async fn hold(work: &mut Work, organization: &str, id: &str) -> Result<bool> {
    let text = locking!(
        "SELECT id FROM workspaces WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL",
        "FOR SHARE"
    );
    Ok(work.row::<String>(text, values![organization, id]).await?.is_some())
}

/// A LIKE pattern, in lower case, for texts that contain `part`.
fn contains(part: &str) -> String {
    let mut pattern = String::from("%");
    for character in part.to_ascii_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn patterns_take_wildcards_literally() {
        assert_eq!(contains("A%b_C\\d"), "%a\\%b\\_c\\\\d%");
    }
}
