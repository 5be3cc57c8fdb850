//! Grants that this process leaves alone for a moment, because their last refresh could not succeed.
//!
//! Knows how long. Must not know rows: a new process, or another replica, asks the provider once more.

use super::machine::Outcome;
use quick_cache::sync::Cache;
use std::time::Duration;

/// A refused OAuth app is not presented again for so long, unless it is set anew.
const MISCONFIGURED: Duration = Duration::from_secs(30);
/// After a failure no refresh is begun ahead of the token's end for so long.
const FAILED: Duration = Duration::from_secs(10);
/// A pause that the provider asks for is kept up to this.
const LONGEST: Duration = Duration::from_mins(5);
/// Grants that are remembered.
const REMEMBERED: usize = 10_000;

/// By grant.
pub struct Rests(Cache<String, (Why, i64)>);

#[derive(Clone, Copy)]
enum Why {
    Misconfigured,
    Told,
    Failed,
}

/// Why a grant rests.
pub(super) enum Rest {
    /// The provider just refused its OAuth app.
    Misconfigured,
    /// The provider asked for a pause (`Retry-After`).
    Told {
        /// What is left of it.
        left: Duration,
    },
    /// Some other failure: a call that needs a token may ask all the same.
    Failed,
}

impl Default for Rests {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Rests {
    /// Notes how a refresh ended, at epoch milliseconds.
    pub(super) fn note(&self, grant_id: &str, outcome: Outcome, retry_after: Option<Duration>, now: i64) {
        let (why, pause) = match (outcome, retry_after) {
            (Outcome::Misconfigured, _) => (Why::Misconfigured, MISCONFIGURED),
            (Outcome::Failed, Some(after)) => (Why::Told, after.min(LONGEST)),
            (Outcome::Failed | Outcome::Resting | Outcome::Unresolved, _) => (Why::Failed, FAILED),
            _ => {
                self.0.remove(grant_id);
                return;
            }
        };
        let until = now + i64::try_from(pause.as_millis()).unwrap_or(0);
        self.0.insert(grant_id.to_owned(), (why, until));
    }

    /// Why the grant rests at this time, if it does.
    pub(super) fn of(&self, grant_id: &str, now: i64) -> Option<Rest> {
        let (why, until) = self.0.get(grant_id)?;
        let left = u64::try_from(until - now).ok().filter(|left| *left > 0)?;
        Some(match why {
            Why::Misconfigured => Rest::Misconfigured,
            Why::Told => Rest::Told { left: Duration::from_millis(left) },
            Why::Failed => Rest::Failed,
        })
    }

    /// A refresh may begin that no call waits for.
    pub fn may_go_ahead(&self, grant_id: &str, now: i64) -> bool {
        self.of(grant_id, now).is_none()
    }

    /// An OAuth app was set or removed.
    pub fn clear(&self) {
        self.0.clear();
    }
}
