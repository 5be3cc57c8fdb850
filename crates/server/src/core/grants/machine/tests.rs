//! The machine's steps, one promise a test. What they add up to over replicas is the simulation's.

use super::*;

const LIVE: View = View {
    version: 7,
    status: Status::Live,
    refreshable: true,
    unknown_sends: 0,
    ran_out: false,
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
    let effects =
        run(7, &[Event::Row(Some(LIVE)), CLAIMED, Event::Answered(Verdict::Granted), Event::Committed(true)]);
    let expected = [
        Effect::Read,
        Effect::Claim { version: 7, take_over: false },
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
    let claim =
        |ran_out, steady| run(7, &[Event::Row(Some(View { ran_out, steady, ..LIVE }))]).last().copied();
    assert_eq!(claim(true, false), Some(Effect::Claim { version: 7, take_over: false }));
    assert_eq!(claim(true, true), Some(Effect::Claim { version: 7, take_over: true }));
    // Nor one that was alive when it was looked at: the statement may come late.
    assert_eq!(claim(false, true), Some(Effect::Claim { version: 7, take_over: false }));
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
    let claim = Some(Effect::Claim { version: 7, take_over: false });
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
