//! The audit log: who did what, when, and how it ended; append-only, linked by hashes.
//!
//! Knows how entries are stored and in which order they are linked. Must not know keys: the chain is computed by the
//! caller.
//!
//! An entry is written unchained, so that no write waits for another one's place in the chain. One chainer at a time links
//! what has come, under the lock of the organization's head. Entries travel as one JSON value, because one statement
//! for five hundred of them costs a round trip, not five hundred.

use super::Store;
use super::error::Result;
use super::sql::{Fork, Value, locking, row, values};
use super::work::Work;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Entries that are linked, written, walked or pruned in one piece.
pub(super) const AUDIT_BATCH: i64 = 500;

row! {
    /// One entry. Never a parameter, a result or a secret.
    pub struct AuditRow in audit_entries as columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// When it happened, epoch milliseconds.
        pub at: i64,
        /// `application` or `scoped` token, `browser`, `operator` or `server`.
        pub actor: String,
        /// The application credential behind the token.
        pub credential_id: Option<String>,
        /// Whose account.
        pub workspace_id: Option<String>,
        /// On which connector.
        pub connector_id: Option<String>,
        /// What else it was about: the id of a flow, an OAuth app, a revocation, a grant; a connector type.
        pub subject: Option<String>,
        /// `entity.action` of an execute, or the name of a management operation.
        pub operation: String,
        /// `ok`, or our code for why not.
        pub outcome: String,
        /// Why, in the caller's words.
        pub intent: Option<String>,
        /// The request that did it.
        pub request_id: Option<String>,
        /// Its place in the chain of its organization, from 1; none: it is about to be linked.
        pub seq: Option<i64>,
        /// `hash` of the entry before; empty for the first.
        pub prev_hash: Option<String>,
        /// Of all the rest, in hexadecimal digits.
        pub hash: Option<String>,
    }
}

row! {
    /// Where an organization's chain ends.
    pub struct AuditHead in audit_heads as head_columns {
        /// The tenant.
        pub organization_id: String,
        /// Place of the last entry; 0: there is none.
        pub seq: i64,
        /// Its hash.
        pub hash: String,
        /// Proof that the server wrote this row.
        pub mac: String,
        /// Epoch milliseconds.
        pub updated_at: i64,
    }
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this workspace.
    pub workspace_id: Option<String>,
    /// Of this connector.
    pub connector_id: Option<String>,
    /// Of this operation.
    pub operation: Option<String>,
    /// Not before, epoch milliseconds.
    pub since: Option<i64>,
    /// Before, epoch milliseconds.
    pub until: Option<i64>,
    /// Those after the entry with this time and id.
    pub after: Option<(i64, String)>,
    /// At most so many.
    pub limit: i64,
}

/// Computes the chain: links the entries in their order after the head, and gives the new head. None refuses.
pub type Link<'a> = dyn FnMut(&AuditHead, &mut [AuditRow]) -> Option<AuditHead> + Send + 'a;

