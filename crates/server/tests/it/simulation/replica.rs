//! One simulated replica: the server's own grant machine, claim keeping and feed, with effects carried out as messages.
//!
//! What is decided here is what `core/grants/refresh.rs` decides: nothing but which message an effect is.

use super::Fault;
use super::history::{Before, End, Sent};
use super::provider::Reply;
use super::store::{Ask, Row, Standing, Told};
use super::world::{For, Heard, News, World};
use keybearer::clock::Clock;
use keybearer::core::feed::Feed;
use keybearer::core::grants::keeping::{Keep, Keeping, Renewal};
use keybearer::core::grants::machine::{self, Effect, Event, Holder, Outcome, State, Status, Verdict, View};
use std::time::Duration;

pub(super) struct Replica {
    /// Counts its starts.
    pub(super) life: u64,
    pub(super) is_down: bool,
    pub(super) stalled_until: u64,
    /// Its wall clock beside the database's.
    pub(super) clock_is_off_by: i64,
    /// Counts its refreshes.
    pub(super) run_number: u64,
    known: i64,
    run: Option<Run>,
    clock: Clock,
    feed: Feed,
}

struct Run {
    state: State,
    effect: Effect,
    row: Option<Row>,
    attempt: u64,
    keeping: Keeping,
    /// The token call that runs.
    call: Option<usize>,
    /// The call whose tokens are held.
    held: Option<usize>,
    token: Option<u64>,
    /// A question was answered.
    asked: bool,
    /// How often the database was away while new tokens were held.
    away: u32,
}

fn ms(of: u64) -> Duration {
    Duration::from_millis(of)
}

fn count(of: Duration) -> u64 {
    u64::try_from(of.as_millis()).unwrap()
}

impl Replica {
    pub(super) fn new() -> Self {
        Self {
            life: 0,
            is_down: false,
            stalled_until: 0,
            clock_is_off_by: 0,
            run_number: 0,
            known: 1,
            run: None,
            clock: Clock::manual(0),
            feed: Feed::default(),
        }
    }

    /// Started again after it died.
    pub(super) fn again(old: &Self, now: u64) -> Self {
        old.clock.advance(ms(now).saturating_sub(old.clock.ticks()));
        let feed = Feed::default();
        feed.lost(&old.clock);
        Self {
            life: old.life + 1,
            run_number: old.run_number + 1,
            clock_is_off_by: old.clock_is_off_by,
            known: old.known,
            is_down: false,
            stalled_until: 0,
            run: None,
            clock: old.clock.clone(),
            feed,
        }
    }

    fn wall(&self, now: u64) -> i64 {
        i64::try_from(now).unwrap() + self.clock_is_off_by
    }

    pub(super) fn hears(world: &mut World, me: usize, news: News) {
        let now = world.now;
        let one = &mut world.replicas[me];
        one.clock.advance(ms(now).saturating_sub(one.clock.ticks()));
        match news {
            News::Wanted => Self::wanted(world, me),
            News::FeedDue => {
                one.feed.asked(&one.clock);
                world.ask(me, Ask::Read, For::Feed);
            }
            News::Told(told, For::Feed) => {
                if told.is_some() {
                    one.feed.read(&one.clock);
                } else {
                    one.feed.lost(&one.clock);
                }
                if told.is_none() || world.feed_matters() {
                    world.news(me, 1000, News::FeedDue);
                }
            }
            News::Told(told, For::Renewal { asked }) => Self::renewal(world, me, asked, told),
            News::RenewalDue(call) => Self::renew(world, me, call),
            News::RenewalTooLate(call, asked) => Self::renewal_too_late(world, me, call, asked),
            News::Look(send) => Self::look(world, me, send),
            News::Asked(answered) => {
                let Some(run) = &mut one.run else { return };
                run.asked |= answered;
                Self::event(world, me, Event::Asked(answered));
            }
            News::Prepared => Self::send(world, me),
            News::Again => Self::carry_out(world, me),
            News::Waited => Self::event(world, me, Event::Waited),
            News::CommitDue => Self::ask_commit(world, me),
            News::Told(told, For::Effect) => Self::told(world, me, told),
        }
    }

