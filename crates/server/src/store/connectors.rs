//! Connectors: a definition plus one workspace's grant.
//!
//! Knows what a call or a listing needs of a connector in one read. Must not know definitions or credentials.

use super::Store;
use super::changes::Change;
use super::error::{Result, StoreError};
use super::grants::{self, GrantRow, grant_columns};
use super::jobs::{self, JobRow};
use super::sql::{FromRow, Row, row, values};
use super::work::Work;
use super::workspaces;

row! {
    /// What `execute` is called on.
    pub struct ConnectorRow in connectors as connector_columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// Whose it is.
        pub workspace_id: String,
        /// Slug of the connector type.
        pub connector_type: String,
        /// Id of the definition.
        pub definition_id: String,
        /// The caller's name for it.
        pub name: String,
        /// Its grant.
        pub grant_id: String,
        /// Name of the definition's security scheme.
        pub auth_scheme: String,
        /// Values for the definition's variables; a JSON object.
        pub environment: String,
        /// Kept for clients of the API; JSON.
        pub replication_config: Option<String>,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
        /// When it was deleted, epoch milliseconds; none: it is live.
        pub deleted_at: Option<i64>,
    }
}

/// A live connector with its grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorView {
    /// The connector.
    pub connector: ConnectorRow,
    /// Its grant.
    pub grant: GrantRow,
    /// Name of its workspace.
    pub workspace_name: String,
}

impl FromRow for ConnectorView {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self {
            connector: ConnectorRow::read(row)?,
            grant: GrantRow::read(row)?,
            workspace_name: row.take()?,
        })
    }
}

/// Which connectors to list.
#[derive(Clone, Debug, Default)]
pub struct ConnectorFilter {
    /// Of this workspace.
    pub workspace_id: Option<String>,
    /// Of this definition.
    pub definition_id: Option<String>,
    /// Of this type.
    pub connector_type: Option<String>,
    /// At most so many.
    pub limit: i64,
    /// Those after the connector with this `created_at` and id.
    pub after: Option<(i64, String)>,
}

/// Which connectors whose last renewal nobody answered to list.
#[derive(Clone, Debug, Default)]
pub struct UnansweredFilter {
    /// Of this type.
    pub connector_type: Option<String>,
    /// This one.
    pub connector_id: Option<String>,
    /// At most so many.
    pub limit: i64,
    /// Those after this id.
    pub after: String,
}

/// What to change; none: as it is.
#[derive(Clone, Debug, Default)]
pub struct ConnectorUpdate {
    /// Another name.
    pub name: Option<String>,
    /// Another replication configuration; JSON.
    pub replication_config: Option<String>,
}

macro_rules! view {
    ($condition:literal) => {
        concat!(
            "SELECT ", connector_columns!(of table), ", ", grant_columns!(of table), ", workspaces.name FROM connectors
             JOIN grants ON grants.organization_id = connectors.organization_id AND grants.id = connectors.grant_id
             JOIN workspaces ON workspaces.organization_id = connectors.organization_id
             AND workspaces.id = connectors.workspace_id
             WHERE connectors.organization_id = $1 AND connectors.deleted_at IS NULL AND ", $condition
        )
    };
}
const VIEW: &str = view!("connectors.id = $2 AND ($3 IS NULL OR connectors.workspace_id = $3)");
// Two texts, because one with an optional workspace would let a database walk through the whole organization.
const LIST: &str = view!(
    "(connectors.created_at, connectors.id) > ($2, $3) AND ($4 IS NULL OR connectors.definition_id = $4)
     AND ($5 IS NULL OR connectors.connector_type = $5) ORDER BY connectors.created_at, connectors.id LIMIT $6"
);
const LIST_OF_WORKSPACE: &str = view!(
    "(connectors.created_at, connectors.id) > ($2, $3) AND ($4 IS NULL OR connectors.definition_id = $4)
     AND ($5 IS NULL OR connectors.connector_type = $5) AND connectors.workspace_id = $7
     ORDER BY connectors.created_at, connectors.id LIMIT $6"
);
const UNANSWERED: &str = view!(
    "grants.unknown_sends > 0 AND grants.reusable_version <> grants.version
     AND grants.status IN ('active', 'app_misconfigured') AND connectors.id > $2
     AND ($3 IS NULL OR connectors.connector_type = $3) AND ($4 IS NULL OR connectors.id = $4)
     ORDER BY connectors.id LIMIT $5"
);
const BY_IMPORT_KEY: &str =
    "SELECT id FROM connectors WHERE organization_id = $1 AND import_key = $2 AND deleted_at IS NULL";
const DELETE: &str =
    "UPDATE connectors SET deleted_at = $4, updated_at = $4 WHERE organization_id = $1 AND id = $2
    AND ($3 IS NULL OR workspace_id = $3) AND deleted_at IS NULL RETURNING grant_id";
const END_GRANT: &str =
    "UPDATE grants SET status = 'ended', status_reason = 'connector_deleted', attempt = NULL,
    attempt_deadline = NULL, updated_at = $3 WHERE organization_id = $1 AND id = $2 AND status <> 'ended'";

