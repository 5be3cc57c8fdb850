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
        /// `revoke_grant`, or `end_scope`: the rest of a large revocation.
        pub kind: String,
        /// What it is about: the id of the grant, or of the revocation.
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
        /// The revocation that it belongs to; none: the end of one connector or grant.
        pub revocation_id: Option<String>,
        /// What became of the grant in one word: `pending`, `revoked`, `unsupported` or `failed`.
        pub outcome: String,
    }
}
pub(super) use columns as job_columns;

/// How a job ended, or where it stands before the next try.
#[derive(Debug, Clone, Copy)]
pub struct JobReport<'a> {
    /// Outcome per token; JSON.
    pub report: &'a str,
    /// The same in one word.
    pub outcome: &'a str,
}

impl JobRow {
    /// A job that revokes a grant at its provider, to be done at once.
    pub fn revoke(id: String, organization: &str, grant: &str, now: i64) -> Self {
        Self::new(id, organization, "revoke_grant", grant, now)
    }

    /// A job of that kind about `subject`, to be done at once.
    pub fn new(id: String, organization: &str, kind: &str, subject: &str, now: i64) -> Self {
        Self {
            id,
            organization_id: organization.to_owned(),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            status: "pending".to_owned(),
            report: "[]".to_owned(),
            attempts: 0,
            run_at: now,
            lease_until: None,
            created_at: now,
            updated_at: now,
            revocation_id: None,
            outcome: "pending".to_owned(),
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
// By the number of the attempt: a runner whose lease ran out must not speak for the one that took over.
const FINISH: &str =
    "UPDATE jobs SET status = $4, report = $5, outcome = $6, lease_until = NULL, updated_at = $7
    WHERE organization_id = $1 AND id = $2 AND attempts = $3 AND status = 'running'";
const RETRY: &str =
    "UPDATE jobs SET status = 'pending', report = $4, outcome = $5, run_at = $6, lease_until = NULL,
    updated_at = $7 WHERE organization_id = $1 AND id = $2 AND attempts = $3 AND status = 'running'";
const NOTHING: &[u8] = &[];
/// Tokens that have been revoked, or given up, are not kept.
const ERASE: &str =
    "UPDATE grants SET sealed = $3 WHERE organization_id = $1 AND id = $2 AND status = 'ended'";

pub(super) async fn insert(work: &mut Work, job: &JobRow) -> Result<()> {
    let text = concat!(
        "INSERT INTO jobs (",
        columns!(names),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
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
    /// False when this attempt does not run any more.
    pub async fn finish_job(
        &self,
        job: &JobRow,
        status: &str,
        report: JobReport<'_>,
        now: i64,
    ) -> Result<bool> {
        let mut work = self.begin().await?;
        let (organization, id) = (&job.organization_id, &job.id);
        let values = values![organization, id, job.attempts, status, report.report, report.outcome, now];
        if work.execute(FINISH, values).await? == 0 {
            work.undo().await?;
            return Ok(false);
        }
        if job.kind == "revoke_grant" {
            work.execute(ERASE, values![organization, &job.subject, NOTHING]).await?;
        }
        work.commit(now).await?;
        Ok(true)
    }

    /// Puts a running job back, to be done from `run_at` on. False when this attempt does not run any more.
    pub async fn retry_job(
        &self,
        job: &JobRow,
        report: JobReport<'_>,
        run_at: i64,
        now: i64,
    ) -> Result<bool> {
        let values =
            values![&job.organization_id, &job.id, job.attempts, report.report, report.outcome, run_at, now];
        Ok(self.execute(RETRY, values).await? == 1)
    }
}
