//! The one loop that drives the call machine: send, refresh, wait, until there is an answer or a fault.
//!
//! Knows egress and grants. Must not read connector rows except to take up what changed since the call began: a
//! refreshed grant, or anything while it waited for its place.

use super::fresh::{fresh, renewed};
use super::{Ready, fault_error, gate, ready};
use crate::core::Deps;
use crate::core::error::{Error, Kind, Result};
use crate::core::idempotency::Keyed;
use crate::egress::{BodyStream, Received};
use keybearer_connector::call::{Answer, Call, Event, Settings, Shaping, Step, Unsigned};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Tries of one attempt in all.
const ATTEMPTS: u32 = 3;

/// An answer, and the bytes that stream behind it.
pub struct Driven {
    /// The answer.
    pub answer: Answer,
    /// File bytes, for a streamed answer.
    pub body: Option<BodyStream>,
    /// Counts as running until the answer is written.
    pub place: gate::Place,
    /// The connector as it was in the end: with a newer token, where it was refreshed on the way.
    pub ready: Arc<Ready>,
}

/// Runs one operation. Its key, if it has one, is claimed right before the first request that goes to the provider's API.
pub async fn drive(
    deps: &Arc<Deps>,
    ready: Arc<Ready>,
    operation: usize,
    params: Map<String, Value>,
    shaping: Shaping,
    keyed: Option<&Keyed>,
) -> Result<Driven> {
    let started = deps.clock.ticks();
    let settings = Settings {
        max_attempts: ATTEMPTS,
        retry_base_delay: deps.settings.retry_base_delay,
        deadline: deps.settings.upstream_timeout,
        now: deps.clock.timestamp(),
        random: deps.dice.number(),
    };
    let target = Arc::clone(&ready.target);
    // Before any renewal: a call with wrong parameters causes no request at all.
    let call = Call::new(Arc::clone(&ready.plan), Arc::clone(&target), operation, params, shaping, settings);
    let mut call = call.map_err(|fault| fault_error(fault, &ready))?;
    let room = gate::enter_organization(&ready.organization_gate)?;
    let (place, ready) = match gate::enter(&ready.gate) {
        Some(place) => (place, ready),
        // Boxed, because it is rare: its state would be moved with every call otherwise.
        None => Box::pin(queued(deps, &ready)).await?,
    };
    let place = gate::Place::new(place, room);
    let version = ready.grant.version;
    let ready = fresh(deps, ready).await?;
    let renewed = ready.grant.version != version;
    if !Arc::ptr_eq(&ready.target, &target) {
        // The token answer, or a reconnect while the call waited, may have named another server.
        call.retarget(Arc::clone(&ready.target)).map_err(|fault| fault_error(fault, &ready))?;
    }
    let mut drive = Drive { deps, ready, started, body: None, unclaimed: keyed, renewed };
    let answer = drive.run(call).await?;
    Ok(Driven { answer, body: drive.body, place, ready: drive.ready })
}

struct Drive<'a> {
    deps: &'a Arc<Deps>,
    ready: Arc<Ready>,
    started: Duration,
    body: Option<BodyStream>,
    /// A key that is not claimed yet.
    unclaimed: Option<&'a Keyed>,
    /// The access token was renewed for this call.
    renewed: bool,
}

impl Drive<'_> {
    async fn run(&mut self, mut call: Call) -> Result<Answer> {
        let mut step = call.start();
        loop {
            let event = match step {
                Step::Send(unsigned) => self.send(unsigned).await?,
                Step::Refresh => self.refresh().await?,
                Step::Wait(pause) => {
                    tokio::time::sleep(pause).await;
                    Event::Waited
                }
                Step::Done(answer) => return Ok(answer),
                Step::Fail(fault) => return Err(fault_error(fault, &self.ready)),
            };
            step = call.on(event, self.elapsed());
        }
    }

    fn elapsed(&self) -> Duration {
        self.deps.clock.ticks().saturating_sub(self.started)
    }

    async fn send(&mut self, unsigned: Unsigned) -> Result<Event> {
        let admitted = match self.deps.egress.admit(unsigned, &self.ready.reach) {
            Ok(admitted) => admitted,
            Err(unreachable) => return Ok(Event::Unreachable(unreachable)),
        };
        // Never without the credential: an answer to a stranger says nothing about the user's account.
        let Some(attachment) = &self.ready.attachment else {
            return Err(super::reauthorization_required("There is no access token yet", &self.ready));
        };
        let signed = admitted.attach(attachment);
        let left = |drive: &Self| drive.deps.settings.upstream_timeout.saturating_sub(drive.elapsed());
        if left(self).is_zero() {
            return Err(self.too_late());
        }
        if let Some(keyed) = self.unclaimed.take() {
            Box::pin(keyed.claim(self.deps)).await?;
        }
        let left = left(self);
        Ok(match self.deps.egress.send(signed, left).await {
            Ok(Received::Whole(response)) => Event::Response(response),
            Ok(Received::Streaming { status, headers, body }) => {
                self.body = Some(body);
                Event::Head(status, headers)
            }
            Err(unreachable) => Event::Unreachable(unreachable),
        })
    }

    /// The time was used up before anything was sent: by others' calls, or by a renewal, which the next call profits of.
    fn too_late(&self) -> Error {
        if self.renewed {
            let text =
                "The access token was being renewed until no time was left for the call; send it again";
            return Error::new(Kind::RefreshInProgress, text)
                .with("retryable", true)
                .with("retry_after_seconds", 1);
        }
        Error::new(Kind::UpstreamTimeout, "The time was used up before the request was sent")
            .with("retryable", true)
    }

    /// The provider answered 401. Where nothing can be refreshed, the fault says so; a failed renewal is an error of its own.
    async fn refresh(&mut self) -> Result<Event> {
        if !self.ready.grant.refreshable || self.ready.connector_id.is_none() {
            return Ok(Event::NotRefreshed);
        }
        self.ready = Box::pin(renewed(self.deps, &self.ready)).await?;
        self.renewed = true;
        Ok(Event::Refreshed(Some(Arc::clone(&self.ready.target))))
    }
}

/// A place that was waited for, and the connector as it is by then: it may have been deleted or connected anew.
async fn queued(deps: &Arc<Deps>, ready: &Arc<Ready>) -> Result<(OwnedSemaphorePermit, Arc<Ready>)> {
    // A tenth is left for the call itself: who waited for all of the time could not do anything with the place.
    let patience = deps.settings.upstream_timeout.mul_f32(0.9);
    let place = gate::wait(&ready.gate, patience).await?;
    Ok((place, ready::current(deps, ready).await?))
}
