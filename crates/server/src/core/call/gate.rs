//! How many operations of one connector, and of one organization, may run at once in this process.
//!
//! Knows ids and permits. Must not know what runs. One agent in a loop must not use up a provider's limit, nor
//! this server's connections, for everybody else.

use crate::core::error::{Error, Kind, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Operations of one connector at once, where its definition says nothing else.
pub const AT_ONCE: usize = 64;
/// Gates beyond which those that nobody uses are swept for the first time.
const SWEEP_ABOVE: usize = 10_000;

/// A running operation's places: its connector's and its organization's.
#[derive(Debug)]
pub struct Place {
    _connector: OwnedSemaphorePermit,
    _organization: OwnedSemaphorePermit,
}

impl Place {
    /// Of both.
    pub fn new(connector: OwnedSemaphorePermit, organization: OwnedSemaphorePermit) -> Self {
        Self { _connector: connector, _organization: organization }
    }
}

/// The gates of this process. A gate lives as long as anything uses it, so that a renewed credential keeps the count.
#[derive(Default)]
pub struct Gates(Mutex<Kept>);

struct Kept {
    gates: HashMap<String, Weak<Semaphore>>,
    /// The next sweep comes with so many: twice what the last one left, so that a sweep is paid for by what was added
    /// since. Connectors in the cache hold their gates, so there may be more than [`SWEEP_ABOVE`] for good.
    sweep_above: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { gates: HashMap::new(), sweep_above: SWEEP_ABOVE }
    }
}

impl Gates {
    /// The gate of a connector or an organization, by its id. `at_once` counts when it is made.
    pub fn of(&self, connector_id: &str, at_once: usize) -> Arc<Semaphore> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = kept.gates.get(connector_id).and_then(Weak::upgrade) {
            return gate;
        }
        if kept.gates.len() >= kept.sweep_above {
            kept.gates.retain(|_, gate| gate.strong_count() > 0);
            kept.sweep_above = SWEEP_ABOVE.max(2 * kept.gates.len());
        }
        let gate = Arc::new(Semaphore::new(at_once));
        kept.gates.insert(connector_id.to_owned(), Arc::downgrade(&gate));
        gate
    }
}

/// A place of the organization, or an error at once: calls that wait take memory, too, and one tenant's slow provider
/// must not take all of it.
pub fn enter_organization(gate: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    enter(gate).ok_or_else(|| {
        Error::new(
            Kind::OrganizationBusy,
            "Too many operations of this organization run at the same time; wait, and send fewer at once",
        )
        .with("retryable", true)
        .with("retry_after_seconds", 1)
    })
}

/// A place, where one is free and nobody waits for it.
pub fn enter(gate: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(gate).try_acquire_owned().ok()
}

/// A place when it becomes free, in the order of arrival; an error after `patience`.
pub async fn wait(gate: &Arc<Semaphore>, patience: Duration) -> Result<OwnedSemaphorePermit> {
    match tokio::time::timeout(patience, Arc::clone(gate).acquire_owned()).await {
        Ok(permit) => permit.map_err(Error::internal),
        Err(_) => Err(Error::new(
            Kind::ConnectorBusy,
            "Too many operations of this connector run at the same time; wait, and send fewer at once",
        )
        .with("retryable", true)
        .with("retry_after_seconds", 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_that_nobody_uses_are_swept_and_the_others_kept() {
        let gates = Gates::default();
        let held: Vec<_> = (0..3 * SWEEP_ABOVE).map(|id| gates.of(&format!("held {id}"), 1)).collect();
        for id in 0..10 * SWEEP_ABOVE {
            gates.of(&format!("left {id}"), 1);
        }
        let kept = gates.0.lock().unwrap_or_else(PoisonError::into_inner).gates.len();
        assert!((held.len()..=2 * held.len() + SWEEP_ABOVE).contains(&kept), "{kept}");
        assert!(Arc::ptr_eq(&gates.of("held 7", 1), &held[7]));
    }
}
