//! One refresh at a time for a grant in this process, however many calls want it.
//!
//! Knows who waits, and for how long. Must not know how a refresh goes (`refresh`). It runs in a task of its own, so that
//! a caller that goes away does not stop it between the token call and the commit.

use super::machine::Outcome;
use super::outcome::{Finished, conclude, resting};
use super::refresh::Run;
use crate::core::Deps;
use crate::core::error::{Error, Kind, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

type Shared = watch::Receiver<Option<Finished>>;

/// Refreshes that run in this process, by grant.
#[derive(Default)]
pub struct Refreshes(Mutex<HashMap<String, Shared>>);

/// A newer version than the caller knew is stored.
#[derive(Debug, Clone, Copy)]
pub struct Refreshed;

/// Refreshes a grant unless a version above `known` is stored already. Waits for a refresh that runs, up to the
/// upstream timeout.
pub async fn refresh(deps: &Arc<Deps>, organization: &str, grant_id: &str, known: i64) -> Result<Refreshed> {
    if let Some(finished) = resting(deps, grant_id) {
        return conclude(finished);
    }
    let mut shared = deps.refreshes.join(deps, organization, grant_id, known);
    let waited = tokio::time::timeout(deps.settings.upstream_timeout, shared.wait_for(Option::is_some)).await;
    let finished = match waited {
        Ok(Ok(value)) => value.clone(),
        // The task died (a panic): what stands in the row decides at the next call.
        Ok(Err(_)) => Some(Finished {
            outcome: Outcome::Failed,
            why: Some("the refresh was interrupted".to_owned()),
            retry_after: None,
        }),
        Err(_) => None,
    };
    match finished {
        None => Err(Error::new(Kind::RefreshInProgress, "The access token is being renewed; try again")
            .with("retry_after_seconds", 1)
            .with("retryable", true)),
        Some(finished) => conclude(finished),
    }
}

impl Refreshes {
    fn join(&self, deps: &Arc<Deps>, organization: &str, grant_id: &str, known: i64) -> Shared {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = running.get(grant_id) {
            return shared.clone();
        }
        let (sender, receiver) = watch::channel(None);
        running.insert(grant_id.to_owned(), receiver.clone());
        let (deps, organization, grant_id) = (Arc::clone(deps), organization.to_owned(), grant_id.to_owned());
        let tasks = deps.tasks.clone();
        tasks.spawn(async move {
            let _leave = Leave { deps: Arc::clone(&deps), grant_id: grant_id.clone() };
            // Dropped before `_leave`, which looks for the closed channel after a panic.
            let sender = sender;
            let run = Run::new(&deps, &organization, &grant_id);
            let finished = run.run(known).await;
            deps.rests.note(&grant_id, finished.outcome, finished.retry_after, deps.clock.now_ms());
            deps.refreshes.leave(&grant_id);
            sender.send_replace(Some(finished));
        });
        receiver
    }

    fn leave(&self, grant_id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(grant_id);
    }
}

/// Leaves even when the task panics.
struct Leave {
    deps: Arc<Deps>,
    grant_id: String,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut running = self.deps.refreshes.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed channel is this task's own; a later refresh of the same grant has an open one.
        if running.get(&self.grant_id).is_some_and(|shared| shared.has_changed().is_err()) {
            running.remove(&self.grant_id);
        }
    }
}
