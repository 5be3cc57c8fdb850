//! From an exchanged code to a connector: the moves of a flow that carry a grant along.
//!
//! Knows which rows move together. Must not know who may redeem: that was decided before.
//!
//! A grant is quarantined until its flow is consumed; a flow is consumed in the transaction that makes the connector.
//! A crash before the commit leaves all as it was, one after it leaves all done.

use super::Store;
use super::changes::Change;
use super::connectors::{self, ConnectorRow};
use super::error::{Result, StoreError};
use super::grants::{self, GrantRow};
use super::jobs::{self, JobRow};
use super::sql::{locking, values};
use super::work::Work;

/// What a consumed flow becomes.
#[derive(Clone, Debug)]
pub enum FinishConnector {
    /// A new connector, of the flow's workspace and with its grant.
    Insert(ConnectorRow),
    /// A live connector of the flow's workspace and type that gets the new grant; the old one ends and is erased. Not
    /// where the flow keeps the account and the new grant is known to be another's.
    Switch {
        /// The connector.
        connector_id: String,
        /// Name of the definition's security scheme.
        auth_scheme: String,
        /// Values for the definition's variables; a JSON object.
        environment: String,
        /// Epoch milliseconds.
        updated_at: i64,
    },
}

impl FinishConnector {
    /// What it is called in the audit log, and the connector's id.
    pub fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Insert(row) => ("connector.create", &row.id),
            Self::Switch { connector_id, .. } => ("connector.reconnect", connector_id),
        }
    }
}

const GRANTED: &str =
    "UPDATE flows SET status = 'granted', grant_id = $4, secret_hash = $5, secret_expires_at = $6,
    updated_at = $7 WHERE organization_id = $1 AND id = $2 AND workspace_id = $3 AND status = 'exchanging'";
const FINISHED: &str = "UPDATE flows SET status = 'consumed', grant_id = $4, updated_at = $5
    WHERE organization_id = $1 AND id = $2 AND workspace_id = $3 AND status = 'exchanging'";
const REDEEMED: &str =
    "UPDATE flows SET status = 'consumed', updated_at = $3 WHERE organization_id = $1 AND id = $2
    AND status = 'granted' AND secret_expires_at > $3 RETURNING grant_id";
const REFUSED: &str = "UPDATE flows SET status = 'failed', failure = $3, updated_at = $4
    WHERE organization_id = $1 AND id = $2 AND status = 'granted' RETURNING grant_id";
const END_REFUSED: &str = "UPDATE grants SET status = 'ended', status_reason = $3, updated_at = $4
    WHERE organization_id = $1 AND id = $2 AND status = 'quarantined'";
/// A row where the flow keeps the account and both accounts are known and differ.
const OTHER_ACCOUNT: &str = "SELECT flows.id FROM flows
    JOIN grants before ON before.organization_id = flows.organization_id AND before.id = $3
    JOIN grants after ON after.organization_id = flows.organization_id AND after.id = $4
    WHERE flows.organization_id = $1 AND flows.id = $2 AND flows.allow_account_change = 0
    AND before.account_id <> after.account_id";
const ACTIVATE: &str = "UPDATE grants SET status = 'active', status_reason = NULL, updated_at = $3
    WHERE organization_id = $1 AND id = $2 AND status = 'quarantined'";
const SWITCH: &str =
    "UPDATE connectors SET grant_id = $3, auth_scheme = $4, environment = $5, updated_at = $6
    WHERE organization_id = $1 AND id = $2";

impl Store {
    /// The code was exchanged: stores the grant as quarantined and the hash of the `secret_id` that leads to it. False,
    /// and nothing stored, when the flow is not exchanging any more.
    pub async fn grant_flow(
        &self,
        organization: &str,
        id: &str,
        grant: &GrantRow,
        secret_hash: &[u8],
        secret_expires_at: i64,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        if !hold_workspace(&mut work, organization, id).await? {
            return Ok(false);
        }
        grants::insert(&mut work, &GrantRow { status: "quarantined".to_owned(), ..grant.clone() }).await?;
        let values =
            values![organization, id, &grant.workspace_id, &grant.id, secret_hash, secret_expires_at, now];
        let moved = work.execute(GRANTED, values).await? == 1;
        end(work, moved, now).await
    }

    /// A granted flow comes to nothing, for our code `reason`: it fails, its quarantined grant ends, and a job revokes
    /// that. False, and nothing changed, when the flow is not granted any more.
    pub async fn refuse_granted(
        &self,
        organization: &str,
        id: &str,
        reason: &str,
        job_id: String,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        let values = values![organization, id, reason, now];
        let Some(grant) = work.row::<String>(REFUSED, values).await? else {
            work.undo().await?;
            return Ok(false);
        };
        let ended = work.execute(END_REFUSED, values![organization, &grant, reason, now]).await? == 1;
        if ended {
            jobs::insert(&mut work, &JobRow::revoke(job_id, organization, &grant, now)).await?;
        }
        end(work, ended, now).await
    }

