//! Loops beside the requests: the change feed, the sweep of flows, due jobs, renewals ahead, the audit log and
//! its retention.
//!
//! Knows when things run, and that several replicas run them: each piece of work is claimed in the store. Must not
//! know what the work does (`core`).

mod renewals;
mod retention;

use crate::core::error::Error;
use crate::core::{Deps, audit, jobs, keys, organizations};
use crate::store::{Kind, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const FEED_EVERY: Duration = Duration::from_secs(1);
/// Changes of one read.
const FEED_PAGE: i64 = 1000;
const SWEEP_EVERY: Duration = Duration::from_secs(30);
const JOBS_EVERY: Duration = Duration::from_secs(5);
/// Executes of at most this time are lost when a process dies.
const AUDIT_EVERY: Duration = Duration::from_secs(1);
/// Jobs of one process at the same time: a revocation of many grants must not take a provider's whole rate limit.
const JOBS_AT_ONCE: usize = 8;
/// A code is spent within seconds; an exchange that is older belonged to a process that died.
const STALE_EXCHANGE: Duration = Duration::from_mins(5);
/// Changes older than this have been read by every replica that still trusts its cache.
const KEEP_CHANGES: Duration = Duration::from_hours(1);

/// Starts all loops; they end when `stop` becomes true. To be called before the first request: the change feed is
/// read from here on.
pub async fn start(
    deps: &Arc<Deps>,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let seen = deps.store.latest_change().await?;
    if deps.store.kind() == Kind::Postgres {
        // A process that just started cannot know whether the others could reach the database until now.
        deps.feed.lost(&deps.clock);
    }
    let mut loops = vec![
        tokio::spawn(feed(Arc::clone(deps), stop.clone(), seen)),
        tokio::spawn(sweep(Arc::clone(deps), stop.clone())),
        tokio::spawn(run_jobs(Arc::clone(deps), stop.clone())),
        tokio::spawn(write_audits(Arc::clone(deps), stop.clone())),
    ];
    if let Some(keep) = deps.settings.audit_retention {
        loops.push(tokio::spawn(retention::run(Arc::clone(deps), stop.clone(), keep)));
    }
    if deps.settings.refresh_ahead {
        loops.push(tokio::spawn(renewals::in_use(Arc::clone(deps), stop.clone())));
        loops.push(tokio::spawn(renewals::idle(Arc::clone(deps), stop.clone())));
    }
    Ok(loops)
}

/// Waits; false when the server stops.
async fn pause(stop: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}

/// Reads the change feed and drops what changed from this process's caches.
async fn feed(deps: Arc<Deps>, mut stop: watch::Receiver<bool>, mut seen: i64) {
    let mut read_at = deps.clock.now_ms();
    loop {
        deps.feed.asked(&deps.clock);
        match read_feed(&deps, seen).await {
            Ok(last) => {
                seen = last;
                let now = deps.clock.now_ms();
                // By the wall clock, which goes on while a machine sleeps.
                if now - read_at > i64::try_from(KEEP_CHANGES.as_millis() / 2).unwrap_or(i64::MAX) {
                    deps.forget_all();
                }
                read_at = now;
                deps.feed.read(&deps.clock);
            }
            Err(error) => {
                deps.feed.lost(&deps.clock);
                tracing::warn!(%error, "the change feed cannot be read");
            }
        }
        if !pause(&mut stop, FEED_EVERY).await {
            return;
        }
    }
}

async fn read_feed(deps: &Deps, mut seen: i64) -> Result<i64, StoreError> {
    loop {
        let changes = deps.store.changes_since(seen, FEED_PAGE).await?;
        for change in &changes {
            match change.kind.as_str() {
                "connector" => deps.connector_changed(&change.key),
                "workspace" => deps.workspace_changed(&change.key),
                "credential" => deps.credential_changed(),
                "organization" => deps.organization_changed(&change.key),
                "oauth_app" => deps.oauth_app_changed(),
                "key" => {
                    // What cannot be opened yet is asked for again when it is needed.
                    if let Err(error) = keys::reload(deps).await {
                        tracing::error!(%error, cause = error.source.as_ref().map(ToString::to_string), "a new data key cannot be opened; does this server have the new master key?");
                    }
                }
                // Redirect URLs are read from the database each time.
                _ => {}
            }
        }
        match changes.last() {
            Some(last) => seen = last.seq,
            None => return Ok(seen),
        }
    }
}

/// Ends flows that are over and quarantined grants that nobody redeemed.
async fn sweep(deps: Arc<Deps>, mut stop: watch::Receiver<bool>) {
    loop {
        sweep_flows(&deps, &stop).await;
        let now = deps.clock.now_ms();
        let keep = i64::try_from(KEEP_CHANGES.as_millis()).unwrap_or(0);
        if let Err(error) = deps.store.prune_changes(now - keep).await {
            tracing::warn!(%error, "old changes could not be pruned");
        }
        if let Err(error) = deps.store.sweep_idempotency_keys().await {
            tracing::warn!(%error, "old idempotency keys could not be removed");
        }
        if let Err(error) = organizations::finish_deletions(&deps).await {
            tracing::warn!(%error, "the deletion of an organization could not be finished");
        }
        if !pause(&mut stop, SWEEP_EVERY).await {
            return;
        }
    }
}

/// Sweeps batch after batch, until nothing more is waiting: a flood of flows must not take longer to go than to come.
async fn sweep_flows(deps: &Deps, stop: &watch::Receiver<bool>) {
    let mut new_id = || deps.random.uuid_v7(&deps.clock);
    while !*stop.borrow() {
        let now = deps.clock.now_ms();
        let stale = now - i64::try_from(STALE_EXCHANGE.as_millis()).unwrap_or(0);
        let report = match deps.store.sweep_flows(now, stale, &mut new_id).await {
            Ok(report) => report,
            Err(error) => return tracing::warn!(%error, "flows could not be swept"),
        };
        if report.expired + report.failed + report.quarantined_ended > 0 {
            tracing::info!(
                expired = report.expired,
                failed = report.failed,
                quarantined_ended = report.quarantined_ended,
                "flows swept"
            );
            deps.wake.notify_one();
        }
        if !report.is_full() {
            return;
        }
    }
}

/// Writes queued executes into the audit log and links what came, each second.
async fn write_audits(deps: Arc<Deps>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = write_audit(&deps).await {
            tracing::warn!(%error, cause = error.source.as_ref().map(ToString::to_string), "the audit log could not be written");
        }
        if !pause(&mut stop, AUDIT_EVERY).await {
            return;
        }
    }
}

