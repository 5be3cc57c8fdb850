//! The machine of one call: what is sent, what an answer means, and when it ends.
//!
//! Knows the order of steps: attempts, refresh, redirects, the second step of a download. Must not do any of them itself.

use super::answer::{Answer, Shaping};
use super::download::{self, Wish};
use super::fault::{Fault, FaultKind};
use super::message::{Event, Response, Step, Unreachable};
use super::params::{self, Accepted};
use super::reading::{Reading, Refusal};
use super::request::{self, Prepared};
use super::settings::{Chance, Settings};
use super::target::Target;
use super::{detail, redirect, retry};
use crate::plan::{Action, ErrorMeaning, Operation, Plan};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// One execution of one operation. Pure: give it events, do what its steps say.
#[derive(Debug)]
pub struct Call {
    plan: Arc<Plan>,
    target: Arc<Target>,
    operation: usize,
    accepted: Accepted,
    shaping: Shaping,
    settings: Settings,
    chance: Chance,
    wish: Option<Wish>,
    /// The operation's own request, to begin again after a refresh.
    first: Arc<Prepared>,
    /// What was sent last.
    current: Arc<Prepared>,
    /// The answer to `current` points at the file.
    points_at_file: bool,
    attempts: u32,
    hops: u32,
    /// The provider's refusal of the credential that a refresh was asked for.
    refused: Option<Fault>,
}

impl Call {
    /// Checks the parameters and prepares the request; nothing is sent. `operation` is a position in
    /// [`Plan::operations`], as [`super::find_operation`] gives it.
    pub fn new(
        plan: Arc<Plan>,
        target: Arc<Target>,
        operation: usize,
        params: Map<String, Value>,
        shaping: Shaping,
        settings: Settings,
    ) -> Result<Self, Fault> {
        let found = plan.operations.get(operation).ok_or_else(gone)?;
        let accepted = params::accept(&plan, found, &target, params, settings.now)?;
        let mut chance = Chance(settings.random);
        let mut first = request::prepare(found, &target, &accepted, settings.now, &mut chance)?;
        let wish =
            if found.action == Action::Download { Some(Wish::read(&accepted.download)?) } else { None };
        let points_at_file = points_at_file(found);
        dress(&mut first, wish.as_ref(), points_at_file);
        let first = Arc::new(first);
        Ok(Self {
            plan,
            target,
            operation,
            accepted,
            shaping,
            settings,
            chance,
            wish,
            current: Arc::clone(&first),
            first,
            points_at_file,
            attempts: 0,
            hops: 0,
            refused: None,
        })
    }

    /// The first step.
    pub fn start(&mut self) -> Step {
        self.send()
    }

    /// The next step. `elapsed` is the time since [`Call::new`].
    pub fn on(&mut self, event: Event, elapsed: Duration) -> Step {
        match event {
            Event::Response(response) => self.answered(&response, elapsed),
            Event::Head(status, headers) => self.head(status, &headers),
            Event::Unreachable(why) => self.unreachable(&why, elapsed),
            Event::Refreshed(Some(target)) => self.begin_again(target),
            Event::NotRefreshed => {
                Step::Fail(self.refused.take().unwrap_or_else(|| {
                    Fault::new(FaultKind::Unauthorized, "the credential cannot be renewed")
                }))
            }
            Event::Refreshed(None) | Event::Waited => self.send(),
        }
    }

    fn send(&mut self) -> Step {
        self.attempts += 1;
        Step::Send(self.current.unsigned(&self.target))
    }

    /// The credential turned out to belong to another server: everything that was built for the old one is built anew.
    /// Nothing may be in flight.
    pub fn retarget(&mut self, target: Arc<Target>) -> Result<(), Fault> {
        let plan = Arc::clone(&self.plan);
        let operation = plan.operations.get(self.operation).ok_or_else(gone)?;
        let points_at_file = points_at_file(operation);
        let now = self.settings.now;
        let mut first = request::prepare(operation, &target, &self.accepted, now, &mut self.chance)?;
        dress(&mut first, self.wish.as_ref(), points_at_file);
        let first = Arc::new(first);
        self.points_at_file = points_at_file;
        (self.target, self.current, self.first, self.hops) = (target, Arc::clone(&first), first, 0);
        Ok(())
    }

