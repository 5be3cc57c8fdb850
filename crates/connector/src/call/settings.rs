//! What a call takes from outside: limits, the time, and chance.
//!
//! Knows numbers only. Must not read a clock or a random source: both come in here.

use jiff::Timestamp;
use std::time::Duration;

/// Limits and surroundings of one call.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most attempts of one request; the definition may lower it. Contract: 3.
    pub max_attempts: u32,
    /// First delay between attempts where the definition names none.
    pub retry_base_delay: Duration,
    /// Time for the whole call, waits included: no wait is begun that would end past it.
    pub deadline: Duration,
    /// The time at [`super::Call::new`]: for HTTP dates in `Retry-After` and for templates with `now_utc()`.
    pub now: Timestamp,
    /// Seed of the jitter and of multipart boundaries.
    pub random: u64,
}

/// SplitMix64: enough for jitter, never for secrets.
#[derive(Debug, Clone)]
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A share from 0 up to, not including, 1.
    pub(super) fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}
