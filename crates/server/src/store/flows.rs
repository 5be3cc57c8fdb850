//! Flows up to the consumed state: one consent attempt each.
//!
//! Knows that a state is taken once. Must not know the state itself, only its hash. What follows the exchange of the
//! code stands in `redeem`, what nobody finished in `sweep`.

use super::Store;
use super::error::Result;
use super::sql::{FromRow, Row, row, values};

row! {
    /// One consent attempt.
    pub struct FlowRow in flows as columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// Whose account is connected.
        pub workspace_id: String,
        /// Slug of the connector type.
        pub connector_type: String,
        /// Id of the definition.
        pub definition_id: String,
        /// The callback path that may finish it: the connector type's slug, or `legacy`.
        pub callback: String,
        /// `pending`, `exchanging`, `granted`, `consumed`, `failed` or `expired`.
        pub status: String,
        /// Hash of the state.
        pub state_hash: Vec<u8>,
        /// Where the user goes afterwards.
        pub redirect_url: String,
        /// `secret_id` or `connector_id`.
        pub callback_mode: String,
        /// Sealed PKCE verifier.
        pub sealed: Vec<u8>,
        /// Pinned OAuth app; none: the instance's.
        pub oauth_app_id: Option<String>,
        /// Its client id.
        pub client_id: String,
        /// Values chosen before consent; a JSON object.
        pub environment: String,
        /// Scopes that were asked for; a JSON array.
        pub scopes: String,
        /// S256 challenge of the application's session.
        pub code_challenge: Option<String>,
        /// Connector that gets the new grant.
        pub connector_id: Option<String>,
        /// The new grant of that connector may be another account's.
        pub allow_account_change: bool,
        /// Name of a connector that the callback creates.
        pub name: Option<String>,
        /// Its replication configuration; JSON.
        pub replication_config: Option<String>,
        /// Hash of the `secret_id`.
        pub secret_hash: Option<Vec<u8>>,
        /// When the `secret_id` ends, epoch milliseconds.
        pub secret_expires_at: Option<i64>,
        /// The grant that came of it.
        pub grant_id: Option<String>,
        /// Our code for why it failed.
        pub failure: Option<String>,
        /// When the consent ends, epoch milliseconds.
        pub expires_at: i64,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
    }
}

/// How many flows may be pending at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingLimit {
    /// Of one organization.
    pub organization: i64,
    /// Of one workspace.
    pub workspace: i64,
}

/// How many flows are pending, and when the next of them ends, epoch milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PendingFlows {
    /// Of the organization.
    pub organization: i64,
    /// Of the workspace.
    pub workspace: i64,
    /// Of the organization.
    pub organization_ends: Option<i64>,
    /// Of the workspace.
    pub workspace_ends: Option<i64>,
}

impl FromRow for PendingFlows {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self {
            organization: row.take()?,
            workspace: row.take()?,
            organization_ends: row.take()?,
            workspace_ends: row.take()?,
        })
    }
}

/// What a state led to.
#[derive(Debug)]
pub enum Taken {
    /// The flow, now exchanging. The state leads nowhere from now on.
    Taken(FlowRow),
    /// The flow was pending for too long and is expired now. Said once.
    Expired(FlowRow),
    /// No such state, one that was used, or one of another callback.
    Unknown,
}

const TAKE: &str = concat!(
    "UPDATE flows SET status = 'exchanging', updated_at = $3
     WHERE state_hash = $1 AND callback = $2 AND status = 'pending' AND expires_at > $3 RETURNING ",
    columns!(names)
);
/// Whether the sweep came first makes no difference to the user.
const EXPIRE: &str = concat!(
    "UPDATE flows SET status = 'expired', failure = 'session_expired', updated_at = $3
     WHERE state_hash = $1 AND callback = $2 AND ((status = 'pending' AND expires_at <= $3)
     OR (status = 'expired' AND failure = 'swept')) RETURNING ",
    columns!(names)
);

