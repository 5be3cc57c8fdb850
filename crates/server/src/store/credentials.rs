//! Application credentials of an organization: several may be valid at the same time, so that one can follow another.
//!
//! Knows client ids and secret hashes; must not know secrets or tokens. A removed one stays, so that its client id is
//! never used again and its tokens stay ended.

use super::Store;
use super::changes::Change;
use super::error::{Result, StoreError};
use super::organizations;
use super::sql::{row, values};
use super::work::Work;

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

const INSERT_CREDENTIAL: &str =
    concat!("INSERT INTO credentials (", credential_columns!(names), ") VALUES ($1, $2, $3, $4, $5, $6)");
const REMOVE: &str =
    "UPDATE credentials SET removed_at = $3 WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL";
const REMOVE_SPARE: &str =
    "UPDATE credentials SET removed_at = $3 WHERE organization_id = $1 AND id = $2 AND removed_at IS NULL
    AND EXISTS (SELECT 1 FROM credentials other WHERE other.organization_id = $1 AND other.id <> $2
    AND other.removed_at IS NULL)";

pub(super) async fn insert(work: &mut Work, credential: &CredentialRow) -> Result<()> {
    work.execute(INSERT_CREDENTIAL, &credential.all()).await.map_err(|error| error.about("client id"))?;
    Ok(())
}

/// False, and nothing inserted, when the client id is taken.
pub(super) async fn insert_if_free(work: &mut Work, credential: &CredentialRow) -> Result<bool> {
    let text = concat!(
        "INSERT INTO credentials (",
        credential_columns!(names),
        ") VALUES ($1, $2, $3, $4, $5, $6)",
        " ON CONFLICT (client_id) DO NOTHING"
    );
    Ok(work.execute(text, &credential.all()).await? == 1)
}

/// Removes all valid ones of an organization.
pub(super) async fn remove_all(work: &mut Work, organization: &str, now: i64) -> Result<()> {
    let text = "UPDATE credentials SET removed_at = $2 WHERE organization_id = $1 AND removed_at IS NULL RETURNING id";
    for id in work.rows::<String>(text, values![organization, now]).await? {
        work.changed(Change::Credential { organization: organization.to_owned(), id });
    }
    Ok(())
}

impl Store {
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
        let mut work = self.begin().await?;
        // A deletion at the same time either is seen here or sees this credential.
        if !organizations::lock(&mut work, &credential.organization_id).await? {
            return Err(StoreError::Conflict("organization"));
        }
        insert(&mut work, credential).await?;
        work.commit(credential.created_at).await
    }

    /// Takes a credential back; its tokens end with it. False when there is no valid one of that id.
    pub async fn remove_credential(&self, organization: &str, id: &str, now: i64) -> Result<bool> {
        self.end_credential(REMOVE, organization, id, now).await
    }

    /// As [`Store::remove_credential`], but never the organization's last valid one: that is false, too.
    pub async fn remove_spare_credential(&self, organization: &str, id: &str, now: i64) -> Result<bool> {
        self.end_credential(REMOVE_SPARE, organization, id, now).await
    }

    async fn end_credential(
        &self,
        text: &'static str,
        organization: &str,
        id: &str,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        // Two removals at the same time must not each take the other for the one that stays.
        organizations::lock(&mut work, organization).await?;
        if work.execute(text, values![organization, id, now]).await? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        work.changed(Change::Credential { organization: organization.to_owned(), id: id.to_owned() });
        work.commit(now).await?;
        Ok(true)
    }
}
