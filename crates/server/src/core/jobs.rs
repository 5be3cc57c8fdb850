//! Work that outlives a request: revoking a grant at its provider.
//!
//! Knows job rows and their reports. Must not know when jobs run (`crate::jobs`).

use crate::core::access::Caller;
use crate::core::error::{Error, Kind, Result};
use crate::core::{Deps, grants};
use crate::store::JobRow;
use std::sync::Arc;
use std::time::Duration;

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

/// Runs one due job; false when none is due.
pub async fn run_next(deps: &Arc<Deps>) -> Result<bool> {
    let now = deps.clock.now_ms();
    let lease = now + i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX / 2);
    let Some(job) = deps.store.claim_job(now, lease).await? else { return Ok(false) };
    let report = match grants::revoke::revoke(deps, &job.organization_id, &job.subject).await {
        Ok(report) => report,
        // The database: the lease ends by itself, and no try is lost.
        Err(error) if error.kind == Kind::Unavailable => return Err(error),
        // A grant that does not open: tried again like a provider that does not answer, and given up in the end.
        Err(error) => {
            tracing::error!(job = %job.id, %error, cause = error.source.as_ref().map(ToString::to_string), "a grant cannot be revoked");
            grants::revoke::Report::failed()
        }
    };
    let text = report.to_text();
    let now = deps.clock.now_ms();
    if report.is_settled() {
        deps.store.finish_job(&job.id, &job.organization_id, "succeeded", &text, now).await?;
    } else if job.attempts >= TRIES {
        deps.store.finish_job(&job.id, &job.organization_id, "failed", &text, now).await?;
    } else {
        let doublings = u32::try_from(job.attempts.clamp(1, 12) - 1).unwrap_or(0);
        let pause = (PAUSE * 2_u32.pow(doublings)).min(PAUSE_MAX);
        let run_at = now + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
        deps.store.retry_job(&job.id, &job.organization_id, &text, run_at, now).await?;
    }
    Ok(true)
}
