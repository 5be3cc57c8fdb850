//! Calls with an `Idempotency-Key`: who does them, and what came of it.
//!
//! Knows hashes of keys, sealed bytes, and that a holder who says nothing for a while is gone. Must not know what a
//! call does. Times are the database's clock, because the processes' clocks may differ.
//!
//! A key is claimed by one conditional INSERT and never claimed again while its row is there, so that no two calls are
//! ever sent for it. The hold only tells a holder that works from one that died.

use super::Store;
use super::error::Result;
use super::grants::database_now;
use super::sql::{Fork, FromRow, Row, values};

/// How long a holder that says nothing counts as at work, in milliseconds.
const HOLD_MS: i64 = 5_000;
/// How long an answer is kept, in milliseconds.
const KEEP_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows that one statement of the sweep removes.
const BATCH: i64 = 500;

/// A key that somebody claimed.
pub struct IdempotencyRow {
    /// Id of the claim, a UUID.
    pub id: String,
    /// Sealed digest of the request that it was claimed for.
    pub request: Vec<u8>,
    /// Status of the answer; none while there is no outcome.
    pub status: Option<i64>,
    /// The sealed answer; none when it was too large, or while there is no outcome.
    pub answer: Option<Vec<u8>>,
    /// The holder has said within its time that it is at work.
    pub is_held: bool,
}

impl FromRow for IdempotencyRow {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            request: row.take()?,
            status: row.take()?,
            answer: row.take()?,
            is_held: row.take()?,
        })
    }
}

macro_rules! forked {
    ($name:ident = $($part:tt),*) => {
        const $name: Fork = Fork { sqlite: forked!(@text sqlite $($part),*), postgres: forked!(@text postgres $($part),*) };
    };
    (@text $database:ident $($part:tt),*) => { concat!($(forked!(@part $database $part)),*) };
    (@part $database:ident now) => { database_now!($database) };
    (@part $database:ident $text:literal) => { $text };
}

forked!(
    FIND = "SELECT id, request, status, answer, CAST(CASE WHEN held_until > ",
    now,
    " THEN 1 ELSE 0 END AS BIGINT) FROM idempotency_keys WHERE organization_id = $1 AND key_hash = $2"
);
forked!(
    CLAIM = "INSERT INTO idempotency_keys (organization_id, key_hash, id, request, held_until, created_at)
     VALUES ($1, $2, $3, $4, $5 + ",
    now,
    ", ",
    now,
    ") ON CONFLICT (organization_id, key_hash) DO NOTHING"
);
forked!(
    HOLD = "UPDATE idempotency_keys SET held_until = $4 + ",
    now,
    " WHERE organization_id = $1 AND key_hash = $2 AND id = $3 AND status IS NULL"
);
forked!(
    SWEEP = "DELETE FROM idempotency_keys WHERE (organization_id, key_hash) IN
     (SELECT organization_id, key_hash FROM idempotency_keys WHERE created_at + $1 <= ",
    now,
    " ORDER BY created_at LIMIT $2)"
);

impl Store {
    /// What is known of a key; none when nobody claimed it.
    pub async fn idempotency_key(
        &self,
        organization: &str,
        key_hash: &[u8],
    ) -> Result<Option<IdempotencyRow>> {
        self.row(FIND, values![organization, key_hash]).await
    }

    /// Claims a key in the name of `id` (unique), held for 5 s and again after each [`Store::hold_idempotency_key`].
    /// False when it is claimed already, whatever became of that.
    pub async fn claim_idempotency_key(
        &self,
        organization: &str,
        key_hash: &[u8],
        id: &str,
        request: &[u8],
    ) -> Result<bool> {
        Ok(self.execute(CLAIM, values![organization, key_hash, id, request, HOLD_MS]).await? == 1)
    }

    /// Says that the holder is at work. False when the claim is not there any more, or has its outcome.
    pub async fn hold_idempotency_key(&self, organization: &str, key_hash: &[u8], id: &str) -> Result<bool> {
        Ok(self.execute(HOLD, values![organization, key_hash, id, HOLD_MS]).await? == 1)
    }

    /// Keeps the outcome of a claim: its status, and the sealed answer where it is not too large. False when the claim
    /// is not there any more, or has an outcome.
    pub async fn finish_idempotency_key(
        &self,
        organization: &str,
        key_hash: &[u8],
        id: &str,
        status: i64,
        answer: &Option<Vec<u8>>,
    ) -> Result<bool> {
        let text = "UPDATE idempotency_keys SET status = $4, answer = $5
             WHERE organization_id = $1 AND key_hash = $2 AND id = $3 AND status IS NULL";
        Ok(self.execute(text, values![organization, key_hash, id, status, answer]).await? == 1)
    }

    /// Forgets a batch of keys that were claimed a day ago; how many. Replicas may sweep at the same time.
    pub async fn sweep_idempotency_keys(&self) -> Result<u64> {
        self.execute(SWEEP, values![KEEP_MS, BATCH]).await
    }
}
