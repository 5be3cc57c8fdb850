//! How often callers may call: token buckets for organizations, for single tokens, and for addresses that send forged
//! tokens.
//!
//! Knows buckets and time. Must not know routes, headers or what is called. A bucket is one number (the generic cell
//! rate algorithm: the time at which it would be empty), moved by compare-and-swap: no lock is held, and a limit that is
//! off costs nothing. Buckets are remembered in a bounded, sharded cache; a flood pushes out those that are used least,
//! and a bucket that was pushed out is full again.
//!
//! Each process counts for itself: with N replicas behind a balancer a caller may get up to N times the rate.

use crate::core::Deps;
use crate::core::access::Caller;
use crate::core::error::{Error, Kind, Result};
use quick_cache::sync::Cache;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Callers that are remembered, of each sort.
const REMEMBERED: usize = 20_000;
/// Forged tokens of one address that are answered like any other.
const FORGED_BURST: u32 = 100;
/// And after those, so many a second.
const FORGED_RATE: u32 = 2;

/// All limits of this process.
pub struct RateLimits {
    organizations: Option<Buckets>,
    tokens: Option<Buckets>,
    forgeries: Buckets,
}

impl RateLimits {
    /// `organization` and `token`: calls a second; none: no limit. A second's worth may come at once.
    pub fn new(organization: Option<u32>, token: Option<u32>) -> Self {
        Self {
            organizations: organization.map(|rate| Buckets::new(rate, rate)),
            tokens: token.map(|rate| Buckets::new(rate, rate)),
            forgeries: Buckets::new(FORGED_RATE, FORGED_BURST),
        }
    }

    /// A call of that caller, with a good token. `token` is asked only where tokens are limited.
    pub fn admit(&self, deps: &Deps, caller: &Caller, token: &str) -> Result<()> {
        if let Some(buckets) = &self.tokens {
            buckets.take(token, deps.clock.ticks()).map_err(|wait| too_fast("This token makes", wait))?;
        }
        if let Some(buckets) = &self.organizations {
            let taken = buckets.take(caller.organization(), deps.clock.ticks());
            taken.map_err(|wait| too_fast("This organization makes", wait))?;
        }
        Ok(())
    }

    /// A token came that this server never made; an error where too many come from that address. Good tokens of the same
    /// address are never asked this.
    pub fn forged(&self, deps: &Deps, address: Option<IpAddr>) -> Result<()> {
        self.forgeries
            .take(address.map(network), deps.clock.ticks())
            .map_err(|wait| too_fast("This address sends forged tokens and makes", wait))
    }
}

/// Whoever has one IPv6 address has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

fn too_fast(who: &str, wait: Duration) -> Error {
    Error::new(Kind::RateLimited, format!("{who} too many calls; wait"))
        .with("retryable", true)
        .with("retry_after_seconds", wait.as_secs() + 1)
}

/// Buckets of one sort, by a hash of whose they are.
struct Buckets {
    /// When each would be empty, nanoseconds of the clock's ticks.
    empty_at: Cache<u64, Arc<AtomicU64>>,
    key: RandomState,
    every: u64,
    burst: u64,
}

impl Buckets {
    /// `rate` calls a second, `burst` at once.
    fn new(rate: u32, burst: u32) -> Self {
        let every = 1_000_000_000 / u64::from(rate.max(1));
        Self {
            empty_at: Cache::new(REMEMBERED),
            key: RandomState::new(),
            every,
            burst: every.saturating_mul(u64::from(burst.max(1))),
        }
    }

    /// Takes one call out, or says how long until there is one.
    fn take(&self, whose: impl Hash, now: Duration) -> std::result::Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let key = self.key.hash_one(whose);
        let bucket = match self.empty_at.get(&key) {
            Some(bucket) => bucket,
            None => {
                let new = Arc::new(AtomicU64::new(0));
                let made = self
                    .empty_at
                    .get_or_insert_with(&key, || Ok::<_, std::convert::Infallible>(Arc::clone(&new)));
                made.unwrap_or(new)
            }
        };
        let next = |empty_at: u64| {
            let next = empty_at.max(now).saturating_add(self.every);
            (next - now <= self.burst).then_some(next)
        };
        match bucket.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(empty_at) => {
                let next = empty_at.max(now).saturating_add(self.every);
                Err(Duration::from_nanos(next - now - self.burst))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let buckets = Buckets::new(5, 5);
        for _ in 0..5 {
            assert_eq!(buckets.take("a", SECOND), Ok(()));
        }
        assert_eq!(buckets.take("a", SECOND), Err(Duration::from_millis(200)));
        assert_eq!(buckets.take("b", SECOND), Ok(()));
        assert_eq!(buckets.take("a", SECOND + Duration::from_millis(199)), Err(Duration::from_millis(1)));
        assert_eq!(buckets.take("a", SECOND + Duration::from_millis(200)), Ok(()));
        // A pause fills it, but never above its size.
        for _ in 0..5 {
            assert_eq!(buckets.take("a", SECOND * 100), Ok(()));
        }
        assert!(buckets.take("a", SECOND * 100).is_err());
    }

    #[test]
    fn many_threads_take_no_more_than_there_is() {
        let buckets = Buckets::new(1000, 1000);
        let taken = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if buckets.take("a", SECOND).is_ok() {
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(taken.load(Ordering::Relaxed), 1000);
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let buckets = Buckets::new(1, 1);
        for name in 0..REMEMBERED * 5 {
            buckets.take(name, SECOND).ok();
        }
        assert!(buckets.empty_at.len() <= REMEMBERED, "{}", buckets.empty_at.len());
    }

    #[test]
    fn an_ipv6_neighbour_counts_as_the_same() {
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(network(one), network("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(network(one), network("2001:db8:0:1::1".parse().unwrap()));
    }
}
