//! The machine's steps, one promise a test. What they add up to over replicas is the simulation's.

use super::*;

const LIVE: View = View {
    version: 7,
    status: Status::Live,
    refreshable: true,
    reusable: false,
    unknown_sends: 0,
    holder: Holder::Nobody,
    quiet: Duration::ZERO,
    steady: true,
};

const CLAIMED: Event = Event::Claimed { unknown_sends: 0 };

fn is_claim(effect: &Effect) -> bool {
    matches!(effect, Effect::Claim { .. })
}

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
        Effect::Claim { version: 7, take_over: false, revive: false },
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
    for reusable in [false, true] {
        let claim = |holder, steady| {
            let row = View { reusable, holder, steady, ..LIVE };
            run(7, &[Event::Row(Some(row)), Event::Asked(true)]).into_iter().rfind(is_claim)
        };
        assert_eq!(
            claim(Holder::RanOut, true),
            Some(Effect::Claim { version: 7, take_over: true, revive: false })
        );
        assert_eq!(
            claim(Holder::RanOut, false),
            Some(Effect::Claim { version: 7, take_over: false, revive: false })
        );
        // Nor one that was alive when it was looked at: the statement may come late.
        assert_eq!(
            claim(Holder::Alive, true),
            Some(Effect::Claim { version: 7, take_over: false, revive: false })
        );
    }
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
fn an_unknown_outcome_allows_one_more_send_and_that_only_where_the_endpoint_answers() {
    let row = Event::Row(Some(View { unknown_sends: 1, ..LIVE }));
    let claimed = Event::Claimed { unknown_sends: 1 };
    let effects = run(7, &[row, Event::Asked(true), claimed]);
    let expected = [
        Effect::Read,
        Effect::Ask,
        Effect::Claim { version: 7, take_over: false, revive: false },
        Effect::Send,
    ];
    assert_eq!(effects, expected);
    assert_eq!(run(7, &[row, Event::Asked(false)]).last(), Some(&Effect::Finish(Outcome::Resting)));
    for unknown_sends in [2, 3, i64::MAX] {
        let effects = run(7, &[Event::Row(Some(View { unknown_sends, ..LIVE }))]);
        assert_eq!(effects, [Effect::Read, Effect::Finish(Outcome::Unresolved)]);
    }
}

#[test]
fn nothing_is_asked_while_another_attempt_is_alive() {
    let row = View { unknown_sends: 1, holder: Holder::Alive, ..LIVE };
    assert_eq!(run(7, &[Event::Row(Some(row))]), [Effect::Read, Effect::Wait]);
}

#[test]
fn a_reusable_token_has_more_retries_after_an_answer_or_a_pause() {
    let after = |unknown_sends, seconds| {
        let row = View { reusable: true, unknown_sends, quiet: Duration::from_secs(seconds), ..LIVE };
        run(7, &[Event::Row(Some(row))])[1]
    };
    let claim = Effect::Claim { version: 7, take_over: false, revive: false };
    let resting = Effect::Finish(Outcome::Resting);
    assert_eq!((after(1, 29), after(1, 30)), (Effect::Ask, claim));
    assert_eq!((after(2, 29), after(2, 30)), (resting, claim));
    assert_eq!((after(3, 59), after(3, 60)), (resting, claim));
    assert_eq!((after(i64::MAX, 959), after(i64::MAX, 960)), (resting, claim));
    let row = View { reusable: true, unknown_sends: 3, quiet: Duration::from_mins(1), ..LIVE };
    let claimed = Event::Claimed { unknown_sends: 3 };
    assert_eq!(run(7, &[Event::Row(Some(row)), claimed]).last(), Some(&Effect::Send));
}

#[test]
fn new_tokens_are_stored_although_another_marked_the_grant_dead() {
    let dead = View { status: Status::Dead, ..LIVE };
    let events = [
        Event::Row(Some(LIVE)),
        CLAIMED,
        Event::Answered(Verdict::Granted),
        Event::Committed(false),
        Event::Row(Some(dead)),
        CLAIMED,
        Event::Committed(true),
    ];
    let effects = run(7, &events);
    assert!(effects.contains(&Effect::Claim { version: 7, take_over: false, revive: true }));
    assert_eq!(effects.last(), Some(&Effect::Finish(Outcome::Renewed)));
    let effects = run(7, &[Event::Row(Some(dead))]);
    assert_eq!(effects.last(), Some(&Effect::Finish(Outcome::Dead)), "nothing is held");
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
fn a_sender_that_died_is_counted_in_the_row_before_anything_else() {
    let claim = |take_over| Effect::Claim { version: 7, take_over, revive: false };
    let dead = View { holder: Holder::RanOut, ..LIVE };
    let counted = |unknown_sends| Event::Row(Some(View { unknown_sends, ..LIVE }));
    let first = [Event::Row(Some(dead)), Event::Claimed { unknown_sends: 1 }, Event::Settled, counted(1)];
    let retry = [Event::Asked(true), Event::Claimed { unknown_sends: 1 }];
    let effects = run(7, &[&first[..], &retry[..]].concat());
    let yielded = Effect::Release { unknown: false };
    let expected = [claim(true), yielded, Effect::Read, Effect::Ask, claim(false), Effect::Send];
    assert_eq!(effects[1..], expected);
    let second = View { unknown_sends: 1, ..dead };
    let second = [Event::Row(Some(second)), Event::Claimed { unknown_sends: 2 }, Event::Settled, counted(2)];
    let effects = run(7, &second);
    assert_eq!(effects[1..], [claim(true), yielded, Effect::Read, Effect::Finish(Outcome::Unresolved)]);
}

#[test]
fn what_another_left_unanswered_meanwhile_counts_before_the_send() {
    let asked = [Event::Row(Some(View { unknown_sends: 1, ..LIVE })), Event::Asked(true)];
    let effects = run(7, &[&asked[..], &[Event::Claimed { unknown_sends: 2 }]].concat());
    assert_eq!(effects.last(), Some(&Effect::Release { unknown: false }));
    let effects = run(7, &[Event::Row(Some(LIVE)), Event::Claimed { unknown_sends: 1 }]);
    assert_eq!(effects.last(), Some(&Effect::Release { unknown: false }));
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
