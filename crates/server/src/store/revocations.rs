//! The kill switch: every grant of a scope ends, in batches that each are one unit of work.
//!
//! Knows which rows end together and how far a revocation is. Must not know how a provider is told.
//!
//! A batch fails the flows of the scope first, so that a consent that is under way finds its flow gone when it wants
//! to store or redeem; what it stored before is found by the same batch. The last batch is the one that finds no more
//! grants than it may end: at its commit no grant of the scope is live. Jobs carry the grants' ids, so that a batch
//! that is done twice makes none twice.

use super::Store;
use super::changes::Change;
use super::error::Result;
use super::jobs::{self, JobRow, job_columns};
use super::sql::{FromRow, Row, row, values};
use super::work::Work;

/// Grants that one batch ends.
const BATCH: i64 = 1000;

row! {
    /// One use of the kill switch.
    pub struct RevocationRow in revocations as columns {
        /// Id, a UUID.
        pub id: String,
        /// The tenant.
        pub organization_id: String,
        /// `organization`, `oauth_app`, `connector_type` or `workspace`.
        pub scope: String,
        /// Id of the OAuth app or workspace, or slug of the connector type.
        pub subject: Option<String>,
        /// `ending`, `revoking` or `finished`.
        pub status: String,
        /// Grants that are to end.
        pub total: i64,
        /// Grants that have ended.
        pub ended: i64,
        /// Consents that were under way and have failed.
        pub flows: i64,
        /// Epoch milliseconds.
        pub created_at: i64,
        /// Epoch milliseconds.
        pub updated_at: i64,
        /// When the last job ended, epoch milliseconds.
        pub finished_at: Option<i64>,
    }
}

/// A grant that a revocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedGrant {
    /// Its job.
    pub job: JobRow,
    /// Slug of the connector type.
    pub connector_type: String,
    /// Whose it was.
    pub workspace_id: String,
    /// Name of that workspace.
    pub workspace_name: String,
    /// The connector that it belonged to; none: nobody had redeemed it.
    pub connector_id: Option<String>,
}

impl FromRow for RevokedGrant {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self {
            job: JobRow::read(row)?,
            connector_type: row.take()?,
            workspace_id: row.take()?,
            workspace_name: row.take()?,
            connector_id: row.take()?,
        })
    }
}

impl RevocationRow {
    /// Values of the conditions below: OAuth app, connector type, workspace.
    fn subjects(&self) -> [Option<&str>; 3] {
        ["oauth_app", "connector_type", "workspace"]
            .map(|scope| self.subject.as_deref().filter(|_| self.scope == scope))
    }
}

/// Rows of the scope in a table that has all three columns.
macro_rules! in_scope {
    ($($rest:literal),*) => {
        concat!(
            "organization_id = $1 AND ($2 IS NULL OR oauth_app_id = $2) AND ($3 IS NULL OR connector_type = $3)
             AND ($4 IS NULL OR workspace_id = $4) AND " $(, $rest)*
        )
    };
}
const COUNT: &str = concat!("SELECT COUNT(*) FROM grants WHERE ", in_scope!("status <> 'ended'"));
const COUNT_FLOWS: &str =
    concat!("SELECT COUNT(*) FROM flows WHERE ", in_scope!("status IN ('pending', 'exchanging', 'granted')"));
