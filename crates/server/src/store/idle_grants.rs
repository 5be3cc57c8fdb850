//! Idle grants: those whose refresh is due although nobody calls them.
//!
//! Knows whose turn a grant is, over all replicas. Must not know why it is due, nor how it is refreshed.

use super::Store;
use super::error::Result;
use super::sql::{Fork, FromRow, Row, values};

/// A grant that was taken to be refreshed.
#[derive(Debug, PartialEq, Eq)]
pub struct IdleGrant {
    /// The tenant.
    pub organization_id: String,
    /// Id, a UUID.
    pub id: String,
    /// Version of its tokens.
    pub version: i64,
}

impl FromRow for IdleGrant {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self { organization_id: row.take()?, id: row.take()?, version: row.take()? })
    }
}

/// A taken grant is due again after a quarter of the time since its last token, two minutes to a day. A refresh that
/// succeeds says another time. The condition on the status is that of the index.
macro_rules! take {
    ($least:literal, $greatest:literal, $lock:literal) => {
        concat!(
            "UPDATE grants SET refresh_due = $1 + ",
            $least,
            "(86400000, ",
            $greatest,
            "(120000, ($1 - COALESCE(issued_at, created_at)) / 4))
             WHERE id IN (SELECT id FROM grants WHERE refresh_due <= $1
             AND refresh_due IS NOT NULL AND status IN ('active', 'app_misconfigured')
             ORDER BY refresh_due LIMIT $2",
            $lock,
            ")
             RETURNING organization_id, id, version"
        )
    };
}
const TAKE: Fork =
    Fork { sqlite: take!("MIN", "MAX", ""), postgres: take!("LEAST", "GREATEST", " FOR UPDATE SKIP LOCKED") };

impl Store {
    /// Takes the grants that are due at `now`, of any organization, at most `limit`, longest waiting first. No other
    /// replica gets them before they are due again.
    pub async fn take_idle_grants(&self, now: i64, limit: i64) -> Result<Vec<IdleGrant>> {
        self.write_rows(TAKE, values![now, limit]).await
    }
}
