//! The audit log loses what is older than the operator keeps it for.
//!
//! Knows how often, how fast and by which clock. Must not know how entries go (`core::audit`). Replicas do it side by
//! side: an organization's batch holds its chain, and whoever comes second finds nothing left.

use super::pause;
use crate::core::error::Result;
use crate::core::{Deps, audit};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Often, so that each round is small.
const EVERY: Duration = Duration::from_hours(1);
/// Between two batches: calls have the database most of the time, also while years go.
const BREATH: Duration = Duration::from_millis(100);

/// A round at the start, then one each hour.
pub(super) async fn run(deps: Arc<Deps>, mut stop: watch::Receiver<bool>, keep: Duration) {
    loop {
        if let Err(error) = round(&deps, &mut stop, keep).await {
            tracing::warn!(%error, cause = error.source.as_ref().map(ToString::to_string), "old entries of the audit log could not be removed");
        }
        if !pause(&mut stop, EVERY).await {
            return;
        }
    }
}

async fn round(deps: &Deps, stop: &mut watch::Receiver<bool>, keep: Duration) -> Result<()> {
    let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    // What goes is gone, so one clock that is ahead must not decide it.
    let now = deps.clock.now_ms().min(deps.store.clock_ms().await?);
    let before = now.saturating_sub(keep);
    for organization in deps.store.organizations_audited_before(before).await? {
        let mut total = 0;
        loop {
            let count = audit::prune(deps, &organization, before).await?;
            total += count;
            if count == 0 || !pause(stop, BREATH).await {
                break;
            }
        }
        if total > 0 {
            tracing::info!(organization, entries = total, "old entries of the audit log were removed");
        }
        if *stop.borrow() {
            break;
        }
    }
    Ok(())
}