pub(super) async fn insert(work: &mut Work, row: &ConnectorRow) -> Result<()> {
    let text = concat!(
        "INSERT INTO connectors (",
        connector_columns!(names),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    work.execute(text, &row.all()).await.map_err(|error| error.about("connector"))?;
    Ok(())
}

impl Store {
    /// Connectors whose refresh token was sent without a known outcome and might be used up by another send.
    pub async fn unanswered_grants(
        &self,
        organization: &str,
        filter: &UnansweredFilter,
    ) -> Result<Vec<ConnectorView>> {
        let UnansweredFilter { connector_type, connector_id, limit, after } = filter;
        self.rows(UNANSWERED, values![organization, after, connector_type, connector_id, *limit]).await
    }

    /// How many of them were sent so often at least without a known outcome.
    pub async fn count_unanswered(&self, organization: &str, at_least: i64) -> Result<i64> {
        let text =
            "SELECT COUNT(*) FROM grants WHERE organization_id = $1 AND unknown_sends >= $2 AND reusable_version <> version
             AND status IN ('active', 'app_misconfigured')";
        Ok(self.row(text, values![organization, at_least]).await?.unwrap_or_default())
    }

    /// Stores a connector with its grant. A workspace that is gone is a conflict.
    pub async fn insert_connector(&self, connector: &ConnectorRow, grant: &GrantRow) -> Result<()> {
        let mut work = self.begin().await?;
        if !workspaces::hold(&mut work, &connector.organization_id, &connector.workspace_id).await? {
            return Err(StoreError::Conflict("the workspace is gone"));
        }
        grants::insert(&mut work, grant).await?;
        insert(&mut work, connector).await?;
        work.commit(connector.created_at).await
    }

    /// The live connector of an import key.
    pub async fn connector_by_import_key(&self, organization: &str, key: &str) -> Result<Option<String>> {
        self.row(BY_IMPORT_KEY, values![organization, key]).await
    }

    /// As [`Store::insert_connector`], with the caller's key for it. Some: a live connector has that key, and nothing was stored.
    pub async fn import_connector(
        &self,
        connector: &ConnectorRow,
        grant: &GrantRow,
        key: Option<&str>,
    ) -> Result<Option<String>> {
        let organization = &connector.organization_id;
        let mut work = self.begin().await?;
        if !workspaces::hold(&mut work, organization, &connector.workspace_id).await? {
            return Err(StoreError::Conflict("the workspace is gone"));
        }
        grants::insert(&mut work, grant).await?;
        insert(&mut work, connector).await?;
        let text = "UPDATE connectors SET import_key = $3 WHERE organization_id = $1 AND id = $2";
        // Last, because on PostgreSQL a conflict waits here for the other import to end.
        match work.execute(text, values![organization, &connector.id, key]).await {
            Ok(_) => {
                work.commit(connector.created_at).await?;
                Ok(None)
            }
            Err(StoreError::Conflict(_)) => {
                work.undo().await?;
                let existing = self.connector_by_import_key(organization, key.unwrap_or_default()).await?;
                // It ended in between: another import makes it.
                existing.map(Some).ok_or(StoreError::Conflict("import key"))
            }
            Err(error) => Err(error),
        }
    }

    /// One live connector; with `workspace`, only if it is that workspace's.
    pub async fn connector(
        &self,
        organization: &str,
        workspace: Option<&str>,
        id: &str,
    ) -> Result<Option<ConnectorView>> {
        self.row(VIEW, values![organization, id, workspace]).await
    }

    /// Live connectors by age and id, oldest first.
    pub async fn list_connectors(
        &self,
        organization: &str,
        filter: &ConnectorFilter,
    ) -> Result<Vec<ConnectorView>> {
        let (created_at, id) = filter.after.as_ref().map_or((i64::MIN, ""), |(at, id)| (*at, id.as_str()));
        let (definition, kind) = (&filter.definition_id, &filter.connector_type);
        match &filter.workspace_id {
            None => {
                self.rows(LIST, values![organization, created_at, id, definition, kind, filter.limit]).await
            }
            Some(workspace) => {
                let values = values![organization, created_at, id, definition, kind, filter.limit, workspace];
                self.rows(LIST_OF_WORKSPACE, values).await
            }
        }
    }

    /// Changes a live connector. False when there is none.
    pub async fn update_connector(
        &self,
        organization: &str,
        workspace: Option<&str>,
        id: &str,
        update: &ConnectorUpdate,
        now: i64,
    ) -> Result<bool> {
        let text = "UPDATE connectors SET name = COALESCE($4, name), replication_config = COALESCE($5, replication_config),
             updated_at = $6 WHERE organization_id = $1 AND id = $2 AND ($3 IS NULL OR workspace_id = $3)
             AND deleted_at IS NULL";
        let mut work = self.begin().await?;
        let values = values![organization, id, workspace, &update.name, &update.replication_config, now];
        if work.execute(text, values).await? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        work.changed(Change::Connector { organization: organization.to_owned(), id: id.to_owned() });
        work.commit(now).await?;
        Ok(true)
    }

    /// Deletes a live connector, ends its grant and stores the job that revokes it; all or nothing. The job's subject
    /// becomes the grant that the connector has at that moment. False when there is no such connector.
    pub async fn delete_connector(
        &self,
        organization: &str,
        workspace: Option<&str>,
        id: &str,
        job: &JobRow,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        let Some(grant) = work.row::<String>(DELETE, values![organization, id, workspace, now]).await? else {
            work.undo().await?;
            return Ok(false);
        };
        work.execute(END_GRANT, values![organization, &grant, now]).await?;
        jobs::insert(&mut work, &JobRow { subject: grant, ..job.clone() }).await?;
        work.changed(Change::Connector { organization: organization.to_owned(), id: id.to_owned() });
        work.commit(now).await?;
        Ok(true)
    }
}