    fn begin_again(&mut self, target: Arc<Target>) -> Step {
        match self.retarget(target) {
            Ok(()) => self.send(),
            Err(fault) => Step::Fail(fault),
        }
    }

    fn provider(&self) -> &str {
        &self.plan.info.display_name
    }

    fn operation(&self) -> Option<&Operation> {
        self.plan.operations.get(self.operation)
    }

    fn answered(&mut self, response: &Response, elapsed: Duration) -> Step {
        let status = response.status;
        if redirect::is_redirect(status, &response.headers) {
            return self.redirected(status, &response.headers);
        }
        if status.is_client_error() || status.is_server_error() {
            let fault = detail::fault(self.provider(), status, &response.headers, &response.body);
            return self.failed(fault, &response.headers, elapsed);
        }
        match self.read(response) {
            Ok(step) => step,
            Err(Refusal::Said(meaning, fault)) => {
                let fault = Fault { upstream_status: Some(status.as_u16()), ..fault };
                if meaning == ErrorMeaning::Rejected {
                    Step::Fail(fault)
                } else {
                    self.failed(fault, &response.headers, elapsed)
                }
            }
            Err(Refusal::Unreadable(fault)) => {
                Step::Fail(Fault { upstream_status: Some(status.as_u16()), ..fault })
            }
        }
    }

    /// A good answer: the result, or the way to the file.
    fn read(&mut self, response: &Response) -> Result<Step, Refusal> {
        let Some(operation) = self.operation() else { return Ok(Step::Fail(gone())) };
        let Some(wish) = &self.wish else {
            let reading = Reading {
                plan: &self.plan,
                operation,
                target: &self.target,
                accepted: &self.accepted,
                shaping: &self.shaping,
                now: self.settings.now,
            };
            return reading.read(response).map(Step::Done);
        };
        if let (true, Some(file_url)) = (
            self.points_at_file,
            operation.download.as_ref().and_then(|download| download.file_url.as_deref()),
        ) {
            let mut second = download::second_step(file_url, &self.target, &self.accepted, response)
                .map_err(Refusal::Unreadable)?;
            wish.dress(&mut second);
            self.points_at_file = false;
            self.current = Arc::new(second);
            self.attempts = 0;
            return Ok(self.send());
        }
        match &wish.chunk {
            Some(chunk) => chunk.answer(response).map(Step::Done).map_err(Refusal::Unreadable),
            None => Ok(Step::Done(self.streamed(response.status, &response.headers))),
        }
    }

    fn head(&self, status: StatusCode, headers: &HeaderMap) -> Step {
        Step::Done(self.streamed(status, headers))
    }

    fn streamed(&self, status: StatusCode, headers: &HeaderMap) -> Answer {
        download::stream(status, headers, &self.current.url)
    }

    /// An error of the provider: refresh, another attempt, or the end.
    fn failed(&mut self, mut fault: Fault, headers: &HeaderMap, elapsed: Duration) -> Step {
        if fault.kind == FaultKind::Unauthorized {
            return self.unauthorized(fault);
        }
        let now = self
            .settings
            .now
            .checked_add(jiff::SignedDuration::try_from(elapsed).unwrap_or_default())
            .unwrap_or(self.settings.now);
        let said_in_body = fault.kind == FaultKind::UpstreamRateLimited;
        let listed = fault.upstream_status.is_some_and(|status| self.plan.retry.statuses.contains(&status));
        fault.retryable |= listed;
        fault.retry_after = retry::wish(&self.plan.retry, headers, now).filter(|_| fault.retryable);
        if listed || said_in_body { self.again(fault, elapsed) } else { Step::Fail(fault) }
    }

    /// Once per call, and only for a request that had the credential.
    fn unauthorized(&mut self, fault: Fault) -> Step {
        if !self.current.has_credential(&self.target) {
            return Step::Fail(Fault { kind: FaultKind::UpstreamForbidden, ..fault });
        }
        if self.refused.is_some() {
            return Step::Fail(fault);
        }
        self.refused = Some(fault);
        self.attempts = 0;
        // A redirect's target may have been chosen for the old credential: begin again.
        if self.hops > 0 && self.wish.is_none() {
            self.hops = 0;
            self.current = Arc::clone(&self.first);
        }
        Step::Refresh
    }