const BOUNDS: &str = concat!(
    "SELECT MIN(id), MAX(id) FROM (SELECT id FROM grants WHERE ",
    in_scope!("status <> 'ended' ORDER BY id LIMIT $5) AS batch")
);
// The order in which rows are locked is the same everywhere: flow, connector, its grant.
const FAIL_FLOWS: &str = concat!(
    "UPDATE flows SET status = 'failed', failure = 'revoked', updated_at = $5 WHERE ",
    in_scope!("status IN ('pending', 'exchanging', 'granted')")
);
const END_CONNECTORS: &str = concat!(
    "UPDATE connectors SET deleted_at = $7, updated_at = $7 WHERE organization_id = $1 AND deleted_at IS NULL
     AND grant_id IN (SELECT id FROM grants WHERE ",
    in_scope!("status <> 'ended' AND id BETWEEN $5 AND $6)")
);
const END_GRANTS: &str = concat!(
    "UPDATE grants SET status = 'ended', status_reason = 'revoked', attempt = NULL, attempt_deadline = NULL,
     revocation_id = $8, updated_at = $7 WHERE ",
    in_scope!("status <> 'ended' AND id BETWEEN $5 AND $6")
);
const ADD_JOBS: &str =
    "INSERT INTO jobs (id, organization_id, kind, subject, status, report, attempts, run_at, created_at,
    updated_at, revocation_id, outcome)
    SELECT id, organization_id, 'revoke_grant', id, 'pending', '[]', 0, $5, $5, $5, revocation_id, 'pending'
    FROM grants WHERE organization_id = $1 AND revocation_id = $2 AND id BETWEEN $3 AND $4
    ON CONFLICT (id) DO NOTHING";
const PROGRESS: &str = "UPDATE revocations SET ended = ended + $3, flows = flows + $4,
    total = CASE WHEN ended + $3 > total THEN ended + $3 ELSE total END, status = $5, updated_at = $6
    WHERE organization_id = $1 AND id = $2 AND status = 'ending'";
const SETTLE: &str = "UPDATE revocations SET status = 'finished', finished_at = $1, updated_at = $1
    WHERE status = 'revoking' AND ($2 IS NULL OR id = $2) AND NOT EXISTS (SELECT 1 FROM jobs
    WHERE jobs.revocation_id = revocations.id AND jobs.status IN ('pending', 'running'))";
const GRANTS: &str = concat!(
    "SELECT ",
    job_columns!(of table),
    ", grants.connector_type, grants.workspace_id, workspaces.name, connectors.id FROM jobs
     JOIN grants ON grants.organization_id = jobs.organization_id AND grants.id = jobs.subject
     JOIN workspaces ON workspaces.organization_id = grants.organization_id AND workspaces.id = grants.workspace_id
     LEFT JOIN connectors ON connectors.organization_id = grants.organization_id AND connectors.grant_id = grants.id
     WHERE jobs.organization_id = $1 AND jobs.revocation_id = $2 AND (jobs.created_at, jobs.id) > ($3, $4)
     ORDER BY jobs.created_at, jobs.id LIMIT $5"
);

impl Store {
    /// How many live grants and how many consents under way a revocation would end now.
    pub async fn count_revocable(&self, revocation: &RevocationRow) -> Result<(i64, i64)> {
        let [app, kind, workspace] = revocation.subjects();
        let values = values![&revocation.organization_id, app, kind, workspace];
        let grants: Option<i64> = self.row(COUNT, values).await?;
        let flows: Option<i64> = self.row(COUNT_FLOWS, values).await?;
        Ok((grants.unwrap_or_default(), flows.unwrap_or_default()))
    }

