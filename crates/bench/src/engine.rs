//! The connector engine beside a plain parse of the same bytes: loading definitions, rendering a request, slicing an answer.
//!
//! Knows the connector crate's public API and which parse each part is compared with. Must not know how numbers are
//! printed. Everything runs in this process, on one thread; the two sides alternate, and the medians of their rounds count.

use crate::definition;
use crate::documents::Document;
use crate::load::now;
use crate::upstream::{HUGE, page};
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use keybearer_connector::call::{
    Call, Environment, Event, Response, Settings, Shaping, Step, Target, find_operation,
};
use keybearer_connector::document::{Additions, load, peek};
use keybearer_connector::plan::Plan;
use saphyr_parser::Parser;
use serde_json::{Map, Value, json};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// One part of the engine beside a parse.
#[derive(Debug)]
pub(crate) struct Part {
    /// What the engine does.
    pub(crate) name: String,
    /// What it is compared with.
    pub(crate) parse: &'static str,
    /// Median time of one run of the engine.
    pub(crate) ours: Duration,
    /// Median time of one run of the parse.
    pub(crate) theirs: Duration,
    /// Largest ratio that is wanted.
    pub(crate) at_most: Option<f64>,
}

impl Part {
    /// The engine's time in units of the parse's.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.as_secs_f64() / self.theirs.as_secs_f64()
    }
}

/// Slicing an answer, in units of a parse into values.
const SLICING: f64 = 0.5;
/// Requests rendered in one round, since one is too short to be timed.
const REQUESTS: u32 = 20_000;
/// Answers sliced in one round.
const ANSWERS: u32 = 20;

/// All parts.
pub(crate) fn measure(documents: &[Document], rounds: usize) -> Result<Vec<Part>> {
    let mut parts = loading(documents, rounds)?;
    let calls = Calls::new()?;
    parts.push(calls.rendering(rounds)?);
    parts.push(calls.slicing(rounds)?);
    Ok(parts)
}

/// Medians of one run of each side, which take turns.
fn alternate(
    rounds: usize,
    runs: u32,
    mut ours: impl FnMut() -> Result<()>,
    mut theirs: impl FnMut() -> Result<()>,
) -> Result<(Duration, Duration)> {
    let mut times = [Vec::new(), Vec::new()];
    // The first round only warms up.
    for round in 0..=rounds {
        let sides: [&mut dyn FnMut() -> Result<()>; 2] = [&mut theirs, &mut ours];
        for (run, times) in sides.into_iter().zip(&mut times) {
            let started = now();
            for _ in 0..runs {
                run()?;
            }
            if round > 0 {
                times.push(started.elapsed() / runs);
            }
        }
    }
    let [theirs, ours] = times.map(|mut times| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    });
    Ok((ours, theirs))
}

