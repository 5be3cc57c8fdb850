//! Test vectors of a definition: what each operation sends and what it makes of the answers, tried without a network.
//!
//! Knows the format of `vectors.yaml` and runs it through the call machine. Must not know files.
//! `docs/CONNECTORS.md` tells the format to authors.

mod compare;
mod format;

pub use format::{Vector, read};

use crate::call::{Answer, Call, Environment, Event, Fault, Settings, Shaping, Step, Target, find_operation};
use crate::plan::Plan;
use bytes::Bytes;
use format::{Exchange, to_response};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The clock of every vector, as `now_utc()` sees it.
pub const NOW: &str = "2026-01-02T03:04:05Z";

/// Runs one vector. Gives everything that differs from what it says; nothing when it holds.
pub fn run(plan: &Arc<Plan>, vector: &Vector) -> Vec<String> {
    let mut differences = Vec::new();
    let (outcome, asked) = drive(plan, vector, &mut differences);
    if asked < vector.exchange.len() && outcome.is_ok() {
        differences.push(format!("{} requests were expected, {asked} came", vector.exchange.len()));
    }
    match outcome {
        Err(message) => differences.push(message),
        Ok(Ok((answer, bytes))) => compare::answer(vector, &answer, &bytes, &mut differences),
        Ok(Err(fault)) => compare::fault(vector, &fault, &mut differences),
    }
    differences
}

/// Operations that no vector tries, as `entity action`.
pub fn untried(plan: &Plan, vectors: &[Vector]) -> Vec<String> {
    let tried: BTreeSet<(&str, &str)> =
        vectors.iter().map(|vector| (vector.entity.as_str(), vector.action.as_str())).collect();
    plan.operations
        .iter()
        .filter(|operation| !tried.contains(&(operation.entity.as_str(), operation.action.name())))
        .map(|operation| format!("{} {}", operation.entity, operation.action.name()))
        .collect()
}

/// `Err`: the vector cannot be run to its end.
type Outcome = Result<Result<(Answer, Bytes), Fault>, String>;

/// Gives the machine the vector's answers in order and compares each request. Also says how many requests came.
fn drive(plan: &Arc<Plan>, vector: &Vector, differences: &mut Vec<String>) -> (Outcome, usize) {
    let mut call = match begin(plan, vector) {
        Ok(Ok(call)) => call,
        Ok(Err(fault)) => return (Ok(Err(fault)), 0),
        Err(message) => return (Err(message), 0),
    };
    let (mut step, mut asked, mut bytes) = (call.start(), 0, Bytes::new());
    loop {
        let event = match step {
            Step::Done(answer) => return (Ok(Ok((answer, bytes))), asked),
            Step::Fail(fault) => return (Ok(Err(fault)), asked),
            Step::Wait(_) => Event::Waited,
            // The token is renewed where the vector still has an answer for the repeated request.
            Step::Refresh if asked < vector.exchange.len() => Event::Refreshed(None),
            Step::Refresh => Event::NotRefreshed,
            Step::Send(unsigned) => {
                let Some(Exchange { request, response }) = vector.exchange.get(asked) else {
                    let message = format!("an unexpected request: {} {}", unsigned.method, unsigned.url);
                    return (Err(message), asked);
                };
                asked += 1;
                compare::request(request, &unsigned, asked, differences);
                let response = match to_response(response) {
                    Ok(response) => response,
                    Err(message) => return (Err(format!("answer {asked}: {message}")), asked),
                };
                if unsigned.stream && response.status.is_success() {
                    bytes = response.body;
                    Event::Head(response.status, response.headers)
                } else {
                    Event::Response(response)
                }
            }
        };
        step = call.on(event, Duration::ZERO);
    }
}

fn begin(plan: &Arc<Plan>, vector: &Vector) -> Result<Result<Call, Fault>, String> {
    let operation = match find_operation(plan, &vector.entity, &vector.action) {
        Ok(operation) => operation,
        Err(fault) => return Ok(Err(fault)),
    };
    let environment = Environment(vector.environment.clone().into_iter().collect());
    let target = Target::new(plan, &environment).map_err(|error| format!("environment: {error}"))?;
    let settings = Settings {
        max_attempts: u32::try_from(vector.exchange.len()).unwrap_or(u32::MAX).max(1),
        retry_base_delay: Duration::ZERO,
        deadline: Duration::from_hours(1),
        now: NOW.parse().map_err(|_| format!("{NOW} is no time"))?,
        random: 1,
    };
    let params = vector.params.clone();
    Ok(Call::new(Arc::clone(plan), Arc::new(target), operation, params, Shaping::default(), settings))
}