    /// Stores a revocation and ends its first batch of grants; what is left is `rest`'s work, which is stored only then.
    pub async fn begin_revocation(&self, revocation: &RevocationRow, rest: &JobRow, now: i64) -> Result<()> {
        let mut work = self.begin().await?;
        let text = concat!(
            "INSERT INTO revocations (",
            columns!(names),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let [app, kind, workspace] = revocation.subjects();
        let count: Option<i64> =
            work.row(COUNT, values![&revocation.organization_id, app, kind, workspace]).await?;
        let row = RevocationRow { total: count.unwrap_or_default(), ..revocation.clone() };
        work.execute(text, &row.all()).await?;
        if end_batch(&mut work, &row, now).await? == Some(Left::More) {
            jobs::insert(&mut work, rest).await?;
        }
        work.commit(now).await
    }

    /// Ends the next batch of a revocation. True when more may be left.
    pub async fn continue_revocation(&self, organization: &str, id: &str, now: i64) -> Result<bool> {
        let Some(row) = self.revocation(organization, id).await? else { return Ok(false) };
        let mut work = self.begin().await?;
        match end_batch(&mut work, &row, now).await? {
            None => {
                work.undo().await?;
                Ok(false)
            }
            Some(left) => {
                work.commit(now).await?;
                Ok(left == Left::More)
            }
        }
    }

    /// Finishes revocations whose last job has ended: that one, or all. To be asked after a job's end is committed: of
    /// two jobs that end at the same time neither sees the other's.
    pub async fn settle_revocations(&self, id: Option<&str>, now: i64) -> Result<u64> {
        self.execute(SETTLE, values![now, id]).await
    }

    /// One revocation.
    pub async fn revocation(&self, organization: &str, id: &str) -> Result<Option<RevocationRow>> {
        let text =
            concat!("SELECT ", columns!(names), " FROM revocations WHERE organization_id = $1 AND id = $2");
        self.row(text, values![organization, id]).await
    }

    /// Revocations, oldest first, after that `created_at` and id.
    pub async fn list_revocations(
        &self,
        organization: &str,
        after: Option<&(i64, String)>,
        limit: i64,
    ) -> Result<Vec<RevocationRow>> {
        let text = concat!(
            "SELECT ",
            columns!(names),
            " FROM revocations WHERE organization_id = $1 AND (created_at, id) > ($2, $3)
             ORDER BY created_at, id LIMIT $4"
        );
        let (at, id) = after.map_or((i64::MIN, ""), |(at, id)| (*at, id.as_str()));
        self.rows(text, values![organization, at, id, limit]).await
    }

    /// How many grants of a revocation have each outcome.
    pub async fn revocation_outcomes(&self, organization: &str, id: &str) -> Result<Vec<(String, i64)>> {
        let text = "SELECT outcome, COUNT(*) FROM jobs WHERE organization_id = $1 AND revocation_id = $2
             GROUP BY outcome";
        self.rows(text, values![organization, id]).await
    }

    /// The grants of a revocation, after that `created_at` and id of their jobs.
    pub async fn revoked_grants(
        &self,
        organization: &str,
        id: &str,
        after: Option<&(i64, String)>,
        limit: i64,
    ) -> Result<Vec<RevokedGrant>> {
        let (at, after) = after.map_or((i64::MIN, ""), |(at, id)| (*at, id.as_str()));
        self.rows(GRANTS, values![organization, id, at, after, limit]).await
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    More,
}

/// None when the revocation is not ending any more.
async fn end_batch(work: &mut Work, row: &RevocationRow, now: i64) -> Result<Option<Left>> {
    let (organization, [app, kind, workspace]) = (&row.organization_id, row.subjects());
    let flows = work.execute(FAIL_FLOWS, values![organization, app, kind, workspace, now]).await?;
    let bounds: Option<(Option<String>, Option<String>)> =
        work.row(BOUNDS, values![organization, app, kind, workspace, BATCH]).await?;
    let mut ended = 0;
    if let Some((Some(first), Some(last))) = bounds {
        let values = values![organization, app, kind, workspace, &first, &last, now, &row.id];
        let without_id = values.get(..7).unwrap_or_default();
        work.execute(END_CONNECTORS, without_id).await?;
        ended = work.execute(END_GRANTS, values).await?;
        work.execute(ADD_JOBS, values![organization, &row.id, &first, &last, now]).await?;
        work.changed(Change::Organization { organization: organization.clone() });
    }
    let (ended, flows) = (i64::try_from(ended).unwrap_or(i64::MAX), i64::try_from(flows).unwrap_or(i64::MAX));
    let left = if ended < BATCH { Left::Nothing } else { Left::More };
    let status = if left == Left::More { "ending" } else { "revoking" };
    let moved = work.execute(PROGRESS, values![organization, &row.id, ended, flows, status, now]).await?;
    Ok((moved == 1).then_some(left))
}