macro_rules! insert {
    ($values:literal) => {
        concat!(
            "INSERT INTO audit_entries (id, organization_id, at, actor, credential_id, workspace_id, connector_id,
             subject, operation, outcome, intent, request_id) ",
            $values
        )
    };
}
// An execute knows its connector only; whose it is stands in the row.
const INSERT: Fork = Fork {
    sqlite: insert!(
        "SELECT e.value ->> 'id', e.value ->> 'organization_id', e.value ->> 'at', e.value ->> 'actor',
         e.value ->> 'credential_id', COALESCE(e.value ->> 'workspace_id', (SELECT workspace_id FROM connectors
         WHERE connectors.organization_id = e.value ->> 'organization_id'
         AND connectors.id = e.value ->> 'connector_id')),
         e.value ->> 'connector_id', e.value ->> 'subject', e.value ->> 'operation', e.value ->> 'outcome',
         e.value ->> 'intent', e.value ->> 'request_id' FROM json_each($1) AS e"
    ),
    postgres: insert!(
        "SELECT e.id, e.organization_id, e.at, e.actor, e.credential_id,
         COALESCE(e.workspace_id, (SELECT connectors.workspace_id FROM connectors
         WHERE connectors.organization_id = e.organization_id AND connectors.id = e.connector_id)),
         e.connector_id, e.subject, e.operation, e.outcome, e.intent, e.request_id
         FROM json_to_recordset($1::json) AS e(id text, organization_id text, at bigint, actor text,
         credential_id text, workspace_id text, connector_id text, subject text, operation text, outcome text,
         intent text, request_id text)"
    ),
};
const LINK: Fork = Fork {
    sqlite: "UPDATE audit_entries SET seq = e.value ->> 'seq', prev_hash = e.value ->> 'prev_hash',
        hash = e.value ->> 'hash' FROM json_each($2) AS e WHERE audit_entries.organization_id = $1
        AND audit_entries.id = e.value ->> 'id' AND audit_entries.seq IS NULL",
    postgres: "UPDATE audit_entries SET seq = e.seq, prev_hash = e.prev_hash, hash = e.hash
        FROM json_to_recordset($2::json) AS e(id text, seq bigint, prev_hash text, hash text)
        WHERE audit_entries.organization_id = $1 AND audit_entries.id = e.id AND audit_entries.seq IS NULL",
};
const LOCK_HEAD: Fork = Fork {
    sqlite: concat!("SELECT ", head_columns!(names), " FROM audit_heads WHERE organization_id = $1"),
    postgres: concat!(
        "SELECT ",
        head_columns!(names),
        " FROM audit_heads WHERE organization_id = $1 FOR UPDATE SKIP LOCKED"
    ),
};
const CHAIN: &str = concat!(
    "SELECT ",
    columns!(names),
    " FROM audit_entries WHERE organization_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
);

/// The head of an organization's chain, which stays as it is until the transaction ends; waits for who has it.
pub(super) async fn hold_head(work: &mut Work, organization: &str) -> Result<Option<AuditHead>> {
    let text = locking!(
        concat!("SELECT ", head_columns!(names), " FROM audit_heads WHERE organization_id = $1"),
        "FOR UPDATE"
    );
    work.row(text, values![organization]).await
}

/// Linked entries after that place, in the order of the chain.
pub(super) async fn chain_after(work: &mut Work, organization: &str, after: i64) -> Result<Vec<AuditRow>> {
    work.rows(CHAIN, values![organization, after, AUDIT_BATCH]).await
}

/// Writes entries, unchained.
pub(super) async fn append(work: &mut Work, entries: &[&AuditRow]) -> Result<()> {
    let list: Vec<Json> = entries.iter().map(|entry| as_json(entry)).collect();
    work.execute(INSERT, values![&Json::Array(list).to_string()]).await?;
    Ok(())
}

fn as_json(row: &AuditRow) -> Json {
    let named = columns!(names).split(", ").map(str::to_owned).zip(row.all());
    Json::Object(
        named
            .map(|(name, value)| match value {
                Value::Text(text) => (name, json!(text)),
                Value::Int(number) => (name, json!(number)),
                Value::Blob(_) | Value::NullBlob => (name, Json::Null),
            })
            .collect(),
    )
}

impl Store {
    /// This store, where whatever is written next carries this entry: in the same transaction, or not at all. For one
    /// unit of work.
    #[must_use]
    pub fn audited(&self, entry: AuditRow) -> Self {
        Self(self.0.clone(), Some(Arc::new(entry)))
    }

    /// Writes entries that belong to no other write.
    pub async fn append_audit(&self, entries: &[AuditRow], now: i64) -> Result<()> {
        let mut work = self.begin().await?;
        for part in entries.chunks(usize::try_from(AUDIT_BATCH).unwrap_or(usize::MAX)) {
            append(&mut work, &part.iter().collect::<Vec<_>>()).await?;
        }
        work.commit(now).await
    }

    /// How many entries of an organization are not linked yet.
    pub async fn unchained_entries(&self, organization: &str) -> Result<i64> {
        let text = "SELECT COUNT(*) FROM audit_entries WHERE organization_id = $1 AND seq IS NULL";
        Ok(self.row(text, values![organization]).await?.unwrap_or_default())
    }

    /// Organizations with entries that are not linked yet.
    pub async fn unchained_organizations(&self) -> Result<Vec<String>> {
        let text = "SELECT DISTINCT organization_id FROM audit_entries WHERE seq IS NULL
             ORDER BY organization_id LIMIT 1000";
        self.rows(text, &[]).await
    }

