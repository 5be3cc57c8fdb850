//! Grants that this process leaves alone for a moment, because their last refresh could not succeed.
//!
//! Knows how long. Must not know rows: a new process, or another replica, asks the provider once more.

use super::machine::Outcome;
use quick_cache::sync::Cache;

/// A refused OAuth app is not presented again for so long, in milliseconds, unless it is set anew.
const MISCONFIGURED: i64 = 30_000;
/// After a failure no refresh is begun ahead of the token's end for so long, in milliseconds.
const FAILED: i64 = 10_000;
/// Grants that are remembered.
const REMEMBERED: usize = 10_000;

/// By grant.
pub struct Rests(Cache<String, Rest>);

#[derive(Clone, Copy)]
struct Rest {
    until: i64,
    misconfigured: bool,
}

impl Default for Rests {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Rests {
    /// Notes how a refresh ended.
    pub(super) fn note(&self, grant_id: &str, outcome: Outcome, now: i64) {
        match outcome {
            Outcome::Misconfigured => {
                self.0.insert(grant_id.to_owned(), Rest { until: now + MISCONFIGURED, misconfigured: true });
            }
            Outcome::Failed | Outcome::Resting => {
                self.0.insert(grant_id.to_owned(), Rest { until: now + FAILED, misconfigured: false });
            }
            _ => drop(self.0.remove(grant_id)),
        }
    }

    /// The provider just refused the OAuth app of this grant.
    pub(super) fn is_misconfigured(&self, grant_id: &str, now: i64) -> bool {
        self.0.get(grant_id).is_some_and(|rest| rest.misconfigured && now < rest.until)
    }

    /// A refresh may begin that no call waits for.
    pub fn may_go_ahead(&self, grant_id: &str, now: i64) -> bool {
        self.0.get(grant_id).is_none_or(|rest| now >= rest.until)
    }

    /// An OAuth app was set or removed.
    pub fn clear(&self) {
        self.0.clear();
    }
}
