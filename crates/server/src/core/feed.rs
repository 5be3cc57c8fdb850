//! The change feed: how a write on one replica reaches the cached views of all others.
//!
//! Knows when this process last read the feed and how many changes it has seen. Must not know what is cached: each
//! cache asks whether it may still trust itself, and is told what to drop by `jobs::changes`.
//!
//! A view older than [`TRUST`] without a read of the feed is not trusted, so a replica that lost the database for a
//! while falls back to it instead of serving old truth. The feed is also where a process notices that it lost the
//! database ([`Feed::is_steady`]).

use crate::clock::Clock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How long cached truth is believed without having read the feed.
pub const TRUST: Duration = Duration::from_secs(4);

/// How long the database must have answered after it did not. Other processes come back later than this one: a pool
/// waits up to 2 s between two tries to connect.
const STEADY: Duration = Duration::from_secs(5);
/// A statement that runs longer than this means that the database is away. Claims stand for at least 2 s after their
/// last renewal, so an outage that is too short to be noticed ends none.
const SLOW: Duration = Duration::from_secs(1);
/// The feed is read each second. A process that did not read it for so long stood still, or has no free thread: it
/// cannot know what happened to the database and to others meanwhile.
const GAP: Duration = Duration::from_millis(2500);
/// No time: nothing is being asked, nothing was read, nothing was lost.
const NEVER: i64 = -1;

/// State of this process's reading.
pub struct Feed {
    read_at_ms: AtomicI64,
    generation: AtomicU64,
    asked_at_ms: AtomicI64,
    lost_at_ms: AtomicI64,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            read_at_ms: AtomicI64::new(NEVER),
            generation: AtomicU64::new(0),
            asked_at_ms: AtomicI64::new(NEVER),
            lost_at_ms: AtomicI64::new(NEVER),
        }
    }
}

impl Feed {
    /// The feed is about to be read.
    pub fn asked(&self, clock: &Clock) {
        if self.has_gap(clock) {
            self.lost(clock);
        }
        self.asked_at_ms.store(ticks_ms(clock), Ordering::Relaxed);
    }

    /// The feed was read completely at this time.
    pub fn read(&self, clock: &Clock) {
        let asked = self.asked_at_ms.swap(NEVER, Ordering::Relaxed);
        if asked != NEVER {
            self.answered(clock, Duration::from_millis(u64::try_from(asked).unwrap_or(0)));
        }
        self.read_at_ms.store(ticks_ms(clock), Ordering::Relaxed);
    }

    /// The database answered a statement that was sent at `asked`: too late counts as lost.
    pub fn answered(&self, clock: &Clock, asked: Duration) {
        if clock.ticks().saturating_sub(asked) > SLOW {
            self.lost(clock);
        }
    }

    /// The database could not be reached.
    pub fn lost(&self, clock: &Clock) {
        self.lost_at_ms.store(ticks_ms(clock), Ordering::Relaxed);
    }

    /// True when the database has answered this process, and this process has asked it, without a gap for [`STEADY`], or
    /// ever since the start.
    pub fn is_steady(&self, clock: &Clock) -> bool {
        let longer_ago = |at: &AtomicI64, than: Duration| {
            let at = at.load(Ordering::Relaxed);
            at == NEVER || ticks_ms(clock) - at > i64::try_from(than.as_millis()).unwrap_or(i64::MAX)
        };
        let asked = self.asked_at_ms.load(Ordering::Relaxed);
        let waiting = asked != NEVER && longer_ago(&self.asked_at_ms, SLOW);
        !waiting && !self.has_gap(clock) && longer_ago(&self.lost_at_ms, STEADY)
    }

    fn has_gap(&self, clock: &Clock) -> bool {
        let read = self.read_at_ms.load(Ordering::Relaxed);
        read != NEVER && ticks_ms(clock) - read > i64::try_from(GAP.as_millis()).unwrap_or(i64::MAX)
    }

    /// True while cached views may be believed.
    pub fn is_fresh(&self, clock: &Clock) -> bool {
        let trust = i64::try_from(TRUST.as_millis()).unwrap_or(i64::MAX);
        ticks_ms(clock) - self.read_at_ms.load(Ordering::Relaxed).max(0) <= trust
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
