//! Work that must happen after a commit, at least once: an outbox with leases.
//!
//! Knows whose turn a job is. Must not know how it is done.

use super::Store;
use super::error::Result;
use super::sql::{Fork, row, values};
use super::work::Work;

row! {
    /// A piece of work.
    pub struct JobRow in jobs as columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// `revoke_grant`.
        pub kind: String,
        /// What it is about: the grant's id.
        pub subject: String,
        /// `pending`, `running`, `succeeded` or `failed`.
        pub status: String,
        /// What is known of its outcome so far; JSON.
        pub report: String,
        /// How often it was begun.
        pub attempts: i64,
        /// Not before, epoch milliseconds.
        pub run_at: i64,
        /// While it runs: when it may be taken from a runner that died, epoch milliseconds.
        pub lease_until: Option<i64>,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
    }
}

impl JobRow {
    /// A job that revokes a grant at its provider, to be done at once.
    pub fn revoke(id: String, organization: &str, grant: &str, now: i64) -> Self {
        Self {
            id,
            organization_id: organization.to_owned(),
            kind: "revoke_grant".to_owned(),
            subject: grant.to_owned(),
            status: "pending".to_owned(),
            report: "[]".to_owned(),
            attempts: 0,
            run_at: now,
            lease_until: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The job to do next. On PostgreSQL runners pass over a job that another one is just taking.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET status = 'running', attempts = attempts + 1, lease_until = $2, updated_at = $1
             WHERE id = (SELECT id FROM jobs WHERE status IN ('pending', 'running')
             AND CASE WHEN status = 'pending' THEN run_at ELSE lease_until END <= $1
             ORDER BY run_at, id LIMIT 1",
            $lock,
            ") RETURNING ",
            columns!(names)
        )
    };
}
const CLAIM: Fork = Fork { sqlite: claim!(""), postgres: claim!(" FOR UPDATE SKIP LOCKED") };
const FINISH: &str = "UPDATE jobs SET status = $3, report = $4, lease_until = NULL, updated_at = $5
    WHERE organization_id = $1 AND id = $2 AND status = 'running' RETURNING kind, subject";
const NOTHING: &[u8] = &[];
/// Tokens that have been revoked, or given up, are not kept.
const ERASE: &str =
    "UPDATE grants SET sealed = $3 WHERE organization_id = $1 AND id = $2 AND status = 'ended'";

pub(super) async fn insert(work: &mut Work, job: &JobRow) -> Result<()> {
    let text = concat!(
        "INSERT INTO jobs (",
        columns!(names),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    work.execute(text, &job.all()).await.map_err(|error| error.about("job id"))?;
    Ok(())
}

impl Store {
    /// One job.
    pub async fn job(&self, organization: &str, id: &str) -> Result<Option<JobRow>> {
        let text = concat!("SELECT ", columns!(names), " FROM jobs WHERE organization_id = $1 AND id = $2");
        self.row(text, values![organization, id]).await
    }

    /// Takes the next job that is due, of any organization, until `lease_until`; none when there is none. A running job
    /// whose lease has passed is due again: its runner died, so a job may be begun more than once.
    pub async fn claim_job(&self, now: i64, lease_until: i64) -> Result<Option<JobRow>> {
        self.write_row(CLAIM, values![now, lease_until]).await
    }

    /// Ends a running job as `succeeded` or `failed`. The sealed tokens of a grant whose revocation ended are erased.
    /// False when the job does not run.
    pub async fn finish_job(
        &self,
        id: &str,
        organization: &str,
        status: &str,
        report: &str,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        let values = values![organization, id, status, report, now];
        let Some((kind, subject)) = work.row::<(String, String)>(FINISH, values).await? else {
            return Ok(false);
        };
        if kind == "revoke_grant" {
            work.execute(ERASE, values![organization, &subject, NOTHING]).await?;
        }
        work.commit(now).await?;
        Ok(true)
    }

    /// Puts a running job back, to be done from `run_at` on. False when the job does not run.
    pub async fn retry_job(
        &self,
        id: &str,
        organization: &str,
        report: &str,
        run_at: i64,
        now: i64,
    ) -> Result<bool> {
        let text = "UPDATE jobs SET status = 'pending', report = $3, run_at = $4, lease_until = NULL, updated_at = $5
             WHERE organization_id = $1 AND id = $2 AND status = 'running'";
        Ok(self.execute(text, values![organization, id, report, run_at, now]).await? == 1)
    }
}
