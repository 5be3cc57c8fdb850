//! The grant machine: how one refresh of a grant goes, as a pure function of what happened.
//!
//! `step(state, event) -> (state, effect)`. Knows versions, claims and verdicts. Must not know clocks, stores, sockets
//! or secrets: the runner in `refresh` carries effects out, and a simulator can do so just as well.
//!
//! The guarantee: a refresh token is sent by the one holder of the grant's claim, and once more after an outcome that
//! nobody knows. A retry waits until the token endpoint answers a question that carries no token. A refresh token that
//! its last use left as it was is taken for one that cannot be used up: it has more retries, after pauses that double. A
//! grant is declared dead only when the provider refused its newest refresh token. ADR 0019 says why.

use std::time::Duration;

/// Sends of a refresh token that may have been used up.
pub const SENDS: i64 = 2;
/// The pause after the first and the second unknown outcome of a reusable token; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(30);
/// The longest pause is the first one doubled this often: 16 minutes.
const DOUBLINGS: i64 = 5;
/// Tries to store new tokens while the database cannot be reached.
const COMMIT_TRIES: u32 = 100;
/// Between two of them.
const COMMIT_PAUSE: Duration = Duration::from_millis(150);

/// A grant's row, as far as the machine cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Moves with every stored token answer.
    pub version: i64,
    /// Its status.
    pub status: Status,
    /// There is something to refresh with.
    pub refreshable: bool,
    /// A send does not use up what it sends: the refresh token was still the same after its last use, or there is none.
    pub reusable: bool,
    /// Sends of this version whose outcome nobody knows.
    pub unknown_sends: i64,
    /// Since the row last changed.
    pub quiet: Duration,
    /// Another attempt's claim.
    pub holder: Holder,
    /// This process has reached the database without a gap for a while. Only then does a claim that ran out mean
    /// that its holder died: after an outage the holder may be about to store its new tokens.
    pub steady: bool,
}

/// Who has the claim of a row, at the moment when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// There is none.
    Nobody,
    /// It stands.
    Alive,
    /// Its deadline has passed.
    RanOut,
}

/// Status of a grant's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Usable, or healing from a misconfigured app.
    Live,
    /// The provider refused the newest refresh token.
    Dead,
    /// Deleted, replaced, or never redeemed.
    Ended,
}

/// What the token endpoint's answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// New tokens.
    Granted,
    /// `invalid_grant`.
    InvalidGrant,
    /// The OAuth app is gone, refused, or pinned to other endpoints.
    InvalidClient,
    /// The provider answered, but not with a token; it did not use the refresh token up.
    Refused,
    /// Nothing was sent.
    NotSent,
    /// Sent, and no answer came, or none that tells: it may have been acted on.
    Unknown,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The row was read; none: it is gone.
    Row(Option<View>),
    /// The claim is ours.
    Claimed {
        /// Unknown outcomes of this version, that of a claim which was taken over included.
        unknown_sends: i64,
    },
    /// The question was answered (true), or it was not, or it is too early to ask again.
    Asked(bool),
    /// Another attempt is alive.
    Busy,
    /// The row has another version or status than we thought.
    Moved,
    /// The token endpoint was asked.
    Answered(Verdict),
    /// The tokens were stored (true), or the claim was not ours any more (false).
    Committed(bool),
    /// The tokens could not be stored: the database was not reached.
    NotCommitted,
    /// The claim was given back.
    Settled,
    /// The status was set (true), or version or claim were not ours any more (false).
    Marked(bool),
    /// The pause is over.
    Waited,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Read the row.
    Read,
    /// Ask the token endpoint without a token whether it answers at all.
    Ask,
    /// Claim the row at this version.
    Claim {
        /// That version.
        version: i64,
        /// Also where the claim that was read, and no newer one, has run out. One that was alive when it was read is
        /// not taken over however late the statement comes: meanwhile its holder may have been kept from renewing it.
        take_over: bool,
        /// Also where the grant was marked dead: new tokens are held, which show that it lives.
        revive: bool,
    },
    /// Ask the token endpoint, renewing the claim meanwhile.
    Send,
    /// Store the new tokens where the claim is still ours.
    Commit {
        /// Not before this pause.
        after: Duration,
    },
    /// Give the claim back.
    Release {
        /// The outcome of our send is unknown.
        unknown: bool,
    },
    /// Set the status `reauthorization_required` where the version is unchanged.
    MarkDead,
    /// Set the status `app_misconfigured` where the version is unchanged.
    MarkMisconfigured,
    /// Pause before reading again.
    Wait,
    /// Over.
    Finish(Outcome),
}

