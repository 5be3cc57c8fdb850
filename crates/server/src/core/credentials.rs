//! Application credentials, for the operator: further ones, so that one can follow another without a pause.
//!
//! Knows how a secret is made and that it is shown once. Must not know sign-ins (`core::tokens`).

use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, audit};
use crate::store::{AuditRow, CredentialRow, StoreError};
use crate::vault::digest;
use secrecy::{ExposeSecret, SecretString};

/// A credential with the secret that nobody can ask for again.
pub struct NewCredential {
    /// Id of the credential.
    pub id: String,
    /// Public part.
    pub client_id: String,
    /// Secret part, 256 random bits.
    pub client_secret: SecretString,
}

/// A new credential as a row and with its secret; not stored.
pub(super) fn new(deps: &Deps, organization: &str) -> (CredentialRow, NewCredential) {
    let made = NewCredential {
        id: deps.random.uuid_v7(&deps.clock),
        client_id: deps.random.uuid_v4(),
        client_secret: deps.random.token(32),
    };
    let row = CredentialRow {
        id: made.id.clone(),
        organization_id: organization.to_owned(),
        client_id: made.client_id.clone(),
        secret_hash: digest("client_secret", made.client_secret.expose_secret()).to_vec(),
        created_at: deps.clock.now_ms(),
        removed_at: None,
    };
    (row, made)
}

/// Adds one.
pub async fn add(deps: &Deps, organization: &str) -> Result<NewCredential> {
    let (row, made) = new(deps, organization);
    match deps.store.audited(told(deps, organization, "credential.add", &row.id)).add_credential(&row).await {
        Ok(()) => Ok(made),
        Err(StoreError::Conflict("organization")) => Err(Error::not_found()),
        Err(error) => Err(error.into()),
    }
}

/// The valid ones, oldest first.
pub async fn list(deps: &Deps, organization: &str) -> Result<Vec<CredentialRow>> {
    super::organizations::get(deps, organization).await?;
    let rows = deps.store.list_credentials(organization).await?;
    Ok(rows.into_iter().filter(|row| row.removed_at.is_none()).collect())
}

/// Takes one back, by its id or client id; its tokens end on every replica as soon as the change feed was read. The
/// last one only with `even_last`: without it nobody can sign in for the organization.
pub async fn remove(deps: &Deps, organization: &str, name: &str, even_last: bool) -> Result<()> {
    let valid = list(deps, organization).await?;
    let row = valid.iter().find(|row| row.id == name || row.client_id == name);
    let row = row.ok_or_else(|| {
        Error::new(Kind::NotFound, "The organization has no valid credential of that id or client id")
    })?;
    let now = deps.clock.now_ms();
    let store = deps.store.audited(told(deps, organization, "credential.remove", &row.id));
    let removed = if even_last {
        store.remove_credential(organization, &row.id, now).await?
    } else {
        store.remove_spare_credential(organization, &row.id, now).await?
    };
    if !removed {
        return Err(Error::new(
            Kind::Conflict,
            "This is the organization's last credential: without it nobody can sign in. Add another one first",
        ));
    }
    deps.credential_changed();
    Ok(())
}

fn told(deps: &Deps, organization: &str, operation: &str, id: &str) -> AuditRow {
    AuditRow { subject: Some(id.to_owned()), ..audit::entry(deps, organization, "operator", operation) }
}