/// All documents: compiled at once (cold), and only their names (lazy: what a start reads of them).
fn loading(documents: &[Document], rounds: usize) -> Result<Vec<Part>> {
    let cold = || {
        documents.iter().try_for_each(|(name, source)| {
            black_box(load(source, &Additions::none()).map_err(|problems| {
                let problem = problems.first().map(ToString::to_string).unwrap_or_default();
                anyhow!("{name}:{problem}")
            })?);
            Ok(())
        })
    };
    let lazy = || {
        documents.iter().try_for_each(|(name, source)| {
            black_box(peek(source).with_context(|| format!("{name} has no name"))?);
            Ok(())
        })
    };
    let events = || {
        documents.iter().try_for_each(|(name, source)| {
            for event in Parser::new_from_str(source) {
                black_box(event.with_context(|| name.clone())?);
            }
            Ok(())
        })
    };
    let bytes: usize = documents.iter().map(|(_, source)| source.len()).sum();
    let size = format!("{} documents, {:.1} MB", documents.len(), megabytes(bytes));
    let (ours, theirs) = alternate(rounds, 1, cold, events)?;
    let (names, again) = alternate(rounds, 1, lazy, events)?;
    let part = |name: &str, ours, theirs| Part {
        name: format!("{name} {size}"),
        parse: "YAML events",
        ours,
        theirs,
        at_most: None,
    };
    Ok(vec![part("load", ours, theirs), part("name", names, again)])
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Calls of the bench's one operation.
struct Calls {
    plan: Arc<Plan>,
    target: Arc<Target>,
    operation: usize,
}

impl Calls {
    fn new() -> Result<Self> {
        let document = definition::document(SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
        let plan = load(&document, &Additions::none()).map_err(|problems| anyhow!("{problems:?}"))?.plan;
        let target = Arc::new(Target::new(&plan, &Environment::default())?);
        let operation = find_operation(&plan, "contacts", "list").map_err(|fault| anyhow!(fault.message))?;
        Ok(Self { plan, target, operation })
    }

    fn begin(&self, params: Map<String, Value>) -> Result<Call> {
        let settings = Settings {
            max_attempts: 3,
            retry_base_delay: Duration::from_millis(200),
            deadline: Duration::from_secs(30),
            now: Timestamp::UNIX_EPOCH,
            random: 7,
        };
        let (plan, target) = (Arc::clone(&self.plan), Arc::clone(&self.target));
        Call::new(plan, target, self.operation, params, Shaping::default(), settings)
            .map_err(|fault| anyhow!(fault.message))
    }

    /// From parameters to the request, beside a parse of the execute's body.
    fn rendering(&self, rounds: usize) -> Result<Part> {
        let params =
            Map::from_iter([("limit".to_owned(), json!(100)), ("after".to_owned(), json!("NTI1Cg=="))]);
        let body = json!({"entity": "contacts", "action": "list", "params": params}).to_string();
        let (ours, theirs) = alternate(
            rounds,
            REQUESTS,
            || {
                black_box(self.begin(params.clone())?.start());
                Ok(())
            },
            || {
                black_box(serde_json::from_str::<Value>(&body)?);
                Ok(())
            },
        )?;
        Ok(Part {
            name: "render a request".to_owned(),
            parse: "its execute's body into values",
            ours,
            theirs,
            at_most: None,
        })
    }

    /// From the answer's bytes to the result's, beside a parse into values.
    fn slicing(&self, rounds: usize) -> Result<Part> {
        let body = page(HUGE);
        let (ours, theirs) = alternate(
            rounds,
            ANSWERS,
            || self.slice(body.clone()),
            || {
                black_box(serde_json::from_slice::<Value>(&body)?);
                Ok(())
            },
        )?;
        Ok(Part {
            name: format!("slice an answer of {:.1} MB", megabytes(body.len())),
            parse: "the answer into values",
            ours,
            theirs,
            at_most: Some(SLICING),
        })
    }

    fn slice(&self, body: Bytes) -> Result<()> {
        let mut call = self.begin(Map::new())?;
        call.start();
        let response = Response { status: StatusCode::OK, headers: HeaderMap::new(), body };
        match call.on(Event::Response(response), Duration::ZERO) {
            Step::Done(answer) if answer.meta.has_next_page => {
                black_box(answer);
                Ok(())
            }
            other => bail!("the answer was not read: {other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_sides_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let side = |letter| {
            order.borrow_mut().push(letter);
            Ok(())
        };
        alternate(2, 2, || side('o'), || side('t')).unwrap();
        assert_eq!(order.into_inner(), "ttoottoottoo");
    }

    #[test]
    fn what_is_measured_happens() {
        let calls = Calls::new().unwrap();
        let params = Map::from_iter([("after".to_owned(), json!("NTI1"))]);
        assert!(
            matches!(calls.begin(params).unwrap().start(), Step::Send(sent) if sent.url.query() == Some("after=NTI1"))
        );
        calls.slice(page(3)).unwrap();
        assert!(calls.slice(Bytes::from_static(b"{")).is_err());
    }
}