/// How a refresh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A newer version is stored: ours, or another's.
    Renewed,
    /// The provider refused the newest refresh token.
    Dead,
    /// There is nothing to refresh with.
    NotRefreshable,
    /// The OAuth app is not accepted.
    Misconfigured,
    /// The grant is gone.
    Gone,
    /// No answer to use; the grant is kept.
    Failed,
    /// The last sends had unknown outcomes: nothing is sent before the endpoint answers, or the pause is over.
    Resting,
    /// The outcomes of both sends are unknown, and a third might be taken for theft: nothing is sent any more.
    Unresolved,
}

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Reading the row; a version above this is what the caller wants.
    Reading {
        /// The version that the caller found wanting.
        known: i64,
        /// New tokens for it are held, which could not be stored under the claim that was lost.
        held: bool,
    },
    /// Asking whether the endpoint answers, before a retry.
    Asking {
        /// As above.
        known: i64,
        /// The version that will be claimed.
        version: i64,
        /// As in [`State::Claiming`].
        up_to: i64,
    },
    /// Claiming.
    Claiming {
        /// As above.
        known: i64,
        /// The version that is claimed.
        version: i64,
        /// As above.
        held: bool,
        /// A send may follow up to so many unknown outcomes.
        up_to: i64,
    },
    /// Giving a claim back under which nothing may be sent, to decide anew.
    Yielding {
        /// As above.
        known: i64,
    },
    /// Asking the token endpoint.
    Sending {
        /// The claimed version.
        version: i64,
    },
    /// Refused; reading once more before believing it.
    Confirming {
        /// The claimed version.
        version: i64,
    },
    /// Storing new tokens.
    Committing {
        /// The claimed version.
        version: i64,
        /// How often it was tried.
        tries: u32,
    },
    /// Waiting for another attempt to end.
    Waiting {
        /// As above.
        known: i64,
        /// As above.
        held: bool,
    },
    /// Setting the status; ends with this.
    Marking {
        /// The claimed version.
        version: i64,
        /// What the status says.
        outcome: Outcome,
    },
    /// Giving back; ends with this.
    Settling(Outcome),
    /// Over.
    Done,
}

/// The first state and effect for a caller that knows this version.
pub fn start(known: i64) -> (State, Effect) {
    read(known, false)
}

/// Goes on for a caller that holds new tokens for this version, after the database was away.
pub fn held(version: i64) -> (State, Effect) {
    read(version, true)
}

fn read(known: i64, held: bool) -> (State, Effect) {
    (State::Reading { known, held }, Effect::Read)
}

/// One step. An event that does not fit the state ends the machine without touching the grant.
pub fn step(state: State, event: Event) -> (State, Effect) {
    match (state, event) {
        (State::Reading { known, held }, Event::Row(row)) => decide(known, held, row),
        // Nobody stored newer ones: ours go to the row, not the old refresh token to the provider.
        (State::Claiming { version, held: true, .. }, Event::Claimed { .. }) => commit(version),
        (State::Claiming { version, up_to, .. }, Event::Claimed { unknown_sends })
            if unknown_sends <= up_to =>
        {
            (State::Sending { version }, Effect::Send)
        }
        // Its holder died, or another's send ended meanwhile: that counts now.
        (State::Claiming { known, .. }, Event::Claimed { .. }) => {
            (State::Yielding { known }, Effect::Release { unknown: false })
        }
        (State::Yielding { known }, Event::Settled) => read(known, false),
        (State::Asking { known, version, up_to }, Event::Asked(true)) => {
            let claim = Effect::Claim { version, take_over: false, revive: false };
            (State::Claiming { known, version, held: false, up_to }, claim)
        }
        (State::Asking { .. }, Event::Asked(false)) => finish(Outcome::Resting),
        (State::Claiming { known, held, .. }, Event::Busy) => (State::Waiting { known, held }, Effect::Wait),
        (State::Claiming { known, held, .. }, Event::Moved) => read(known, held),
        (State::Waiting { known, held }, Event::Waited) => read(known, held),
        (State::Sending { version }, Event::Answered(verdict)) => conclude(version, verdict),
        (State::Confirming { version }, Event::Row(Some(view))) if view.version == version => {
            (State::Marking { version, outcome: Outcome::Dead }, Effect::MarkDead)
        }
        (State::Confirming { .. }, Event::Row(Some(_))) => finish(Outcome::Renewed),
        (State::Confirming { .. }, Event::Row(None)) => finish(Outcome::Gone),
        (State::Committing { .. }, Event::Committed(true)) => finish(Outcome::Renewed),
        // The claim was taken over while we stored: what stands in the row now decides.
        (State::Committing { version, .. }, Event::Committed(false)) => read(version, true),
        // The provider may have used the old refresh token up: these tokens may be all that is left of the grant.
        (State::Committing { version, tries }, Event::NotCommitted) if tries < COMMIT_TRIES => {
            (State::Committing { version, tries: tries + 1 }, Effect::Commit { after: COMMIT_PAUSE })
        }
        (State::Marking { outcome, .. }, Event::Marked(true)) => finish(outcome),
        // Another attempt has the claim, or stored newer tokens between our look and the mark.
        (State::Marking { version, .. }, Event::Marked(false)) => start(version),
        (State::Settling(outcome), Event::Settled) => finish(outcome),
        _ => finish(Outcome::Failed),
    }
}