    /// Organizations that have, or had, a log. For the operator.
    pub async fn audited_organizations(&self) -> Result<Vec<String>> {
        let text = "SELECT organization_id FROM audit_heads UNION SELECT organization_id FROM audit_entries
             ORDER BY organization_id";
        self.rows(text, &[]).await
    }

    /// Links one batch of an organization's entries; how many. None are linked while another replica does it, or where
    /// `link` refuses.
    pub async fn chain_audit(&self, organization: &str, now: i64, link: &mut Link<'_>) -> Result<usize> {
        let mut work = self.begin().await?;
        let make =
            "INSERT INTO audit_heads (organization_id, seq, hash, mac, updated_at) VALUES ($1, 0, '', '', $2)
             ON CONFLICT (organization_id) DO NOTHING";
        work.execute(make, values![organization, now]).await?;
        let head: Option<AuditHead> = work.row(LOCK_HEAD, values![organization]).await?;
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM audit_entries WHERE organization_id = $1 AND seq IS NULL ORDER BY at, id LIMIT $2"
        );
        let mut entries: Vec<AuditRow> = work.rows(text, values![organization, AUDIT_BATCH]).await?;
        let Some(next) = head.filter(|_| !entries.is_empty()).and_then(|head| link(&head, &mut entries))
        else {
            work.undo().await?;
            return Ok(0);
        };
        let linked: Vec<Json> = entries
            .iter()
            .map(|row| json!({"id": row.id, "seq": row.seq, "prev_hash": row.prev_hash, "hash": row.hash}))
            .collect();
        work.execute(LINK, values![organization, &Json::Array(linked).to_string()]).await?;
        let text = "UPDATE audit_heads SET seq = $2, hash = $3, mac = $4, updated_at = $5 WHERE organization_id = $1";
        work.execute(text, &next.all()).await?;
        work.commit(now).await?;
        Ok(entries.len())
    }

    /// Where an organization's chain ends; none: nothing was ever linked.
    pub async fn audit_head(&self, organization: &str) -> Result<Option<AuditHead>> {
        let text = concat!("SELECT ", head_columns!(names), " FROM audit_heads WHERE organization_id = $1");
        self.row(text, values![organization]).await
    }

    /// Linked entries after that place, in the order of the chain.
    pub async fn audit_chain(&self, organization: &str, after: i64) -> Result<Vec<AuditRow>> {
        self.rows(CHAIN, values![organization, after, AUDIT_BATCH]).await
    }

    /// Entries by time and id, oldest first.
    pub async fn list_audit(&self, organization: &str, filter: &AuditFilter) -> Result<Vec<AuditRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM audit_entries WHERE organization_id = $1 AND (at, id) > ($2, $3) AND at >= $4 AND at < $5
             AND ($6 IS NULL OR workspace_id = $6) AND ($7 IS NULL OR connector_id = $7)
             AND ($8 IS NULL OR operation = $8) ORDER BY at, id LIMIT $9"
        );
        let (at, id) = filter.after.as_ref().map_or((i64::MIN, ""), |(at, id)| (*at, id.as_str()));
        let (since, until) = (filter.since.unwrap_or(i64::MIN), filter.until.unwrap_or(i64::MAX));
        let values = values![
            organization,
            at,
            id,
            since,
            until,
            &filter.workspace_id,
            &filter.connector_id,
            &filter.operation,
            filter.limit
        ];
        self.rows(text, values).await
    }

    /// The sealed key of all chains.
    pub async fn audit_key(&self, id: &str) -> Result<Option<AuditKey>> {
        self.row("SELECT sealed FROM audit_keys WHERE id = $1", values![id]).await
    }

    /// Stores it unless there is one: replicas that start together keep the first.
    pub async fn insert_audit_key(&self, id: &str, sealed: &[u8], now: i64) -> Result<()> {
        let text =
            "INSERT INTO audit_keys (id, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        self.execute(text, values![id, sealed, now]).await?;
        Ok(())
    }
}

/// A sealed key.
pub struct AuditKey(pub Vec<u8>);

impl super::sql::FromRow for AuditKey {
    fn read(row: &mut super::sql::Row) -> Result<Self> {
        row.take().map(Self)
    }
}
