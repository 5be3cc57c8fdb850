//! OAuth apps of organizations: one is current for each connector type, older ones stay for the grants they obtained.
//!
//! Knows which is current. Must not know client secrets: they are sealed.

use super::Store;
use super::changes::Change;
use super::error::Result;
use super::sql::{row, values};
use super::work::Work;

row! {
    /// A client id with its sealed configuration.
    pub struct OauthAppRow in oauth_apps as columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// Slug of the connector type.
        pub connector_type: String,
        /// Id of the definition that the configuration was checked against.
        pub definition_id: String,
        /// Public part; unique for organization and connector type.
        pub client_id: String,
        /// Sealed configuration with the secret part.
        pub sealed: Vec<u8>,
        /// Version of `sealed`; grows by one with each change.
        pub version: i64,
        /// Endpoints and hosts that the secret was entered for; JSON.
        pub pin: String,
        /// `context` or `legacy`: the callback path that it was registered with.
        pub callback: String,
        /// New flows use it.
        pub current: bool,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
    }
}

const INSERT: &str = concat!(
    "INSERT INTO oauth_apps (",
    columns!(names),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
);
const UPDATE: &str =
    "UPDATE oauth_apps SET definition_id = $4, client_id = $5, sealed = $6, version = $7, pin = $8,
    callback = $9, current = 1, updated_at = $10 WHERE organization_id = $1 AND id = $2 AND version = $3";
const RETIRE: &str = "UPDATE oauth_apps SET current = 0, updated_at = $3
    WHERE organization_id = $1 AND connector_type = $2 AND current = 1";

impl Store {
    /// The app with that client id, current or not.
    pub async fn oauth_app_by_client(
        &self,
        organization: &str,
        connector_type: &str,
        client_id: &str,
    ) -> Result<Option<OauthAppRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM oauth_apps WHERE organization_id = $1 AND connector_type = $2 AND client_id = $3"
        );
        self.row(text, values![organization, connector_type, client_id]).await
    }

    /// Stores an app as the current one. A client id that is there, or another app that became current at the same
    /// moment, is a conflict.
    pub async fn insert_oauth_app(&self, row: &OauthAppRow) -> Result<()> {
        let mut work = self.begin().await?;
        retire(&mut work, row).await?;
        work.execute(INSERT, &row.all()).await.map_err(|error| error.about("OAuth app"))?;
        commit(work, row).await
    }

    /// Replaces an app that still has `expected_version`, and makes it the current one. False, and nothing done, when
    /// it has another version or is gone.
    pub async fn update_oauth_app(&self, row: &OauthAppRow, expected_version: i64) -> Result<bool> {
        let mut work = self.begin().await?;
        retire(&mut work, row).await?;
        let values = values![
            &row.organization_id,
            &row.id,
            expected_version,
            &row.definition_id,
            &row.client_id,
            &row.sealed,
            row.version,
            &row.pin,
            &row.callback,
            row.updated_at
        ];
        if work.execute(UPDATE, values).await.map_err(|error| error.about("OAuth app"))? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        commit(work, row).await?;
        Ok(true)
    }

    /// The app that new flows use.
    pub async fn current_oauth_app(
        &self,
        organization: &str,
        connector_type: &str,
    ) -> Result<Option<OauthAppRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM oauth_apps WHERE organization_id = $1 AND connector_type = $2 AND current = 1"
        );
        self.row(text, values![organization, connector_type]).await
    }

    /// The app of that id, current or not.
    pub async fn oauth_app(&self, organization: &str, id: &str) -> Result<Option<OauthAppRow>> {
        let text =
            concat!("SELECT ", columns!(names), " FROM oauth_apps WHERE organization_id = $1 AND id = $2");
        self.row(text, values![organization, id]).await
    }

    /// The current apps by connector type.
    pub async fn list_oauth_apps(&self, organization: &str) -> Result<Vec<OauthAppRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM oauth_apps WHERE organization_id = $1 AND current = 1 ORDER BY connector_type"
        );
        self.rows(text, values![organization]).await
    }

    /// Ends the current app for new flows; its grants keep it. False when there was none.
    pub async fn retire_oauth_app(&self, organization: &str, connector_type: &str, now: i64) -> Result<bool> {
        let mut work = self.begin().await?;
        if work.execute(RETIRE, values![organization, connector_type, now]).await? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        let (organization, connector_type) = (organization.to_owned(), connector_type.to_owned());
        work.changed(Change::OauthApp { organization, connector_type });
        work.commit(now).await?;
        Ok(true)
    }
}

/// One current app at most: the others of its type step back.
async fn retire(work: &mut Work, row: &OauthAppRow) -> Result<()> {
    let text = "UPDATE oauth_apps SET current = 0, updated_at = $4
         WHERE organization_id = $1 AND connector_type = $2 AND current = 1 AND id <> $3";
    work.execute(text, values![&row.organization_id, &row.connector_type, &row.id, row.updated_at]).await?;
    Ok(())
}

async fn commit(mut work: Work, row: &OauthAppRow) -> Result<()> {
    let (organization, connector_type) = (row.organization_id.clone(), row.connector_type.clone());
    work.changed(Change::OauthApp { organization, connector_type });
    work.commit(row.updated_at).await
}
