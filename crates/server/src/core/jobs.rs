//! Work that outlives a request: revoking a grant at its provider, and the rest of a large revocation.
//!
//! Knows job rows and their reports. Must not know when jobs run (`crate::jobs`).

use crate::core::access::Caller;
use crate::core::error::{Error, Kind, Result};
use crate::core::grants::revoke::{self, Report};
use crate::core::{Deps, revocations};
use crate::store::{JobReport, JobRow};
use std::sync::Arc;
use std::time::Duration;

const REVOKE_GRANT: &str = "revoke_grant";
/// How often a revocation is tried: with pauses that double up to an hour, over about a day.
const TRIES: i64 = 32;
/// First pause after a failed try.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_hours(1);
/// A runner that died is replaced after this.
pub const LEASE: Duration = Duration::from_mins(2);

/// A revocation that may start now.
pub fn revocation(deps: &Deps, organization: &str, grant_id: &str) -> JobRow {
    JobRow::revoke(deps.random.uuid_v7(&deps.clock), organization, grant_id, deps.clock.now_ms())
}

/// A job of the caller's organization.
pub async fn get(deps: &Deps, caller: &Caller, id: &str) -> Result<JobRow> {
    let job = deps.store.job(caller.organization(), id).await?.ok_or_else(Error::not_found)?;
    match caller.workspace() {
        None => Ok(job),
        Some(own) => {
            let grant = deps.store.grant(caller.organization(), &job.subject).await?;
            if grant.is_some_and(|grant| grant.workspace_id == own) {
                Ok(job)
            } else {
                Err(Error::not_found())
            }
        }
    }
}

/// Outcome per token, as far as it is known: what has not been tried is pending.
pub async fn report(deps: &Deps, job: &JobRow) -> Result<Report> {
    let known = Report::from_text(&job.report);
    let untried = known == Report::default() && matches!(job.status.as_str(), "pending" | "running");
    if !untried || job.kind != REVOKE_GRANT {
        return Ok(known);
    }
    match revoke::waiting(deps, &job.organization_id, &job.subject).await {
        Err(error) if error.kind != Kind::Unavailable => Ok(Report::unopened()),
        report => report,
    }
}

/// Takes one due job; none when none is due.
pub async fn claim(deps: &Deps) -> Result<Option<JobRow>> {
    let now = deps.clock.now_ms();
    // Two tokens, one call each.
    let lease = LEASE.max(deps.settings.upstream_timeout * 3);
    Ok(deps.store.claim_job(now, now + millis(lease)).await?)
}

/// Runs a job that this process holds.
pub async fn run(deps: &Arc<Deps>, job: &JobRow) -> Result<()> {
    if job.kind != REVOKE_GRANT {
        return revocations::go_on(deps, job).await;
    }
    let before = Report::from_text(&job.report);
    // A runner that dies each time reports nothing: its attempts are all there is.
    let report = if job.attempts > TRIES {
        before.given_up()
    } else {
        let report = revoke_grant(deps, job, &before).await?;
        if job.attempts == TRIES { report.given_up_if_pending() } else { report }
    };
    let now = deps.clock.now_ms();
    let (text, outcome) = (report.to_text(), report.outcome());
    let told = JobReport { report: &text, outcome };
    if report.is_settled() {
        let status = if outcome == "failed" { "failed" } else { "succeeded" };
        deps.store.finish_job(job, status, told, now).await?;
    } else {
        deps.store.retry_job(job, told, now + millis(pause(job.attempts)), now).await?;
    }
    match &job.revocation_id {
        Some(id) if report.is_settled() => {
            deps.store.settle_revocations(Some(id), now).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn revoke_grant(deps: &Deps, job: &JobRow, before: &Report) -> Result<Report> {
    match revoke::revoke(deps, &job.organization_id, &job.subject, before).await {
        // The database: the lease ends by itself.
        Err(error) if error.kind == Kind::Unavailable => Err(error),
        // A grant that does not open: tried again like a provider that does not answer, and given up in the end.
        Err(error) => {
            tracing::error!(job = %job.id, %error, cause = error.source.as_ref().map(ToString::to_string), "a grant cannot be revoked");
            Ok(Report::unopened())
        }
        report => report,
    }
}

/// Finishes revocations whose process died between a job's end and theirs.
pub async fn settle(deps: &Deps) -> Result<()> {
    deps.store.settle_revocations(None, deps.clock.now_ms()).await?;
    Ok(())
}

/// Before the next try.
fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    (PAUSE * 2_u32.pow(doublings)).min(PAUSE_MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