fn decide(known: i64, held: bool, row: Option<View>) -> (State, Effect) {
    match row {
        None => finish(Outcome::Gone),
        Some(view) if view.status == Status::Ended => finish(Outcome::Gone),
        Some(view) if view.version > known => finish(Outcome::Renewed),
        Some(view) if view.status == Status::Dead && !held => finish(Outcome::Dead),
        Some(view) if !view.refreshable => finish(Outcome::NotRefreshable),
        Some(view) => turn(known, held, view),
    }
}

/// What a row with something to renew allows.
fn turn(known: i64, held: bool, view: View) -> (State, Effect) {
    let View { version, unknown_sends, .. } = view;
    let take_over = view.holder == Holder::RanOut && view.steady;
    let claim = |up_to| {
        let effect = Effect::Claim { version, take_over, revive: held };
        (State::Claiming { known, version, held, up_to }, effect)
    };
    // A claim that is taken over counts as a send: what that means is decided when it stands in the row.
    if held || take_over || unknown_sends == 0 {
        return claim(0);
    }
    let ask = (State::Asking { known, version, up_to: unknown_sends }, Effect::Ask);
    match view.holder {
        Holder::Alive | Holder::RanOut => (State::Waiting { known, held }, Effect::Wait),
        Holder::Nobody if !view.reusable && is_unresolved(unknown_sends) => finish(Outcome::Unresolved),
        // A pause does as well as an answer to the question, for a token that no send uses up.
        Holder::Nobody if view.reusable && view.quiet >= pause_after(unknown_sends) => claim(unknown_sends),
        Holder::Nobody if view.reusable && unknown_sends > 1 => finish(Outcome::Resting),
        Holder::Nobody => ask,
    }
}

/// So many unknown outcomes of a refresh token that may be used up end its renewals.
pub fn is_unresolved(unknown_sends: i64) -> bool {
    unknown_sends >= SENDS
}

/// How long nothing is sent unasked after this many unknown outcomes of one reusable refresh token.
fn pause_after(unknown_sends: i64) -> Duration {
    let doublings = u32::try_from((unknown_sends - 2).clamp(0, DOUBLINGS)).unwrap_or(0);
    PAUSE * 2_u32.pow(doublings)
}

fn conclude(version: i64, verdict: Verdict) -> (State, Effect) {
    match verdict {
        Verdict::Granted => commit(version),
        Verdict::InvalidGrant => (State::Confirming { version }, Effect::Read),
        Verdict::InvalidClient => {
            (State::Marking { version, outcome: Outcome::Misconfigured }, Effect::MarkMisconfigured)
        }
        Verdict::Refused | Verdict::NotSent => {
            (State::Settling(Outcome::Failed), Effect::Release { unknown: false })
        }
        Verdict::Unknown => (State::Settling(Outcome::Failed), Effect::Release { unknown: true }),
    }
}

fn commit(version: i64) -> (State, Effect) {
    (State::Committing { version, tries: 1 }, Effect::Commit { after: Duration::ZERO })
}

fn finish(outcome: Outcome) -> (State, Effect) {
    (State::Done, Effect::Finish(outcome))
}

#[cfg(test)]
mod tests;
