//! Tenants: made, listed, and ended with everything they own.
//!
//! Knows what goes with an organization. Must not know why it goes. A deletion ends the credentials at once, in one
//! transaction; workspaces end one by one after it, so that no transaction grows with the organization. Whoever died
//! between is continued by the sweep.

use super::Store;
use super::credentials::{self, CredentialRow};
use super::error::{Result, StoreError};
use super::sql::{FromRow, Row, locking, row, values};
use super::work::Work;

row! {
    /// A tenant.
    pub struct OrganizationRow in organizations as organization_columns {
        /// Id, a UUID.
        pub id: String,
        /// What the operator calls it.
        pub name: String,
        /// Epoch milliseconds.
        pub created_at: i64,
    }
}

/// How much an organization owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Valid application credentials.
    pub credentials: i64,
    /// OAuth apps, older ones too.
    pub oauth_apps: i64,
    /// Live workspaces.
    pub workspaces: i64,
    /// Live connectors.
    pub connectors: i64,
}

impl FromRow for Contents {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self {
            credentials: row.take()?,
            oauth_apps: row.take()?,
            workspaces: row.take()?,
            connectors: row.take()?,
        })
    }
}

/// What became of the credentials in the server's settings.
#[derive(Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// The organization and the credential were created.
    Created,
    /// They were there, with the same secret; also when the credential was removed since, which stays so.
    Present {
        /// The tenant.
        organization_id: String,
    },
    /// The client id is there with another secret; nothing was changed.
    OtherSecret {
        /// The tenant.
        organization_id: String,
    },
}

const INSERT_ORGANIZATION: &str =
    concat!("INSERT INTO organizations (", organization_columns!(names), ") VALUES ($1, $2, $3)");

impl Store {
    /// Creates an organization with its first credential. A taken client id is a conflict.
    pub async fn create_organization(
        &self,
        organization: &OrganizationRow,
        credential: &CredentialRow,
    ) -> Result<()> {
        let mut work = self.begin().await?;
        work.execute(INSERT_ORGANIZATION, &organization.all())
            .await
            .map_err(|error| error.about("organization id"))?;
        credentials::insert(&mut work, credential).await?;
        work.commit(organization.created_at).await
    }

    /// Creates the organization and credential of the server's settings unless the client id is there. Replicas may
    /// do this at the same time.
    pub async fn bootstrap_organization(
        &self,
        organization: &OrganizationRow,
        credential: &CredentialRow,
    ) -> Result<Bootstrap> {
        if let Some(known) = self.credential_by_client_id(&credential.client_id).await? {
            return Ok(present(known, credential));
        }
        let mut work = self.begin().await?;
        work.execute(INSERT_ORGANIZATION, &organization.all()).await?;
        if credentials::insert_if_free(&mut work, credential).await? {
            work.commit(organization.created_at).await?;
            return Ok(Bootstrap::Created);
        }
        work.undo().await?;
        let known = self.credential_by_client_id(&credential.client_id).await?;
        known.map(|known| present(known, credential)).ok_or(StoreError::Conflict("client id"))
    }

    /// All live organizations, oldest first. For the operator.
    pub async fn list_organizations(&self) -> Result<Vec<OrganizationRow>> {
        let text = concat!(
            "SELECT ",
            organization_columns!(names),
            " FROM organizations WHERE deleted_at IS NULL ORDER BY created_at, id"
        );
        self.rows(text, &[]).await
    }

    /// One live organization.
    pub async fn organization(&self, id: &str) -> Result<Option<OrganizationRow>> {
        self.row(
            concat!(
                "SELECT ",
                organization_columns!(names),
                " FROM organizations WHERE id = $1 AND deleted_at IS NULL"
            ),
            values![id],
        )
        .await
    }

    /// What goes with a live organization; none when there is none.
    pub async fn organization_contents(&self, id: &str) -> Result<Option<Contents>> {
        let text = "SELECT
            (SELECT COUNT(*) FROM credentials WHERE organization_id = $1 AND removed_at IS NULL),
            (SELECT COUNT(*) FROM oauth_apps WHERE organization_id = $1),
            (SELECT COUNT(*) FROM workspaces WHERE organization_id = $1 AND deleted_at IS NULL),
            (SELECT COUNT(*) FROM connectors WHERE organization_id = $1 AND deleted_at IS NULL)
            FROM organizations WHERE id = $1 AND deleted_at IS NULL";
        self.row(text, values![id]).await
    }

    /// Ends a live organization and all its credentials. False when there is none. Its workspaces are live until each
    /// is deleted ([`Store::workspaces_left_behind`]), but nobody can reach them any more.
    pub async fn delete_organization(&self, id: &str, now: i64) -> Result<bool> {
        let mut work = self.begin().await?;
        let text = "UPDATE organizations SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
        if work.execute(text, values![id, now]).await? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        credentials::remove_all(&mut work, id, now).await?;
        work.commit(now).await?;
        Ok(true)
    }

    /// Live workspaces of deleted organizations, as `(organization, workspace)`, at most `limit`.
    pub async fn workspaces_left_behind(&self, limit: i64) -> Result<Vec<(String, String)>> {
        // The deleted organizations come first on both databases: they are few.
        let text = "SELECT workspaces.organization_id, workspaces.id FROM organizations CROSS JOIN workspaces
             WHERE organizations.deleted_at IS NOT NULL AND workspaces.organization_id = organizations.id
             AND workspaces.deleted_at IS NULL LIMIT $1";
        self.rows(text, values![limit]).await
    }

    /// Erases the OAuth apps of deleted organizations whose revocations are over: until then these need the apps'
    /// secrets. How many organizations were done.
    pub async fn erase_apps_left_behind(&self) -> Result<usize> {
        let text = "SELECT id FROM organizations WHERE deleted_at IS NOT NULL
             AND EXISTS (SELECT 1 FROM oauth_apps WHERE oauth_apps.organization_id = organizations.id)
             AND NOT EXISTS (SELECT 1 FROM workspaces WHERE workspaces.organization_id = organizations.id
             AND workspaces.deleted_at IS NULL)
             AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.organization_id = organizations.id
             AND jobs.status IN ('pending', 'running')) LIMIT 10";
        let organizations: Vec<String> = self.rows(text, &[]).await?;
        for id in &organizations {
            let mut work = self.begin().await?;
            for text in [
                "UPDATE flows SET oauth_app_id = NULL WHERE organization_id = $1 AND oauth_app_id IS NOT NULL",
                "UPDATE grants SET oauth_app_id = NULL WHERE organization_id = $1 AND oauth_app_id IS NOT NULL",
                "DELETE FROM oauth_apps WHERE organization_id = $1",
            ] {
                work.execute(text, values![id]).await?;
            }
            work.commit(0).await?;
        }
        Ok(organizations.len())
    }
}

/// Makes sure that the organization is live and that nobody else changes what belongs to it until the transaction
/// ends; false when it is not.
pub(super) async fn lock(work: &mut Work, id: &str) -> Result<bool> {
    let text =
        locking!("SELECT id FROM organizations WHERE id = $1 AND deleted_at IS NULL", "FOR NO KEY UPDATE");
    Ok(work.row::<String>(text, values![id]).await?.is_some())
}

fn present(known: CredentialRow, wanted: &CredentialRow) -> Bootstrap {
    let organization_id = known.organization_id;
    if known.secret_hash == wanted.secret_hash {
        Bootstrap::Present { organization_id }
    } else {
        Bootstrap::OtherSecret { organization_id }
    }
}
