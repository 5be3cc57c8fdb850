//! Executes on their way into the log: queued by the call, written in batches beside it.
//!
//! Knows that a call is never held up: no statement before its answer, and a full queue drops. Drops are counted, and
//! the count is an entry itself. A crash loses what was queued, at most about a second of executes.

use super::{INTENT_MAX, bounded, by_caller, entry};
use crate::core::Deps;
use crate::core::access::Caller;
use crate::core::error::Result;
use crate::store::AuditRow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Executes that wait; at 1,000 calls a second that is ten seconds without the database.
const WAITING_MAX: usize = 10_000;

/// An execute that has ended.
pub struct Executed {
    /// Who called.
    pub caller: Caller,
    /// When it ended, epoch milliseconds.
    pub at: i64,
    /// The connector that was named.
    pub connector_id: String,
    /// Entity and action.
    pub operation: String,
    /// `ok`, or the code of the error.
    pub outcome: &'static str,
    /// Why, in the caller's words.
    pub intent: Option<String>,
}

/// The queue of this process.
#[derive(Default)]
pub struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    executed: Vec<Executed>,
    dropped: BTreeMap<String, u64>,
}

impl Queue {
    /// Adds one, or counts that it could not.
    pub fn push(&self, executed: Executed) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.executed.len() < WAITING_MAX {
            waiting.executed.push(executed);
        } else {
            *waiting.dropped.entry(executed.caller.organization().to_owned()).or_default() += 1;
        }
    }

    fn take(&self) -> Waiting {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written; what came meanwhile is younger, and is dropped first.
    fn put_back(&self, mut old: Waiting) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        old.executed.append(&mut waiting.executed);
        for late in old.executed.drain(WAITING_MAX.min(old.executed.len())..) {
            *old.dropped.entry(late.caller.organization().to_owned()).or_default() += 1;
        }
        for (organization, count) in std::mem::take(&mut waiting.dropped) {
            *old.dropped.entry(organization).or_default() += count;
        }
        *waiting = old;
    }
}

/// Writes what waits. What cannot be written waits on.
pub async fn flush(deps: &Deps) -> Result<()> {
    let waiting = deps.audit.queue.take();
    if waiting.executed.is_empty() && waiting.dropped.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<AuditRow> = waiting.executed.iter().map(|executed| row(deps, executed)).collect();
    for (organization, count) in &waiting.dropped {
        rows.push(AuditRow {
            subject: Some(count.to_string()),
            outcome: "dropped".to_owned(),
            ..entry(deps, organization, "server", "audit.dropped")
        });
    }
    let written = deps.store.append_audit(&rows, deps.clock.now_ms()).await;
    if written.is_err() {
        deps.audit.queue.put_back(waiting);
    }
    Ok(written?)
}

fn row(deps: &Deps, executed: &Executed) -> AuditRow {
    AuditRow {
        at: executed.at,
        connector_id: Some(executed.connector_id.clone()),
        outcome: executed.outcome.to_owned(),
        intent: executed.intent.as_deref().map(|intent| bounded(intent, INTENT_MAX)),
        ..by_caller(deps, &executed.caller, &executed.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::access::{Identity, Scope};

    fn executed(number: usize) -> Executed {
        let identity = Identity {
            organization_id: "o".to_owned(),
            credential_id: "c".to_owned(),
            scope: Scope::Organization,
        };
        Executed {
            caller: Caller::new(identity),
            at: 0,
            connector_id: String::new(),
            operation: number.to_string(),
            outcome: "ok",
            intent: None,
        }
    }

    #[test]
    fn a_full_queue_counts_what_it_drops_and_keeps_the_oldest() {
        let queue = Queue::default();
        for number in 0..WAITING_MAX + 3 {
            queue.push(executed(number));
        }
        let old = queue.take();
        assert_eq!((old.executed.len(), old.dropped.get("o")), (WAITING_MAX, Some(&3)));
        queue.push(executed(7));
        queue.put_back(old);
        let again = queue.take();
        assert_eq!((again.executed.len(), again.dropped.get("o")), (WAITING_MAX, Some(&4)));
        assert_eq!(again.executed.first().map(|first| first.operation.as_str()), Some("0"));
        assert!(queue.take().executed.is_empty());
    }
}