impl Store {
    /// Stores a new flow. A state hash that is there is a conflict.
    pub async fn insert_flow(&self, row: &FlowRow) -> Result<()> {
        let text = concat!(
            "INSERT INTO flows (",
            columns!(names),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
             $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)"
        );
        self.execute(text, &row.all()).await.map_err(|error| error.about("flow"))?;
        Ok(())
    }

    /// As [`Store::insert_flow`], where fewer than `limit` are pending when the row's time begins. False, and nothing
    /// stored, where they are not. Calls at the same time may each find the last place free: there is no lock to wait
    /// for, so the limit can be passed by as many as run at once.
    pub async fn insert_flow_within(&self, row: &FlowRow, limit: PendingLimit) -> Result<bool> {
        let text = concat!(
            "INSERT INTO flows (",
            columns!(names),
            ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
             $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27
             WHERE (SELECT COUNT(*) FROM (SELECT 1 FROM flows WHERE organization_id = $2 AND status = 'pending'
             AND expires_at > $26 LIMIT $28) AS of_organization) < $28
             AND (SELECT COUNT(*) FROM (SELECT 1 FROM flows WHERE organization_id = $2 AND workspace_id = $3
             AND status = 'pending' AND expires_at > $26 LIMIT $29) AS of_workspace) < $29"
        );
        let mut values = row.all();
        values.push(limit.organization.into());
        values.push(limit.workspace.into());
        Ok(self.execute(text, &values).await.map_err(|error| error.about("flow"))? == 1)
    }

    /// How many flows are pending, of the organization and of one workspace in it; counted up to the limit.
    pub async fn pending_flows(
        &self,
        organization: &str,
        workspace: &str,
        limit: PendingLimit,
        now: i64,
    ) -> Result<PendingFlows> {
        let text = "SELECT
            (SELECT COUNT(*) FROM (SELECT 1 FROM flows WHERE organization_id = $1 AND status = 'pending'
             AND expires_at > $3 LIMIT $4) AS of_organization),
            (SELECT COUNT(*) FROM (SELECT 1 FROM flows WHERE organization_id = $1 AND workspace_id = $2
             AND status = 'pending' AND expires_at > $3 LIMIT $5) AS of_workspace),
            (SELECT MIN(expires_at) FROM flows WHERE organization_id = $1 AND status = 'pending' AND expires_at > $3),
            (SELECT MIN(expires_at) FROM flows WHERE organization_id = $1 AND workspace_id = $2
             AND status = 'pending' AND expires_at > $3)";
        let values = values![organization, workspace, now, limit.organization, limit.workspace];
        Ok(self.row(text, values).await?.unwrap_or_default())
    }

    /// Consumes the state that arrived on `callback`'s path. Of any number of calls one gets the flow.
    pub async fn take_flow(&self, state_hash: &[u8], callback: &str, now: i64) -> Result<Taken> {
        // Anyone may send made-up states; a read refuses them, so that they do not queue for SQLite's one writer.
        let known = "SELECT id FROM flows WHERE state_hash = $1 AND callback = $2";
        if self.row::<String>(known, values![state_hash, callback]).await?.is_none() {
            return Ok(Taken::Unknown);
        }
        let values = values![state_hash, callback, now];
        if let Some(flow) = self.write_row(TAKE, values).await? {
            return Ok(Taken::Taken(flow));
        }
        Ok(self.write_row(EXPIRE, values).await?.map_or(Taken::Unknown, Taken::Expired))
    }

    /// Fails a flow that is still in status `from`, for our code `reason`. False when it moved.
    pub async fn fail_flow(
        &self,
        organization: &str,
        id: &str,
        from: &str,
        reason: &str,
        now: i64,
    ) -> Result<bool> {
        let text = "UPDATE flows SET status = 'failed', failure = $4, updated_at = $5
             WHERE organization_id = $1 AND id = $2 AND status = $3";
        Ok(self.execute(text, values![organization, id, from, reason, now]).await? == 1)
    }

    /// The flow whose `secret_id` has this hash, in whatever status.
    pub async fn flow_by_secret(&self, organization: &str, secret_hash: &[u8]) -> Result<Option<FlowRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM flows WHERE organization_id = $1 AND secret_hash = $2"
        );
        self.row(text, values![organization, secret_hash]).await
    }
}
