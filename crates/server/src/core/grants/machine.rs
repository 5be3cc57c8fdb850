//! The grant machine: how one refresh of a grant goes, as a pure function of what happened.
//!
//! `step(state, event) -> (state, effect)`. Knows versions, claims and verdicts. Must not know clocks, stores, sockets
//! or secrets: the runner in `refresh` carries effects out, and a simulator can do so just as well.
//!
//! The guarantee: a refresh token is sent by the one holder of the grant's claim, and again only after an outcome that
//! nobody knows: once at once, then after pauses that double. A grant is declared dead only when the provider refused
//! its newest refresh token. ADR 0007 says why there is a third send.

use std::time::Duration;

/// Sends with unknown outcome after which the next one has to wait.
const RESTLESS: i64 = 2;
/// The first pause; each further unknown outcome doubles it.
const PAUSE: Duration = Duration::from_secs(30);
/// The longest pause is the first one doubled this often: 16 minutes.
const DOUBLINGS: i64 = 5;

/// A grant's row, as far as the machine cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Moves with every stored token answer.
    pub version: i64,
    /// Its status.
    pub status: Status,
    /// There is something to refresh with.
    pub refreshable: bool,
    /// Sends of this version whose outcome nobody knows.
    pub unknown_sends: i64,
    /// Since the row last changed.
    pub quiet: Duration,
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
    /// Sent, and no answer came: it may have been acted on.
    Unknown,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The row was read; none: it is gone.
    Row(Option<View>),
    /// The claim is ours.
    Claimed,
    /// Another attempt is alive.
    Busy,
    /// The row has another version or status than we thought.
    Moved,
    /// The token endpoint was asked.
    Answered(Verdict),
    /// The tokens were stored (true), or the claim was not ours any more (false).
    Committed(bool),
    /// The claim was given back or the status set.
    Settled,
    /// The pause is over.
    Waited,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Read the row.
    Read,
    /// Claim the row at this version.
    Claim {
        /// That version.
        version: i64,
    },
    /// Ask the token endpoint, renewing the claim meanwhile.
    Send,
    /// Store the new tokens where the claim is still ours.
    Commit,
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
    /// The last sends had unknown outcomes: nothing is sent before the pause is over.
    Resting,
}

/// Where the machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Reading the row; a version above this is what the caller wants.
    Reading {
        /// The version that the caller found wanting.
        known: i64,
    },
    /// Claiming.
    Claiming {
        /// As above.
        known: i64,
        /// The version that is claimed.
        version: i64,
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
    },
    /// Waiting for another attempt to end.
    Waiting {
        /// As above.
        known: i64,
    },
    /// Giving back or marking; ends with this.
    Settling(Outcome),
    /// Over.
    Done,
}

/// The first state and effect for a caller that knows this version.
pub fn start(known: i64) -> (State, Effect) {
    (State::Reading { known }, Effect::Read)
}

/// One step. An event that does not fit the state ends the machine without touching the grant.
pub fn step(state: State, event: Event) -> (State, Effect) {
    match (state, event) {
        (State::Reading { known }, Event::Row(row)) => decide(known, row),
        (State::Claiming { version, .. }, Event::Claimed) => (State::Sending { version }, Effect::Send),
        (State::Claiming { known, .. }, Event::Busy) => (State::Waiting { known }, Effect::Wait),
        (State::Claiming { known, .. }, Event::Moved) => start(known),
        (State::Waiting { known }, Event::Waited) => start(known),
        (State::Sending { version }, Event::Answered(verdict)) => conclude(version, verdict),
        (State::Confirming { version }, Event::Row(Some(view))) if view.version == version => {
            (State::Settling(Outcome::Dead), Effect::MarkDead)
        }
        (State::Confirming { .. }, Event::Row(Some(_))) => finish(Outcome::Renewed),
        (State::Confirming { .. }, Event::Row(None)) => finish(Outcome::Gone),
        (State::Committing { .. }, Event::Committed(true)) => finish(Outcome::Renewed),
        // The claim was taken over while we stored: what stands in the row now decides.
        (State::Committing { version }, Event::Committed(false)) => start(version),
        (State::Settling(outcome), Event::Settled) => finish(outcome),
        _ => finish(Outcome::Failed),
    }
}

fn decide(known: i64, row: Option<View>) -> (State, Effect) {
    match row {
        None => finish(Outcome::Gone),
        Some(view) if view.status == Status::Ended => finish(Outcome::Gone),
        Some(view) if view.version > known => finish(Outcome::Renewed),
        Some(view) if view.status == Status::Dead => finish(Outcome::Dead),
        Some(view) if !view.refreshable => finish(Outcome::NotRefreshable),
        Some(view) if view.quiet < pause_after(view.unknown_sends) => finish(Outcome::Resting),
        Some(view) => {
            (State::Claiming { known, version: view.version }, Effect::Claim { version: view.version })
        }
    }
}

