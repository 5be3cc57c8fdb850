//! The calls of one check: sequential, bounded in number and time, with parameters taken from other entities' records
//! where the definition says whose.
//!
//! Knows which calls a check makes. Must not know what a check's answer looks like.

use super::{Ready, drive};
use crate::core::Deps;
use crate::core::error::{Error, Kind};
use keybearer_connector::call::{OpenParam, PageSize, Probe, Shaping, parent_records, parent_value, probe};
use keybearer_connector::plan::Action;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Most calls of one check: each entity that may be asked for, and as many parents.
const CALLS: usize = 200;
/// All its time.
const TIME: Duration = Duration::from_mins(1);
/// Most parents above each other.
const DEPTH: usize = 5;

/// Why a probe did not succeed.
#[derive(Clone)]
pub(super) struct Finding {
    /// `failed` or `inconclusive`.
    pub(super) status: &'static str,
    /// The provider's status, where it refused.
    pub(super) status_code: Option<i64>,
    /// For the caller.
    pub(super) message: String,
    /// The credential itself is refused: every other call would end alike.
    refused: bool,
}

/// For which parameters other entities' records are looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// Those without which there is no call: enough to see whether the credential works.
    ForRequired,
    /// All that the definition says come from there: many providers list nothing without them.
    ForAll,
}

/// Makes the calls of one check.
pub(super) struct Prober<'a> {
    deps: &'a Arc<Deps>,
    ready: Arc<Ready>,
    looks: Looks,
    started: Duration,
    calls: usize,
    refused: Option<Finding>,
    lists: HashMap<(usize, PageSize), Result<Arc<Value>, Finding>>,
}

impl Finding {
    pub(super) fn inconclusive(message: impl Into<String>) -> Self {
        Self { status: "inconclusive", status_code: None, message: message.into(), refused: false }
    }

    fn of(error: &Error) -> Self {
        let refused = matches!(error.kind, Kind::ReauthorizationRequired | Kind::AppMisconfigured);
        Self {
            status: verdict(error.kind),
            status_code: error.details.get("upstream_status").and_then(Value::as_i64),
            message: error.message.to_string(),
            refused,
        }
    }

    /// What a parent's finding means for the entity that needs its records.
    fn of_parent(self, parent: &str, param: &str) -> Self {
        if self.refused {
            return self;
        }
        let message = format!(
            "A value for {param:?} comes from {parent}, and listing that did not work: {}",
            self.message
        );
        Self { status: "inconclusive", message, ..self }
    }
}

/// A provider that cannot be reached says nothing about the credential, nor does a call that could not be made.
fn verdict(kind: Kind) -> &'static str {
    match kind {
        Kind::UpstreamError
        | Kind::UpstreamTimeout
        | Kind::UpstreamRateLimited
        | Kind::RefreshInProgress
        | Kind::ConnectorBusy
        | Kind::TokenEndpointError
        | Kind::InvalidParams
        | Kind::Internal
        | Kind::Unavailable => "inconclusive",
        _ => "failed",
    }
}

impl<'a> Prober<'a> {
    pub(super) fn new(deps: &'a Arc<Deps>, ready: Arc<Ready>, looks: Looks) -> Self {
        let started = deps.clock.ticks();
        Self { deps, ready, looks, started, calls: 0, refused: None, lists: HashMap::new() }
    }

    /// Calls one operation as lightly as it can be called.
    pub(super) async fn probe(&mut self, position: usize) -> Result<(), Finding> {
        let known =
            self.lists.get(&(position, PageSize::Least)).or(self.lists.get(&(position, PageSize::Usual)));
        if let Some(listed) = known {
            return listed.clone().map(|_| ());
        }
        self.call(position, PageSize::Least, 0).await.map(|_| ())
    }

