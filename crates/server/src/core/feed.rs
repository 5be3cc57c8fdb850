//! The change feed: how a write on one replica reaches the cached views of all others.
//!
//! Knows when this process last read the feed and how many changes it has seen. Must not know what is cached: each
//! cache asks whether it may still trust itself, and is told what to drop by `jobs::changes`.
//!
//! A view older than [`TRUST`] without a read of the feed is not trusted, so a replica that lost the database for a
//! while falls back to it instead of serving old truth.

use crate::clock::Clock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How long cached truth is believed without having read the feed.
pub const TRUST: Duration = Duration::from_secs(4);

/// State of this process's reading.
#[derive(Default)]
pub struct Feed {
    read_at_ms: AtomicI64,
    generation: AtomicU64,
}

impl Feed {
    /// The feed was read completely at this time.
    pub fn read(&self, clock: &Clock) {
        self.read_at_ms.store(ticks_ms(clock), Ordering::Relaxed);
    }

    /// True while cached views may be believed.
    pub fn is_fresh(&self, clock: &Clock) -> bool {
        let trust = i64::try_from(TRUST.as_millis()).unwrap_or(i64::MAX);
        ticks_ms(clock) - self.read_at_ms.load(Ordering::Relaxed) <= trust
    }

    /// A number that moves with every change. A view that was built while it moved is not cached, so that a late
    /// fill cannot bring a deleted row back.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// A change was made or seen.
    pub fn moved(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

fn ticks_ms(clock: &Clock) -> i64 {
    i64::try_from(clock.ticks().as_millis()).unwrap_or(i64::MAX)
}
