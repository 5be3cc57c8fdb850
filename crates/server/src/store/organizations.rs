//! Tenants, their application credentials, and where their users may be sent back to.
//!
//! Knows client ids and secret hashes; must not know secrets or tokens.

use super::Store;
use super::changes::Change;
use super::error::{Result, StoreError};
use super::sql::{locking, row, values};

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

row! {
    /// An application's client id and the hash of its secret.
    pub struct CredentialRow in credentials as credential_columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// Public part; unique over all organizations.
        pub client_id: String,
        /// Hash of the secret part.
        pub secret_hash: Vec<u8>,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// When it was taken back, epoch milliseconds; none: it is valid.
        pub removed_at: Option<i64>,
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
const INSERT_CREDENTIAL: &str =
    concat!("INSERT INTO credentials (", credential_columns!(names), ") VALUES ($1, $2, $3, $4, $5, $6)");

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
        work.execute(INSERT_CREDENTIAL, &credential.all()).await.map_err(|error| error.about("client id"))?;
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
        let text = concat!(
            "INSERT INTO credentials (",
            credential_columns!(names),
            ") VALUES ($1, $2, $3, $4, $5, $6)",
            " ON CONFLICT (client_id) DO NOTHING"
        );
        if work.execute(text, &credential.all()).await? == 1 {
            work.commit(organization.created_at).await?;
            return Ok(Bootstrap::Created);
        }
        work.undo().await?;
        let known = self.credential_by_client_id(&credential.client_id).await?;
        known.map(|known| present(known, credential)).ok_or(StoreError::Conflict("client id"))
    }

    /// All organizations, oldest first. For the operator.
    pub async fn list_organizations(&self) -> Result<Vec<OrganizationRow>> {
        let text =
            concat!("SELECT ", organization_columns!(names), " FROM organizations ORDER BY created_at, id");
        self.rows(text, &[]).await
    }

    /// One organization.
    pub async fn organization(&self, id: &str) -> Result<Option<OrganizationRow>> {
        self.row(
            concat!("SELECT ", organization_columns!(names), " FROM organizations WHERE id = $1"),
            values![id],
        )
        .await
    }

    /// The credential with that client id, also a removed one.
    pub async fn credential_by_client_id(&self, client_id: &str) -> Result<Option<CredentialRow>> {
        let text = concat!("SELECT ", credential_columns!(names), " FROM credentials WHERE client_id = $1");
        self.row(text, values![client_id]).await
    }

    /// The credential with that id, also a removed one.
    pub async fn credential(&self, id: &str) -> Result<Option<CredentialRow>> {
        self.row(
            concat!("SELECT ", credential_columns!(names), " FROM credentials WHERE id = $1"),
            values![id],
        )
        .await
    }

    /// All credentials of an organization, oldest first, removed ones too.
    pub async fn list_credentials(&self, organization: &str) -> Result<Vec<CredentialRow>> {
        let text = concat!(
            "SELECT ",
            credential_columns!(names),
            " FROM credentials WHERE organization_id = $1 ORDER BY created_at, id"
        );
        self.rows(text, values![organization]).await
    }

    /// A further credential. A taken client id, or an organization that is not there, is a conflict.
    pub async fn add_credential(&self, credential: &CredentialRow) -> Result<()> {
        self.execute(INSERT_CREDENTIAL, &credential.all()).await.map_err(|error| error.about("client id"))?;
        Ok(())
    }

    /// Takes a credential back; its tokens end with it. False when there is no valid one of that id.
    pub async fn remove_credential(&self, organization: &str, id: &str, now: i64) -> Result<bool> {
        let mut work = self.begin().await?;
        let text = "UPDATE credentials SET removed_at = $3 WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL";
        if work.execute(text, values![organization, id, now]).await? == 0 {
            return Ok(false);
        }
        work.changed(Change::Credential { organization: organization.to_owned(), id: id.to_owned() });
        work.commit(now).await?;
        Ok(true)
    }

    /// The redirect allow-list, in the order it was given.
    pub async fn list_redirect_urls(&self, organization: &str) -> Result<Vec<String>> {
        let text = "SELECT url FROM redirect_urls WHERE organization_id = $1 ORDER BY position";
        self.rows(text, values![organization]).await
    }

    /// Replaces the redirect allow-list.
    pub async fn replace_redirect_urls(&self, organization: &str, urls: &[String], now: i64) -> Result<()> {
        let mut work = self.begin().await?;
        // Two replacements at the same time must not mix.
        let lock = locking!("SELECT id FROM organizations WHERE id = $1", "FOR NO KEY UPDATE");
        work.row::<String>(lock, values![organization]).await?;
        work.execute("DELETE FROM redirect_urls WHERE organization_id = $1", values![organization]).await?;
        for (position, url) in (0_i64..).zip(urls) {
            let text = "INSERT INTO redirect_urls (organization_id, position, url) VALUES ($1, $2, $3)";
            work.execute(text, values![organization, position, url]).await?;
        }
        work.changed(Change::RedirectUrls { organization: organization.to_owned() });
        work.commit(now).await
    }
}

fn present(known: CredentialRow, wanted: &CredentialRow) -> Bootstrap {
    let organization_id = known.organization_id;
    if known.secret_hash == wanted.secret_hash {
        Bootstrap::Present { organization_id }
    } else {
        Bootstrap::OtherSecret { organization_id }
    }
}