    /// What others may need of an operation's result. It is called with parameters from wherever they come, and once only.
    async fn call(&mut self, position: usize, page: PageSize, depth: usize) -> Result<Arc<Value>, Finding> {
        // Stands while the call is prepared, for entities whose parameters come from each other's records.
        let circle = "its parameters come from its own records, by way of others";
        self.lists.insert((position, page), Err(Finding::inconclusive(circle)));
        let result = match Box::pin(self.params(position, page, depth)).await {
            Ok(params) => self.send(position, params).await.map(Arc::new),
            Err(finding) => Err(finding),
        };
        self.lists.insert((position, page), result.clone());
        result
    }

    async fn params(
        &mut self,
        position: usize,
        page: PageSize,
        depth: usize,
    ) -> Result<Map<String, Value>, Finding> {
        let ready = Arc::clone(&self.ready);
        let operation =
            ready.plan.operations.get(position).ok_or_else(|| Finding::inconclusive("no such operation"))?;
        let now = self.deps.clock.timestamp();
        let probe = probe(&ready.plan, operation, &ready.target.environment, page, now);
        let Probe { mut params, open } = probe.map_err(|fault| Finding::inconclusive(fault.message))?;
        let looks = self.looks;
        for param in open.iter().filter(|param| param.required || looks == Looks::ForAll) {
            match self.value_of_parent(param, &operation.entity, depth).await {
                Ok(value) => {
                    params.insert(param.name.to_owned(), value);
                }
                Err(finding) if finding.refused || !params.contains_key(param.name) => return Err(finding),
                Err(_) => {}
            }
        }
        Ok(params)
    }

    /// A value for a parameter, out of the first record of its parent that has one.
    async fn value_of_parent(
        &mut self,
        param: &OpenParam<'_>,
        entity: &str,
        depth: usize,
    ) -> Result<Value, Finding> {
        let name = param.name;
        let Some(relationship) = param.parent else {
            let why = format!(
                "{name:?} is required, and neither the configuration nor another entity gives a value"
            );
            return Err(Finding::inconclusive(why));
        };
        let parent = relationship.parent.as_str();
        let list = self.ready.plan.position(parent, Action::List).filter(|_| parent != entity);
        let Some(list) = list else {
            let why = format!("{name:?} comes from a record of {parent}, which cannot be listed first");
            return Err(Finding::inconclusive(why));
        };
        if depth >= DEPTH {
            let why = format!("{name:?} comes from {parent}, which is more than {DEPTH} entities away");
            return Err(Finding::inconclusive(why));
        }
        let page = if relationship.filter.is_empty() { PageSize::Least } else { PageSize::Usual };
        let known = self.lists.get(&(list, page)).or(self.lists.get(&(list, PageSize::Usual))).cloned();
        let listed = match known {
            Some(listed) => listed,
            None => self.call(list, page, depth + 1).await,
        };
        let records = listed.map_err(|finding| finding.of_parent(parent, name))?;
        parent_value(relationship, &records).ok_or_else(|| {
            let key = &relationship.key;
            Finding::inconclusive(format!(
                "{name:?} takes the {key} of a record of {parent}, and no such record came"
            ))
        })
    }

    async fn send(&mut self, position: usize, params: Map<String, Value>) -> Result<Value, Finding> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let left = TIME.saturating_sub(self.deps.clock.ticks().saturating_sub(self.started));
        if self.calls >= CALLS || left.is_zero() {
            let why =
                format!("Not called: a check makes at most {CALLS} calls in {} seconds", TIME.as_secs());
            return Err(Finding::inconclusive(why));
        }
        self.calls += 1;
        let driven = drive(self.deps, Arc::clone(&self.ready), position, params, Shaping::default(), None);
        let driven = tokio::time::timeout(left, driven).await;
        let driven = driven.map_err(|_| Finding::inconclusive("The time of the check was used up"))?;
        match driven {
            Ok(driven) => {
                self.ready = driven.ready;
                let plan = &self.ready.plan;
                let entity = plan.operations.get(position).map(|operation| operation.entity.as_str());
                let json = driven.answer.result.json().unwrap_or_default();
                Ok(parent_records(plan, entity.unwrap_or_default(), json))
            }
            Err(error) => {
                let finding = Finding::of(&error);
                if finding.refused {
                    self.refused = Some(finding.clone());
                }
                Err(finding)
            }
        }
    }
}
