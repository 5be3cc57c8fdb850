//! Work that outlives a request: revoking a grant at its provider.
//!
//! Knows job rows and their reports. Must not know when jobs run (`crate::jobs`).

use crate::core::access::Caller;
use crate::core::error::{Error, Result};
use crate::core::{Deps, grants};
use crate::store::JobRow;
use std::sync::Arc;
use std::time::Duration;

/// How often a revocation is tried.
const TRIES: i64 = 6;
/// First pause after a failed try; doubles.
const PAUSE: Duration = Duration::from_secs(5);
/// A runner that died is replaced after this.
pub const LEASE: Duration = Duration::from_mins(2);

/// A revocation that may start now.
pub fn revocation(deps: &Deps, organization: &str, grant_id: &str) -> JobRow {
    let now = deps.clock.now_ms();
    JobRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: organization.to_owned(),
        kind: "revoke_grant".to_owned(),
        subject: grant_id.to_owned(),
        status: "pending".to_owned(),
        report: "[]".to_owned(),
        attempts: 0,
        run_at: now,
        lease_until: None,
        created_at: now,
        updated_at: now,
    }
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
    let report = grants::revoke::revoke(deps, &job.organization_id, &job.subject).await?;
    let text = report.to_text();
    let now = deps.clock.now_ms();
    if report.is_settled() {
        deps.store.finish_job(&job.id, &job.organization_id, "succeeded", &text, now).await?;
    } else if job.attempts >= TRIES {
        deps.store.finish_job(&job.id, &job.organization_id, "failed", &text, now).await?;
    } else {
        let doublings = u32::try_from(job.attempts.clamp(1, TRIES) - 1).unwrap_or(0);
        let pause = PAUSE * 2_u32.pow(doublings);
        let run_at = now + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
        deps.store.retry_job(&job.id, &job.organization_id, &text, run_at, now).await?;
    }
    Ok(true)
}
