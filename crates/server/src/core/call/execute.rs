//! Execute: entity, action and parameters on a ready connector.
//!
//! Knows the pseudo-actions `check` and `describe` and how an operation is named. Must not know HTTP.

use super::{CheckReport, Driven, Ready, check, drive, fault_error, resolve};
use crate::core::Deps;
use crate::core::access::Caller;
use crate::core::describe;
use crate::core::error::{Error, Result};
use crate::core::idempotency::{Keyed, claim};
use keybearer_connector::call::{Shaping, find_operation};
use keybearer_connector::plan::Action;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What a caller asks for.
pub struct Execute {
    /// Entity; `*` with `check`, empty with `describe`.
    pub entity: String,
    /// Action.
    pub action: String,
    /// Parameters.
    pub params: Map<String, Value>,
    /// Shaping of the result.
    pub shaping: Shaping,
}

/// What came out.
pub enum Executed {
    /// An operation's answer.
    Answer(Box<Driven>),
    /// `check` on `*`.
    Check(CheckReport),
    /// `describe`.
    Description(Value),
}

/// Runs it. A call with a key is claimed before its first request, or where there is none before its answer.
pub async fn execute(
    deps: &Arc<Deps>,
    caller: &Caller,
    id: &str,
    ask: Execute,
    keyed: Option<&Keyed>,
) -> Result<Executed> {
    let ready = resolve(deps, caller, id).await?;
    match (ask.entity.as_str(), ask.action.as_str()) {
        ("*", "check") => {
            claim(deps, keyed).await?;
            Ok(Executed::Check(Box::pin(check(deps, ready, &[])).await?))
        }
        (entity, "describe") => {
            let description = describe_entity(deps, &ready, entity)?;
            claim(deps, keyed).await?;
            Ok(Executed::Description(description))
        }
        (entity, action) => {
            let operation =
                find_operation(&ready.plan, entity, action).map_err(|fault| fault_error(fault, &ready))?;
            if keyed.is_some() && is_download(&ready, operation) {
                return Err(Error::field(
                    "Idempotency-Key",
                    "not_allowed",
                    "is not accepted on downloads: they change nothing and may simply be repeated; leave the header out",
                ));
            }
            let driven = drive(deps, ready, operation, ask.params, ask.shaping, keyed).await?;
            Ok(Executed::Answer(Box::new(driven)))
        }
    }
}

fn is_download(ready: &Ready, operation: usize) -> bool {
    ready.plan.operations.get(operation).is_some_and(|operation| operation.action == Action::Download)
}

fn describe_entity(deps: &Deps, ready: &Ready, entity: &str) -> Result<Value> {
    let kind = deps.catalog.named(&ready.plan.info.slug)?;
    let filter = Some(entity).filter(|entity| !entity.is_empty() && *entity != "*");
    describe::entities(kind, filter)
}
