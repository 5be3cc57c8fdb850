//! The audit log: who did what, on whose account, and how it ended.
//!
//! Knows what an entry says and how long its texts may be. Must not know parameters, results or secrets: none is ever
//! handed in. A management change carries its entry in its own transaction ([`crate::store::Store::audited`]); an
//! execute is queued ([`queue`]); [`chain`] links both, [`verify()`] proves that they are as they were written, [`prune()`]
//! removes the oldest.

pub mod chain;
mod prune;
pub mod queue;
mod verify;

pub use chain::Chain;
pub use prune::prune;
pub use queue::{Executed, Queue, flush};
pub use verify::{Fault, Pruned, Verdict, verify};

use crate::core::Deps;
use crate::core::access::Caller;
use crate::core::error::Result;
use crate::store::{AuditFilter, AuditRow};

/// Longest operation name, in characters: entity and action of a call that failed are the caller's own text.
const OPERATION_MAX: usize = 200;
/// Longest intent, in characters.
const INTENT_MAX: usize = 500;

/// Everything of this process that the log needs.
pub struct Audit {
    /// Executes on their way into the log.
    pub queue: Queue,
    /// What links entries.
    pub chain: Chain,
}

/// An entry of a caller's change that is about to be made.
pub fn by_caller(deps: &Deps, caller: &Caller, operation: &str) -> AuditRow {
    let actor = match caller.workspace() {
        _ if caller.is_operator() => "operator",
        Some(_) => "scoped",
        None => "application",
    };
    AuditRow {
        credential_id: Some(caller.credential_id().to_owned()).filter(|_| !caller.is_operator()),
        workspace_id: caller.workspace().map(str::to_owned),
        request_id: caller.request_id().map(str::to_owned),
        ..entry(deps, caller.organization(), actor, operation)
    }
}

/// An entry of a change that `browser`, `operator` or `server` makes.
pub fn entry(deps: &Deps, organization: &str, actor: &str, operation: &str) -> AuditRow {
    AuditRow {
        id: deps.random.uuid_v7(&deps.clock),
        organization_id: organization.to_owned(),
        at: deps.clock.now_ms(),
        actor: actor.to_owned(),
        credential_id: None,
        workspace_id: None,
        connector_id: None,
        subject: None,
        operation: bounded(operation, OPERATION_MAX),
        outcome: "ok".to_owned(),
        intent: None,
        request_id: None,
        seq: None,
        prev_hash: None,
        hash: None,
    }
}

/// A page of the caller's organization, oldest first.
pub async fn list(deps: &Deps, caller: &Caller, filter: &AuditFilter) -> Result<Vec<AuditRow>> {
    list_of(deps, caller.organization(), filter).await
}

/// A page of an organization. For the operator.
pub async fn list_of(deps: &Deps, organization: &str, filter: &AuditFilter) -> Result<Vec<AuditRow>> {
    Ok(deps.store.list_audit(organization, filter).await?)
}

/// Without control characters, which could forge lines of an export.
fn bounded(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}
