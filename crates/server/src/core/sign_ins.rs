//! Failed sign-ins: counted by client id and address, so that secrets cannot be guessed in bulk.
//!
//! Knows counts within a window. Must not know secrets. Successful sign-ins are never counted, and a client id is
//! limited only at the address that failed: whoever guesses from elsewhere locks nobody out.

use quick_cache::sync::Cache;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

/// Failures within one window that are answered like any other.
const FREE: u32 = 20;
/// The window.
const WINDOW: Duration = Duration::from_mins(1);
/// Pairs that are remembered; a flood of made-up client ids pushes out the oldest.
const REMEMBERED: usize = 20_000;

/// The counts of this process.
pub struct SignIns {
    counts: Cache<u64, Count>,
    key: RandomState,
}

#[derive(Clone, Copy)]
struct Count {
    since_ms: i64,
    failures: u32,
}

impl Default for SignIns {
    fn default() -> Self {
        Self { counts: Cache::new(REMEMBERED), key: RandomState::new() }
    }
}

impl SignIns {
    /// How long this client id may not be tried from this address; none: it may.
    pub fn blocked(&self, client_id: &str, address: Option<IpAddr>, now_ms: i64) -> Option<Duration> {
        let count = self.counts.get(&self.key.hash_one((client_id, address)))?;
        let passed = Duration::from_millis(u64::try_from(now_ms - count.since_ms).unwrap_or(0));
        (count.failures >= FREE).then(|| WINDOW.saturating_sub(passed)).filter(|left| !left.is_zero())
    }

    /// A sign-in failed.
    pub fn failed(&self, client_id: &str, address: Option<IpAddr>, now_ms: i64) {
        let key = self.key.hash_one((client_id, address));
        let window = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        let count = match self.counts.get(&key) {
            Some(count) if now_ms - count.since_ms < window => {
                Count { failures: count.failures.saturating_add(1), ..count }
            }
            _ => Count { since_ms: now_ms, failures: 1 },
        };
        self.counts.insert(key, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_blocked_for_the_rest_of_its_window_and_others_are_not() {
        let sign_ins = SignIns::default();
        let (here, there) = (Some(IpAddr::from([127, 0, 0, 1])), Some(IpAddr::from([127, 0, 0, 2])));
        for _ in 0..FREE {
            assert_eq!(sign_ins.blocked("app", here, 1000), None);
            sign_ins.failed("app", here, 1000);
        }
        assert_eq!(sign_ins.blocked("app", here, 11_000), Some(Duration::from_secs(50)));
        assert_eq!(sign_ins.blocked("app", there, 11_000), None);
        assert_eq!(sign_ins.blocked("other", here, 11_000), None);
        assert_eq!(sign_ins.blocked("app", here, 61_000), None);
    }
}