    fn wanted(world: &mut World, me: usize) {
        let one = &mut world.replicas[me];
        if one.run.is_some() {
            return;
        }
        one.run_number += 1;
        let (state, effect) = machine::start(one.known);
        one.run = Some(Run {
            state,
            effect,
            row: None,
            attempt: 0,
            keeping: Keeping::claimed(Duration::ZERO),
            call: None,
            held: None,
            token: None,
            asked: false,
            away: 0,
        });
        Self::carry_out(world, me);
    }

    fn event(world: &mut World, me: usize, event: Event) {
        // It may die after each effect.
        if world.in_trouble() && world.dice.permille(world.setting.crashes) {
            return world.dies(me);
        }
        let fault = world.setting.fault;
        let Some(run) = &mut world.replicas[me].run else { return };
        (run.state, run.effect) = match (fault, run.state, event) {
            (
                Some(Fault::BelievesRefusalUnread),
                State::Sending { .. },
                Event::Answered(Verdict::InvalidGrant),
            ) => (State::Done, Effect::Finish(Outcome::Dead)),
            (Some(Fault::ResendsAtOnce), State::Sending { version }, Event::Answered(Verdict::Unknown)) => {
                (State::Sending { version }, Effect::Send)
            }
            (Some(Fault::DropsHeldTokens), State::Reading { held: true, .. }, Event::Row(Some(view)))
                if view.status == Status::Dead =>
            {
                (State::Done, Effect::Finish(Outcome::Dead))
            }
            (Some(Fault::TakesAllForReusable), state, Event::Row(Some(view))) => {
                machine::step(state, Event::Row(Some(View { reusable: true, ..view })))
            }
            (Some(Fault::RetriesUnasked), State::Reading { .. }, event) => {
                match machine::step(run.state, event) {
                    (asking, Effect::Ask) => machine::step(asking, Event::Asked(true)),
                    other => other,
                }
            }
            (_, state, event) => machine::step(state, event),
        };
        Self::carry_out(world, me);
    }

    fn carry_out(world: &mut World, me: usize) {
        // Or before it.
        if world.in_trouble() && world.dice.permille(world.setting.crashes) {
            return world.dies(me);
        }
        let now = world.now;
        let wall = world.replicas[me].wall(now);
        let Some(run) = &mut world.replicas[me].run else { return };
        let attempt = run.attempt;
        let version = run.row.map_or(0, |row| row.version);
        match run.effect {
            Effect::Read => world.ask(me, Ask::Read, For::Effect),
            Effect::Ask => world.asks(me),
            Effect::Claim { version, take_over, revive } => {
                let attempt = world.dice.between(1, u64::MAX);
                let careless = world.is_broken(Fault::TakesOverAfterOutage);
                let run = world.replicas[me].run.as_mut().unwrap();
                run.attempt = attempt;
                run.keeping = Keeping::claimed(ms(now));
                let seen = run.row.filter(|row| take_over || (careless && row.ran_out));
                world.ask(me, Ask::Claim { version, attempt, seen, revive, now: wall }, For::Effect);
            }
            Effect::Send => {
                let after = world.dice.between(1, 50);
                world.news(me, after, News::Prepared);
            }
            Effect::Commit { after } => world.news(me, count(after), News::CommitDue),
            Effect::Release { unknown } => {
                world.ask(me, Ask::Release { attempt, unknown, now: wall }, For::Effect);
            }
            Effect::MarkDead => world.ask(me, Ask::MarkDead { version, attempt, now: wall }, For::Effect),
            Effect::MarkMisconfigured => {
                world.ask(me, Ask::MarkMisconfigured { version, attempt, now: wall }, For::Effect);
            }
            Effect::Wait => world.news(me, 150, News::Waited),
            Effect::Finish(outcome) => Self::finish(world, me, outcome),
        }
    }

