//! What nobody finished: flows whose user, process or application went away.
//!
//! Knows when a flow is over without anyone saying so. Serves all organizations, in batches that hold no lock for
//! long. Must not know why anyone went away.

use super::Store;
use super::error::Result;
use super::jobs::{self, JobRow};
use super::sql::{Fork, values};

/// How much one sweep did. A number that equals the batch size means that more may be waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Pending flows past their time.
    pub expired: u64,
    /// Exchanging flows whose process is gone.
    pub failed: u64,
    /// Granted flows that nobody redeemed; their grants ended and wait for revocation.
    pub quarantined_ended: u64,
    /// Flows that were over for a week, or that nobody came back from for an hour, removed.
    pub deleted: u64,
}

/// How many flows of each sort one sweep handles.
pub(super) const BATCH: i64 = 500;
const WEEK_MS: i64 = 7 * 24 * HOUR_MS;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// A statement about a batch of flows. On PostgreSQL it passes over flows that another transaction is just moving.
macro_rules! batch {
    ($statement:literal, $which:literal, $returning:literal) => {
        Fork {
            sqlite: concat!(
                $statement,
                " WHERE id IN (SELECT id FROM flows WHERE ",
                $which,
                " ORDER BY id LIMIT $1)",
                $returning
            ),
            postgres: concat!(
                $statement,
                " WHERE id IN (SELECT id FROM flows WHERE ",
                $which,
                " ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)",
                $returning
            ),
        }
    };
}
const EXPIRE: Fork = batch!(
    "UPDATE flows SET status = 'expired', failure = 'swept', updated_at = $2",
    "status = 'pending' AND expires_at <= $2",
    ""
);
const FAIL: Fork = batch!(
    "UPDATE flows SET status = 'failed', failure = 'exchange_interrupted', updated_at = $2",
    "status = 'exchanging' AND updated_at < $3",
    ""
);
const END: Fork = batch!(
    "UPDATE flows SET status = 'expired', failure = 'secret_expired', updated_at = $2",
    "status = 'granted' AND secret_expires_at <= $2",
    " RETURNING organization_id, grant_id"
);
const DELETE: Fork = batch!(
    "DELETE FROM flows",
    "status IN ('consumed', 'failed', 'expired') AND updated_at < $2
     OR status = 'expired' AND failure = 'swept' AND updated_at < $3",
    ""
);
const END_GRANT: &str = "UPDATE grants SET status = 'ended', status_reason = 'secret_expired', attempt = NULL,
    attempt_deadline = NULL, updated_at = $3 WHERE organization_id = $1 AND id = $2 AND status = 'quarantined'";

impl SweepReport {
    /// More of some sort may be waiting.
    pub fn is_full(&self) -> bool {
        let batch = BATCH.unsigned_abs();
        [self.expired, self.failed, self.quarantined_ended, self.deleted].contains(&batch)
    }
}

impl Store {
    /// One batch of each sort: pending flows past their time expire; exchanging ones that have not moved since
    /// `stale_exchanging_before` fail; granted ones whose `secret_id` has ended expire, their grants end and get a job
    /// that revokes them; flows that were over for a week are removed, and after an hour those that nobody came back
    /// from: a flood of them must not fill the disk. Replicas may sweep at the same time.
    pub async fn sweep_flows(
        &self,
        now: i64,
        stale_exchanging_before: i64,
        new_job_id: &mut (dyn FnMut() -> String + Send),
    ) -> Result<SweepReport> {
        Ok(SweepReport {
            expired: self.execute(EXPIRE, values![BATCH, now]).await?,
            failed: self.execute(FAIL, values![BATCH, now, stale_exchanging_before]).await?,
            quarantined_ended: self.end_unredeemed(now, new_job_id).await?,
            deleted: self
                .execute(DELETE, values![BATCH, now.saturating_sub(WEEK_MS), now.saturating_sub(HOUR_MS)])
                .await?,
        })
    }

    async fn end_unredeemed(&self, now: i64, new_job_id: &mut (dyn FnMut() -> String + Send)) -> Result<u64> {
        let mut work = self.begin().await?;
        let mut ended = 0;
        for (organization, grant) in work.rows::<(String, String)>(END, values![BATCH, now]).await? {
            if work.execute(END_GRANT, values![&organization, &grant, now]).await? == 1 {
                jobs::insert(&mut work, &JobRow::revoke(new_job_id(), &organization, &grant, now)).await?;
                ended += 1;
            }
        }
        work.commit(now).await?;
        Ok(ended)
    }
}