/// Once, also at the end of a process.
pub async fn write_audit(deps: &Deps) -> Result<(), Error> {
    audit::flush(deps).await?;
    audit::chain::link_all(deps).await
}

/// Runs due jobs, a few at the same time, at once when this process made one. A stop waits for those that run.
async fn run_jobs(deps: Arc<Deps>, mut stop: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    loop {
        while running.len() < JOBS_AT_ONCE {
            match jobs::claim(&deps).await {
                Ok(Some(job)) => {
                    let deps = Arc::clone(&deps);
                    running.spawn(async move { jobs::run(&deps, &job).await });
                }
                Ok(None) => break,
                Err(error) => {
                    report(&error);
                    break;
                }
            }
        }
        let mut failed = false;
        tokio::select! {
            Some(done) = running.join_next() => match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    report(&error);
                    failed = true;
                }
                // Its lease ends by itself, and its attempt counts.
                Err(_) => tracing::error!("a job panicked"),
            },
            () = deps.wake.notified() => {}
            () = tokio::time::sleep(JOBS_EVERY) => {
                if let Err(error) = jobs::settle(&deps).await {
                    report(&error);
                }
            }
            () = stopped(&mut stop) => break,
        }
        // Most likely the database: not at full speed against it.
        if failed && !pause(&mut stop, FEED_EVERY).await {
            break;
        }
    }
    while running.join_next().await.is_some() {}
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

fn report(error: &Error) {
    tracing::warn!(%error, cause = error.source.as_ref().map(ToString::to_string), "a job could not be run");
}