    /// Another attempt of a repeatable request, if there is time for it.
    fn again(&mut self, fault: Fault, elapsed: Duration) -> Step {
        let repeatable = self.operation().is_some_and(|operation| operation.repeatable);
        let delay = retry::delay(
            &self.plan.retry,
            &self.settings,
            self.attempts,
            fault.retry_after,
            elapsed,
            &mut self.chance,
        );
        match delay {
            Some(delay) if repeatable => Step::Wait(delay),
            _ => Step::Fail(fault),
        }
    }

    fn unreachable(&mut self, why: &Unreachable, elapsed: Duration) -> Step {
        let provider = self.provider();
        let repeatable = self.operation().is_some_and(|operation| operation.repeatable);
        let perhaps = if repeatable { "" } else { "; the operation may have been carried out" };
        let (kind, message) = match why {
            Unreachable::Connect => (FaultKind::UpstreamError, format!("{provider} could not be reached")),
            Unreachable::ConnectTimedOut => (
                FaultKind::UpstreamTimeout,
                format!("{provider} could not be reached in time; nothing was sent"),
            ),
            Unreachable::Untrusted(why) => {
                (FaultKind::UpstreamError, format!("{provider} could not be reached: its certificate {why}"))
            }
            Unreachable::TimedOut => {
                (FaultKind::UpstreamTimeout, format!("{provider} did not answer in time{perhaps}"))
            }
            Unreachable::Broken => (
                FaultKind::UpstreamError,
                format!("the connection to {provider} broke before its answer was complete{perhaps}"),
            ),
            Unreachable::Blocked(why) => {
                (FaultKind::UpstreamBlocked, format!("the request was not sent: {why}"))
            }
            Unreachable::TooLarge => (
                FaultKind::UpstreamResponseTooLarge,
                format!(
                    "{provider}'s answer is larger than this server accepts; ask for fewer or smaller records{perhaps}"
                ),
            ),
        };
        let transient = matches!(
            why,
            Unreachable::Connect | Unreachable::ConnectTimedOut | Unreachable::TimedOut | Unreachable::Broken
        );
        let retryable = transient && (repeatable || !why.may_have_been_sent());
        let fault = Fault { retryable, ..Fault::new(kind, message) };
        let listed = match why {
            Unreachable::ConnectTimedOut | Unreachable::TimedOut => self.plan.retry.on_timeout,
            Unreachable::Connect | Unreachable::Broken => self.plan.retry.on_network_error,
            Unreachable::Untrusted(_) | Unreachable::Blocked(_) | Unreachable::TooLarge => false,
        };
        if listed { self.again(fault, elapsed) } else { Step::Fail(fault) }
    }

    fn redirected(&mut self, status: StatusCode, headers: &HeaderMap) -> Step {
        let refused = |why: &str| {
            let message =
                format!("{} answered with a redirect (HTTP {}) {why}", self.provider(), status.as_u16());
            Step::Fail(Fault {
                upstream_status: Some(status.as_u16()),
                ..Fault::new(FaultKind::UpstreamRedirectRefused, message)
            })
        };
        let sent = self.current.unsigned(&self.target);
        match redirect::next(&self.target, &sent, self.hops, headers) {
            Ok(hop) => {
                self.hops += 1;
                let credential = self.target.is_own_origin(&hop.url);
                self.current = Arc::new(Prepared {
                    url: hop.url,
                    credential,
                    headers: hop.headers,
                    ..Prepared::clone(&self.current)
                });
                self.attempts = self.attempts.saturating_sub(1);
                self.send()
            }
            Err(why) => refused(why),
        }
    }
}

fn gone() -> Fault {
    Fault::new(FaultKind::UnknownAction, "the definition has no such operation")
}

/// The operation's own answer is not the file but says where it is.
fn points_at_file(operation: &Operation) -> bool {
    operation.download.as_ref().is_some_and(|download| download.file_url.is_some())
}

/// A download in one step asks for the file at once.
fn dress(first: &mut Prepared, wish: Option<&Wish>, points_at_file: bool) {
    if let (Some(wish), false) = (wish, points_at_file) {
        wish.dress(first);
    }
}