    fn ask_commit(world: &mut World, me: usize) {
        let now = world.replicas[me].wall(world.now);
        let Some(run) = &world.replicas[me].run else { return };
        let version = run.row.map_or(0, |row| row.version);
        let (attempt, token, held) = (run.attempt, run.token, run.held);
        world.ask(me, Ask::Commit { version, attempt, token, now }, For::Effect);
        // The claim is kept meanwhile.
        if let Some(held) = held {
            world.news(me, 150, News::RenewalDue(held));
        }
    }

    fn finish(world: &mut World, me: usize, outcome: Outcome) {
        let now = world.now;
        world.outcomes.push((now, outcome));
        let revived = world.revived && world.row.standing == Standing::Live;
        if outcome == Outcome::Dead && world.row.standing != Standing::Ended && !revived {
            let held = world.replicas[me].run.as_ref().and_then(|run| run.held.and(run.token));
            let honoured = [Some(world.row.token), held]
                .into_iter()
                .flatten()
                .any(|token| world.provider.honours(token, now));
            world.history.dead(now, honoured);
        }
        Self::over(world, me);
    }

    fn over(world: &mut World, me: usize) {
        let Some(run) = world.replicas[me].run.take() else { return };
        if let Some(held) = run.held
            && world.history.sends[held].end == End::Held
        {
            world.history.ends(world.now, held, End::Unknown);
        }
    }

    /// What the database answered to an effect.
    fn told(world: &mut World, me: usize, told: Option<Told>) {
        let now = world.now;
        let one = &mut world.replicas[me];
        let wall = one.wall(now);
        let steady = one.feed.is_steady(&one.clock);
        let Some(run) = &mut one.run else { return };
        let event = match (run.effect, told) {
            (Effect::Commit { .. }, None) => Event::NotCommitted,
            (_, None) if run.held.is_some() && run.away < 100 => {
                run.away += 1;
                let version = run.row.map_or(0, |row| row.version);
                (run.state, run.effect) = machine::held(version);
                return world.news(me, 150, News::Again);
            }
            (_, None) => {
                one.feed.lost(&one.clock);
                return Self::over(world, me);
            }
            (Effect::Read, Some(Told::Row(row))) => {
                run.row = Some(row);
                run.asked = false;
                one.known = one.known.max(row.version);
                Event::Row(Some(view(&row, wall, steady)))
            }
            (_, Some(Told::Claimed { unknown_sends })) => Event::Claimed { unknown_sends },
            (_, Some(Told::Busy)) => Event::Busy,
            (_, Some(Told::Moved)) => Event::Moved,
            (Effect::Commit { .. }, Some(Told::Done(stored))) => Event::Committed(stored),
            (Effect::MarkDead | Effect::MarkMisconfigured, Some(Told::Done(marked))) => Event::Marked(marked),
            (_, Some(_)) => Event::Settled,
        };
        Self::event(world, me, event);
    }

    // --- the token call, and the claim beside it -------------------------------------------------------------

    fn send(world: &mut World, me: usize) {
        let now = world.now;
        let careless = world.is_broken(Fault::NeverCutsOff);
        let standing_still: Vec<bool> = world.replicas.iter().map(|one| one.stalled_until >= now).collect();
        let Some(run) = &mut world.replicas[me].run else { return };
        if run.keeping.left(ms(now)).is_zero() && !careless {
            return Self::event(world, me, Event::Answered(Verdict::NotSent));
        }
        let Some(row) = run.row else { return };
        let send = world.history.sends.len();
        run.call = Some(send);
        let sent = Sent {
            version: row.version,
            replica: me,
            ended_at: 0,
            end: End::Running,
            out_of_sight: false,
            forgotten: false,
        };
        let pause = count(run.keeping.pause(ms(now)));
        let before = Before {
            asked: run.asked,
            reusable: row.reusable,
            unknown_sends: world.row.unknown_sends,
            pausing: !world.setting.clocks_jump,
        };
        world.history.sends(now, sent, before, &standing_still);
        world.sends(send, row.token);
        world.news(me, pause, News::RenewalDue(send));
    }

    fn is_kept(world: &World, me: usize, call: usize) -> bool {
        world.replicas[me].run.as_ref().is_some_and(|run| run.call == Some(call) || run.held == Some(call))
    }