    /// The code was exchanged and nobody redeems: stores the grant as active and makes or switches the connector.
    /// False, and nothing stored, when the flow is not exchanging any more or the connector to switch is gone.
    pub async fn finish_flow(
        &self,
        organization: &str,
        id: &str,
        grant: &GrantRow,
        finish: FinishConnector,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        if !hold_workspace(&mut work, organization, id).await? {
            return Ok(false);
        }
        grants::insert(&mut work, &GrantRow { status: "active".to_owned(), ..grant.clone() }).await?;
        let values = values![organization, id, &grant.workspace_id, &grant.id, now];
        let moved = work.execute(FINISHED, values).await? == 1
            && finish_connector(&mut work, organization, id, &grant.id, finish, now).await?;
        end(work, moved, now).await
    }

    /// The `secret_id` was presented: consumes the flow, frees its grant and makes or switches the connector. False,
    /// and nothing changed, when it was redeemed before, has expired, or the connector to switch is gone.
    pub async fn redeem_flow(
        &self,
        organization: &str,
        id: &str,
        finish: FinishConnector,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        if !hold_workspace(&mut work, organization, id).await? {
            return Ok(false);
        }
        let Some(grant) = work.row::<String>(REDEEMED, values![organization, id, now]).await? else {
            work.undo().await?;
            return Ok(false);
        };
        let moved = work.execute(ACTIVATE, values![organization, &grant, now]).await? == 1
            && finish_connector(&mut work, organization, id, &grant, finish, now).await?;
        end(work, moved, now).await
    }
}

async fn end(work: Work, moved: bool, now: i64) -> Result<bool> {
    if moved {
        work.commit(now).await?;
    } else {
        work.undo().await?;
    }
    Ok(moved)
}

/// Makes sure that the flow's workspace is live and stays so; false when it is not. See `workspaces::hold`.
async fn hold_workspace(work: &mut Work, organization: &str, flow: &str) -> Result<bool> {
    let text = locking!(
        "SELECT workspaces.id FROM workspaces JOIN flows ON flows.organization_id = workspaces.organization_id
         AND flows.workspace_id = workspaces.id
         WHERE flows.organization_id = $1 AND flows.id = $2 AND workspaces.deleted_at IS NULL",
        "FOR SHARE OF workspaces"
    );
    Ok(work.row::<String>(text, values![organization, flow]).await?.is_some())
}

async fn finish_connector(
    work: &mut Work,
    organization: &str,
    flow: &str,
    grant: &str,
    finish: FinishConnector,
    now: i64,
) -> Result<bool> {
    match finish {
        FinishConnector::Insert(row) => {
            let text = "SELECT workspace_id FROM flows WHERE organization_id = $1 AND id = $2";
            let workspace: Option<String> = work.row(text, values![organization, flow]).await?;
            let fits = row.organization_id == organization && row.grant_id == grant;
            if !fits || workspace.as_ref() != Some(&row.workspace_id) {
                return Err(StoreError::Conflict("the connector is not the flow's"));
            }
            connectors::insert(work, &row).await?;
        }
        FinishConnector::Switch { connector_id, auth_scheme, environment, updated_at } => {
            let Some(old) = switched_grant(work, organization, flow, &connector_id).await? else {
                return Ok(false);
            };
            // The callback compared, too; but another reconnect may have been faster.
            let values = values![organization, flow, &old, grant];
            if work.row::<String>(OTHER_ACCOUNT, values).await?.is_some() {
                return Ok(false);
            }
            let values = values![organization, &connector_id, grant, &auth_scheme, &environment, updated_at];
            work.execute(SWITCH, values).await?;
            grants::supersede(work, organization, &old, now).await?;
            work.changed(Change::Connector { organization: organization.to_owned(), id: connector_id });
        }
    }
    Ok(true)
}

/// The grant that a connector has before it is switched; none when it is no live one of the flow's workspace and type.
async fn switched_grant(
    work: &mut Work,
    organization: &str,
    flow: &str,
    connector: &str,
) -> Result<Option<String>> {
    let text = locking!(
        "SELECT connectors.grant_id FROM connectors JOIN flows ON flows.organization_id = connectors.organization_id
         AND flows.workspace_id = connectors.workspace_id AND flows.connector_type = connectors.connector_type
         WHERE flows.organization_id = $1 AND flows.id = $2 AND connectors.id = $3 AND connectors.deleted_at IS NULL",
        "FOR UPDATE OF connectors"
    );
    work.row(text, values![organization, flow, connector]).await
}
