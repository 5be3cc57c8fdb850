//! How a refresh ended, and what its callers are told.
//!
//! Knows outcomes and their errors. Must not know claims, stores or providers.

use super::machine::Outcome;
use super::rest::Rest;
use super::single_flight::Refreshed;
use super::token_endpoint_error;
use crate::core::Deps;
use crate::core::error::{Error, Kind, Result};
use std::time::Duration;

/// Why a grant is not renewed any more although the provider never refused it.
pub(super) const UNRESOLVED: &str = "Two renewals were left unanswered as far as this server knows, and a third could be taken for theft of the \
    refresh token; connect again, or ask the operator to let it be sent once more (`keybearer grants resend`)";
/// A pause of the row itself is told as this.
const PAUSE: Duration = Duration::from_secs(30);

/// Whether no later call can succeed by itself although the grant may live.
pub fn is_final(error: &Error) -> bool {
    error.kind == Kind::TokenEndpointError && error.details.get("retryable") == Some(&false.into())
}

/// An ended refresh.
#[derive(Clone)]
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    /// In words, for the error and the log; never a secret.
    pub(super) why: Option<String>,
    /// The provider asked for this pause, or its endpoint is asked again after it.
    pub(super) retry_after: Option<Duration>,
}

/// What the last refresh in this process came to, where nothing else can come out of another one yet.
pub(super) fn resting(deps: &Deps, grant_id: &str) -> Option<Finished> {
    match deps.rests.of(grant_id, deps.clock.now_ms())? {
        Rest::Misconfigured => {
            Some(Finished { outcome: Outcome::Misconfigured, why: None, retry_after: None })
        }
        Rest::Told { left } => Some(Finished {
            outcome: Outcome::Failed,
            why: Some("the provider asked for a pause".to_owned()),
            retry_after: Some(left),
        }),
        Rest::Failed => None,
    }
}

pub(super) fn conclude(finished: Finished) -> Result<Refreshed> {
    let why = finished.why.unwrap_or_default();
    match finished.outcome {
        Outcome::Renewed => Ok(Refreshed),
        Outcome::Gone => Err(Error::not_found()),
        Outcome::Dead => Err(Error::new(
            Kind::ReauthorizationRequired,
            "The provider refused to renew the access; the user has to connect again",
        )),
        Outcome::NotRefreshable => Err(Error::new(
            Kind::ReauthorizationRequired,
            "The access has ended and cannot be renewed; the user has to connect again",
        )),
        Outcome::Resting => {
            let unanswered = "the provider left a renewal unanswered; it is repeated later";
            let why = if why.is_empty() { unanswered } else { &why };
            Err(told(token_endpoint_error(why), finished.retry_after.or(Some(PAUSE))))
        }
        Outcome::Unresolved => Err(Error::new(Kind::TokenEndpointError, UNRESOLVED).with("retryable", false)),
        Outcome::Misconfigured => Err(Error::new(
            Kind::AppMisconfigured,
            "The provider refused the OAuth app that this connector was authorized with; correct its client secret with PUT /oauth/credentials",
        )),
        Outcome::Failed => Err(told(token_endpoint_error(&why), finished.retry_after)),
    }
}

/// Rounded up, so that who waits so long is not too early.
fn told(error: Error, retry_after: Option<Duration>) -> Error {
    match retry_after {
        Some(after) => error
            .with("retry_after_seconds", u64::try_from(after.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)),
        None => error,
    }
}