    fn renew(world: &mut World, me: usize, call: usize) {
        if !Self::is_kept(world, me, call) {
            return;
        }
        let now = world.now;
        let Some(run) = &world.replicas[me].run else { return };
        let (attempt, left) = (run.attempt, count(run.keeping.left(ms(now))));
        world.ask(me, Ask::Renew { attempt }, For::Renewal { asked: now });
        world.news(me, left, News::RenewalTooLate(call, now));
    }

    fn renewal(world: &mut World, me: usize, asked: u64, told: Option<Told>) {
        let Some(run) = &world.replicas[me].run else { return };
        let Some(call) = run.call.or(run.held) else { return };
        let renewal = match told {
            Some(Told::Row(row)) if row.attempt == Some(run.attempt) => Renewal::Renewed,
            Some(Told::Row(row)) if row.standing == Standing::Ended => Renewal::Ended,
            Some(_) => Renewal::NotOurs,
            None => Renewal::Failed,
        };
        Self::keep(world, me, call, asked, renewal);
    }

    /// The limit of a renewal that was asked for at `asked`, unless it was answered meanwhile.
    fn renewal_too_late(world: &mut World, me: usize, call: usize, asked: u64) {
        if !Self::is_kept(world, me, call) {
            return;
        }
        let Some(run) = &world.replicas[me].run else { return };
        if run.keeping.left(ms(world.now)).is_zero() {
            Self::keep(world, me, call, asked, Renewal::TooLate);
        }
    }

    fn keep(world: &mut World, me: usize, call: usize, asked: u64, renewal: Renewal) {
        let now = world.now;
        let careless = world.is_broken(Fault::NeverCutsOff);
        let Some(run) = &mut world.replicas[me].run else { return };
        match run.keeping.on(ms(asked), renewal) {
            Keep::Again => {
                let pause = count(run.keeping.pause(ms(now)));
                world.news(me, pause, News::RenewalDue(call));
            }
            Keep::CutOff if run.call == Some(call) && !careless => {
                // The answer counts where it is there already.
                if world.arrived[call].is_some() {
                    return Self::look(world, me, call);
                }
                run.call = None;
                world.history.ends(now, call, End::Unknown);
                Self::event(world, me, Event::Answered(Verdict::Unknown));
            }
            Keep::CutOff | Keep::LetFinish => {}
        }
    }

    /// Takes the answer of its call.
    fn look(world: &mut World, me: usize, send: usize) {
        let Some(reply) = world.arrived[send] else { return };
        let Some(run) = &mut world.replicas[me].run else { return };
        if run.call != Some(send) {
            return;
        }
        run.call = None;
        let (verdict, end) = match reply {
            Heard::Nothing | Heard::Reply(Reply::Spoilt) => (Verdict::Unknown, End::Unknown),
            Heard::Reply(Reply::Tokens(token)) => {
                run.token = token;
                run.held = Some(send);
                (Verdict::Granted, End::Held)
            }
            Heard::Reply(Reply::InvalidGrant) => (Verdict::InvalidGrant, End::Refused),
            Heard::Reply(Reply::Unavailable) => (Verdict::Refused, End::Refused),
            Heard::Reply(Reply::InvalidClient) => (Verdict::InvalidClient, End::Refused),
        };
        world.history.ends(world.now, send, end);
        Self::event(world, me, Event::Answered(verdict));
    }
}

fn view(row: &Row, now: i64, steady: bool) -> View {
    View {
        version: row.version,
        status: match row.standing {
            Standing::Live => Status::Live,
            Standing::Dead => Status::Dead,
            Standing::Ended => Status::Ended,
        },
        refreshable: true,
        reusable: row.reusable,
        unknown_sends: row.unknown_sends,
        quiet: ms(now.abs_diff(row.updated_at)),
        holder: match (row.attempt, row.ran_out) {
            (None, _) => Holder::Nobody,
            (Some(_), false) => Holder::Alive,
            (Some(_), true) => Holder::RanOut,
        },
        steady,
    }
}
