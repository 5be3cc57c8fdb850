//! Keeping a claim while a token call runs: when it is renewed, and when its holder has to stop.
//!
//! Knows times as a process's own clock counts them, and what the store said. Must not know clocks or stores: the
//! runner in `refresh` and the simulation both ask it. The claim's deadline lies 3 s after each renewal, on the
//! database's clock; a holder counts from before it asked, so it stops before the database would let another one in.

use std::time::Duration;

/// Between two renewals.
const EVERY: Duration = Duration::from_secs(1);
/// Before a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_millis(150);
/// Without a successful renewal for so long, the claim is not relied on any more.
const CUT_OFF: Duration = Duration::from_millis(2200);

/// What came of a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The deadline was moved.
    Renewed,
    /// The claim is not ours, and the grant lives: another holder may send.
    NotOurs,
    /// The claim is not ours, because the grant ended: nobody else will use it.
    Ended,
    /// The database refused or could not be reached.
    Failed,
    /// No answer within [`Keeping::left`].
    TooLate,
}

/// What the holder does then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Renews again after [`Keeping::pause`].
    Again,
    /// Cuts its call off.
    CutOff,
    /// Lets its call finish, to revoke what it brings.
    LetFinish,
}

/// A claim that is ours.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    renewed: Duration,
}

impl Keeping {
    /// A claim that was asked for at this time.
    pub fn claimed(asked: Duration) -> Self {
        Self { renewed: asked }
    }

    /// How long the claim can be relied on. A request must not begin when this is zero: a process that stood still
    /// after it got its claim would send beside the next holder.
    pub fn left(&self, now: Duration) -> Duration {
        CUT_OFF.saturating_sub(now.saturating_sub(self.renewed))
    }

    /// How long until the next renewal.
    pub fn pause(&self, now: Duration) -> Duration {
        EVERY.saturating_sub(now.saturating_sub(self.renewed)).max(AGAIN)
    }

    /// Takes in what came of a renewal that was asked for at `asked`.
    pub fn on(&mut self, asked: Duration, renewal: Renewal) -> Keep {
        match renewal {
            Renewal::Renewed => {
                self.renewed = asked;
                Keep::Again
            }
            Renewal::Failed => Keep::Again,
            Renewal::Ended => Keep::LetFinish,
            Renewal::NotOurs | Renewal::TooLate => Keep::CutOff,
        }
    }
}