/// How long nothing is sent after this many unknown outcomes of one refresh token.
fn pause_after(unknown_sends: i64) -> Duration {
    if unknown_sends < RESTLESS {
        return Duration::ZERO;
    }
    let doublings = u32::try_from((unknown_sends - RESTLESS).min(DOUBLINGS)).unwrap_or(0);
    PAUSE * 2_u32.pow(doublings)
}

fn conclude(version: i64, verdict: Verdict) -> (State, Effect) {
    match verdict {
        Verdict::Granted => (State::Committing { version }, Effect::Commit),
        Verdict::InvalidGrant => (State::Confirming { version }, Effect::Read),
        Verdict::InvalidClient => (State::Settling(Outcome::Misconfigured), Effect::MarkMisconfigured),
        Verdict::Refused | Verdict::NotSent => {
            (State::Settling(Outcome::Failed), Effect::Release { unknown: false })
        }
        Verdict::Unknown => (State::Settling(Outcome::Failed), Effect::Release { unknown: true }),
    }
}

fn finish(outcome: Outcome) -> (State, Effect) {
    (State::Done, Effect::Finish(outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: View =
        View { version: 7, status: Status::Live, refreshable: true, unknown_sends: 0, quiet: Duration::ZERO };

    /// Feeds events and returns the effects.
    fn run(known: i64, events: &[Event]) -> Vec<Effect> {
        let (mut state, effect) = start(known);
        let mut effects = vec![effect];
        for event in events {
            let (next, effect) = step(state, *event);
            state = next;
            effects.push(effect);
        }
        effects
    }

    #[test]
    fn a_refresh_claims_sends_and_commits() {
        let effects = run(
            7,
            &[
                Event::Row(Some(LIVE)),
                Event::Claimed,
                Event::Answered(Verdict::Granted),
                Event::Committed(true),
            ],
        );
        let expected = [
            Effect::Read,
            Effect::Claim { version: 7 },
            Effect::Send,
            Effect::Commit,
            Effect::Finish(Outcome::Renewed),
        ];
        assert_eq!(effects, expected);
    }

    #[test]
    fn a_newer_version_ends_it_without_a_send() {
        let newer = View { version: 8, ..LIVE };
        assert_eq!(run(7, &[Event::Row(Some(newer))]).last(), Some(&Effect::Finish(Outcome::Renewed)));
    }

    #[test]
    fn a_loser_waits_and_takes_the_winners_version() {
        let newer = View { version: 8, ..LIVE };
        let effects = run(7, &[Event::Row(Some(LIVE)), Event::Busy, Event::Waited, Event::Row(Some(newer))]);
        assert!(!effects.contains(&Effect::Send));
        assert_eq!(effects.last(), Some(&Effect::Finish(Outcome::Renewed)));
    }

    #[test]
    fn a_refusal_is_believed_only_when_the_version_still_stands() {
        let refused = [Event::Row(Some(LIVE)), Event::Claimed, Event::Answered(Verdict::InvalidGrant)];
        let stands = run(7, &[&refused[..], &[Event::Row(Some(LIVE)), Event::Settled]].concat());
        assert_eq!(stands[4..], [Effect::MarkDead, Effect::Finish(Outcome::Dead)]);
        let moved = run(7, &[&refused[..], &[Event::Row(Some(View { version: 8, ..LIVE }))]].concat());
        assert_eq!(moved.last(), Some(&Effect::Finish(Outcome::Renewed)));
    }

    #[test]
    fn an_unknown_outcome_allows_one_more_send_at_once_and_further_ones_after_pauses() {
        let after = |unknown_sends, seconds| {
            let row = View { unknown_sends, quiet: Duration::from_secs(seconds), ..LIVE };
            run(7, &[Event::Row(Some(row))]).last().copied()
        };
        let claim = Some(Effect::Claim { version: 7 });
        let resting = Some(Effect::Finish(Outcome::Resting));
        assert_eq!(after(1, 0), claim);
        assert_eq!((after(2, 29), after(2, 30)), (resting, claim));
        assert_eq!((after(3, 59), after(3, 60)), (resting, claim));
        assert_eq!((after(i64::MAX, 959), after(i64::MAX, 960)), (resting, claim));
    }

    #[test]
    fn no_event_but_a_refusal_leads_to_dead() {
        let verdicts =
            [Verdict::Granted, Verdict::InvalidClient, Verdict::Refused, Verdict::NotSent, Verdict::Unknown];
        for verdict in verdicts {
            for after in [
                Event::Settled,
                Event::Committed(false),
                Event::Committed(true),
                Event::Row(Some(LIVE)),
                Event::Row(None),
            ] {
                let events = [Event::Row(Some(LIVE)), Event::Claimed, Event::Answered(verdict), after];
                assert!(!run(7, &events).contains(&Effect::MarkDead), "{verdict:?} {after:?}");
            }
        }
    }
}
