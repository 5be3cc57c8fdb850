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
    /// Sends of this version whose outcome nobody knows.
    pub unknown_sends: i64,
    /// Since the row last changed.
    pub quiet: Duration,
    /// This process has reached the database without a gap for a while. Only then does a claim that ran out mean
    /// that its holder died: after an outage the holder may be about to store its new tokens.
    pub steady: bool,
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
    Claimed {
        /// Unknown outcomes of this version, that of a claim which was taken over included.
        unknown_sends: i64,
    },
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
    /// Claim the row at this version.
    Claim {
        /// That version.
        version: i64,
        /// Also where the claim of another attempt has run out.
        take_over: bool,
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
        /// New tokens for it are held, which could not be stored under the claim that was lost.
        held: bool,
    },
    /// Claiming.
    Claiming {
        /// As above.
        known: i64,
        /// The version that is claimed.
        version: i64,
        /// Unknown outcomes that the row told of.
        unknown_sends: i64,
        /// As above.
        held: bool,
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

fn read(known: i64, held: bool) -> (State, Effect) {
    (State::Reading { known, held }, Effect::Read)
}

/// One step. An event that does not fit the state ends the machine without touching the grant.
pub fn step(state: State, event: Event) -> (State, Effect) {
    match (state, event) {
        (State::Reading { known, held }, Event::Row(row)) => decide(known, held, row),
        // Nobody stored newer ones: ours go to the row, not the old refresh token to the provider.
        (State::Claiming { version, held: true, .. }, Event::Claimed { .. }) => commit(version),
        // Its holder died: what the row did not tell yet counts now, and the pause begins.
        (State::Claiming { unknown_sends: told, .. }, Event::Claimed { unknown_sends })
            if unknown_sends > told && !pause_after(unknown_sends).is_zero() =>
        {
            (State::Settling(Outcome::Resting), Effect::Release { unknown: false })
        }
        (State::Claiming { version, .. }, Event::Claimed { .. }) => {
            (State::Sending { version }, Effect::Send)
        }
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
        Some(view) if view.status == Status::Dead => finish(Outcome::Dead),
        Some(view) if !view.refreshable => finish(Outcome::NotRefreshable),
        Some(view) if !held && view.quiet < pause_after(view.unknown_sends) => finish(Outcome::Resting),
        Some(view) => {
            let View { version, unknown_sends, .. } = view;
            (
                State::Claiming { known, version, unknown_sends, held },
                Effect::Claim { version, take_over: view.steady },
            )
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
mod tests {
    use super::*;

    const LIVE: View = View {
        version: 7,
        status: Status::Live,
        refreshable: true,
        unknown_sends: 0,
        quiet: Duration::ZERO,
        steady: true,
    };

    const CLAIMED: Event = Event::Claimed { unknown_sends: 0 };

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
            &[Event::Row(Some(LIVE)), CLAIMED, Event::Answered(Verdict::Granted), Event::Committed(true)],
        );
        let expected = [
            Effect::Read,
            Effect::Claim { version: 7, take_over: true },
            Effect::Send,
            Effect::Commit { after: Duration::ZERO },
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
        let refused = [Event::Row(Some(LIVE)), CLAIMED, Event::Answered(Verdict::InvalidGrant)];
        let stands = run(7, &[&refused[..], &[Event::Row(Some(LIVE)), Event::Marked(true)]].concat());
        assert_eq!(stands[4..], [Effect::MarkDead, Effect::Finish(Outcome::Dead)]);
        let moved = run(7, &[&refused[..], &[Event::Row(Some(View { version: 8, ..LIVE }))]].concat());
        assert_eq!(moved.last(), Some(&Effect::Finish(Outcome::Renewed)));
        let late = run(7, &[&refused[..], &[Event::Row(Some(LIVE)), Event::Marked(false)]].concat());
        assert_eq!(late.last(), Some(&Effect::Read), "moved between the look and the mark");
    }

    #[test]
    fn a_claim_that_ran_out_is_taken_over_only_by_who_reached_the_database_all_the_time() {
        let shaken = View { steady: false, ..LIVE };
        let claim = Some(Effect::Claim { version: 7, take_over: false });
        assert_eq!(run(7, &[Event::Row(Some(shaken))]).last().copied(), claim);
    }

    #[test]
    fn tokens_are_stored_again_and_again_while_the_database_is_away() {
        let granted = [Event::Row(Some(LIVE)), CLAIMED, Event::Answered(Verdict::Granted)];
        let away = [Event::NotCommitted; 100];
        let effects = run(7, &[&granted[..], &away[..]].concat());
        let commits = effects.iter().filter(|effect| matches!(effect, Effect::Commit { .. })).count();
        assert_eq!(commits, 100);
        assert_eq!(effects.last(), Some(&Effect::Finish(Outcome::Failed)));
    }

    #[test]
    fn an_unknown_outcome_allows_one_more_send_at_once_and_further_ones_after_pauses() {
        let after = |unknown_sends, seconds| {
            let row = View { unknown_sends, quiet: Duration::from_secs(seconds), ..LIVE };
            run(7, &[Event::Row(Some(row))]).last().copied()
        };
        let claim = Some(Effect::Claim { version: 7, take_over: true });
        let resting = Some(Effect::Finish(Outcome::Resting));
        assert_eq!(after(1, 0), claim);
        assert_eq!((after(2, 29), after(2, 30)), (resting, claim));
        assert_eq!((after(3, 59), after(3, 60)), (resting, claim));
        assert_eq!((after(i64::MAX, 959), after(i64::MAX, 960)), (resting, claim));
    }

    #[test]
    fn tokens_whose_claim_was_lost_are_stored_under_a_new_one() {
        let events = [
            Event::Row(Some(LIVE)),
            CLAIMED,
            Event::Answered(Verdict::Granted),
            Event::Committed(false),
            Event::Row(Some(View { unknown_sends: 2, ..LIVE })),
            Event::Claimed { unknown_sends: 2 },
        ];
        let effects = run(7, &events);
        assert_eq!(effects.iter().filter(|effect| **effect == Effect::Send).count(), 1);
        assert_eq!(effects.last(), Some(&Effect::Commit { after: Duration::ZERO }));
    }

    #[test]
    fn the_second_sender_that_died_starts_a_pause() {
        let row = View { unknown_sends: 1, ..LIVE };
        let effects = run(7, &[Event::Row(Some(row)), Event::Claimed { unknown_sends: 2 }, Event::Settled]);
        assert_eq!(effects[2..], [Effect::Release { unknown: false }, Effect::Finish(Outcome::Resting)]);
        let effects = run(7, &[Event::Row(Some(LIVE)), Event::Claimed { unknown_sends: 1 }]);
        assert_eq!(effects.last(), Some(&Effect::Send));
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
                let events = [Event::Row(Some(LIVE)), CLAIMED, Event::Answered(verdict), after];
                assert!(!run(7, &events).contains(&Effect::MarkDead), "{verdict:?} {after:?}");
            }
        }
    }
}
