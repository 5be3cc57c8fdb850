//! The change feed: one row for each write that could make a cached view untrue, on whatever replica it happened.
//!
//! Knows the feed's order. Must not know what is cached.
//!
//! Readers ask for what comes after the last number they saw, so numbers must become visible in their order. A
//! PostgreSQL sequence does not promise that: it hands a number out before its transaction commits. So the feed is
//! written last in each transaction and under a lock that is held until the commit is visible: whoever draws a number
//! draws it after all lower ones can be read. Numbers may be missing (undone transactions), never late.

use super::Store;
use super::error::Result;
use super::sql::{FromRow, Row, values};
use super::work::Work;

/// One entry of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number; later ones are greater.
    pub seq: i64,
    /// `connector`, `oauth_app`, `credential`, `workspace`, `redirect_urls`, `organization` or `key`.
    pub kind: String,
    /// Whose view is untrue: the connector's, credential's or workspace's id; `organization/connector type` of an
    /// OAuth app; the organization's id for redirect URLs and for everything of an organization.
    pub key: String,
    /// The tenant.
    pub organization_id: String,
}

impl FromRow for ChangeRow {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self { seq: row.take()?, kind: row.take()?, key: row.take()?, organization_id: row.take()? })
    }
}

/// What a transaction changed.
pub(super) enum Change {
    /// One connector.
    Connector { organization: String, id: String },
    /// Every connector that uses this grant.
    Grant { organization: String, id: String },
    /// The current OAuth app of a connector type.
    OauthApp { organization: String, connector_type: String },
    /// An application credential.
    Credential { organization: String, id: String },
    /// A workspace.
    Workspace { organization: String, id: String },
    /// The redirect allow-list.
    RedirectUrls { organization: String },
    /// Any number of connectors of an organization.
    Organization { organization: String },
    /// A data key was added; it belongs to no organization.
    Key { id: String },
}

/// Any number, as long as no other lock of this database uses it.
const LOCK: &str = "SELECT CAST(0 AS BIGINT) FROM (SELECT pg_advisory_xact_lock(4919228013417)) AS held";
const APPEND: &str = "INSERT INTO changes (kind, key, organization_id, at) VALUES ($1, $2, $3, $4)";
const APPEND_CONNECTORS: &str = "INSERT INTO changes (kind, key, organization_id, at)
    SELECT 'connector', id, organization_id, $3 FROM connectors WHERE organization_id = $1 AND grant_id = $2 ORDER BY id";

pub(super) async fn append(work: &mut Work, changes: &[Change], now: i64) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    if work.is_postgres() {
        work.row::<i64>(LOCK, &[]).await?;
    }
    for change in changes {
        let (kind, key, organization) = match change {
            Change::Grant { organization, id } => {
                work.execute(APPEND_CONNECTORS, values![organization, id, now]).await?;
                continue;
            }
            Change::Connector { organization, id } => ("connector", id.clone(), organization),
            Change::OauthApp { organization, connector_type } => {
                ("oauth_app", format!("{organization}/{connector_type}"), organization)
            }
            Change::Key { id } => {
                work.execute(APPEND, values!["key", id, "", now]).await?;
                continue;
            }
            Change::Credential { organization, id } => ("credential", id.clone(), organization),
            Change::Workspace { organization, id } => ("workspace", id.clone(), organization),
            Change::RedirectUrls { organization } => ("redirect_urls", organization.clone(), organization),
            Change::Organization { organization } => ("organization", organization.clone(), organization),
        };
        work.execute(APPEND, values![kind, &key, organization, now]).await?;
    }
    Ok(())
}

impl Store {
    /// Entries after number `seq`, in order, at most `limit`. Ask again with the last number until none comes.
    ///
    /// A reader that slept longer than entries are kept ([`Store::prune_changes`]) has missed some and must forget
    /// every view instead.
    pub async fn changes_since(&self, seq: i64, limit: i64) -> Result<Vec<ChangeRow>> {
        let text = "SELECT seq, kind, key, organization_id FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2";
        self.rows(text, values![seq, limit]).await
    }

    /// The newest number; 0 when nothing ever changed. A process starts reading here, before it caches anything.
    pub async fn latest_change(&self) -> Result<i64> {
        Ok(self.row("SELECT COALESCE(MAX(seq), 0) FROM changes", &[]).await?.unwrap_or_default())
    }

    /// Removes entries older than `before_ms`, except the newest, so that numbers never seem to go back; how many.
    pub async fn prune_changes(&self, before_ms: i64) -> Result<u64> {
        let text = "DELETE FROM changes WHERE at < $1 AND seq < (SELECT MAX(seq) FROM changes)";
        self.execute(text, values![before_ms]).await
    }
}
