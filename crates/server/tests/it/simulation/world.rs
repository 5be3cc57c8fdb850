//! The simulated world: time, messages that are slow or lost, an outage, clocks that jump, replicas that die.
//!
//! Knows when things reach each other. What a replica does with them is `replica`'s.

use super::dice::Dice;
use super::history::{End, History};
use super::provider::{Provider, Reply};
use super::replica::Replica;
use super::store::{Ask, Row, Standing, Told};
use super::{Fault, Setting};
use keybearer::core::grants::machine::Outcome;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

pub(super) const REPLICAS: usize = 3;
/// Trouble ends then; what follows is quiet.
const TROUBLE_ENDS: u64 = 240_000;
const END: u64 = 7_200_000;
const LAST_CALLS: [u64; 3] = [2_400_000, 4_000_000, 5_600_000];
const OPERATOR_COMES: u64 = 3_200_000;

/// What an answer of the database is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    Effect,
    Renewal { asked: u64 },
    Feed,
}

/// Something that reaches a replica; it waits while the replica stands still.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// A call wants a newer version than the replica knows.
    Wanted,
    /// None: the database could not be reached.
    Told(Option<Told>, For),
    /// The token endpoint answered a question, or the time for it is over.
    Asked(bool),
    /// The token call is ready to be sent.
    Prepared,
    /// There is something to see at the token call.
    Look(usize),
    RenewalDue(usize),
    RenewalTooLate(usize, u64),
    /// A pause is over.
    Waited,
    /// The database is tried again, for new tokens that are held.
    Again,
    CommitDue,
    FeedDue,
}

/// What a token call came to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard {
    Reply(Reply),
    /// The connection broke, or the time was over.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    /// A replica's news, for one life of it and one refresh.
    News {
        replica: usize,
        life: u64,
        run: u64,
        news: News,
    },
    Asked {
        replica: usize,
        life: u64,
        run: u64,
        ask: Ask,
        what: For,
        since: u64,
    },
    Provider {
        send: usize,
        token: u64,
        answers: bool,
    },
    Answer {
        send: usize,
        reply: Option<Reply>,
    },
    Restart(usize),
    Stall(usize),
    Jump(usize),
    Delete,
    /// The operator lets an unresolved token be sent once more.
    Resend,
}

pub(super) struct World {
    pub(super) setting: Setting,
    pub(super) dice: Dice,
    pub(super) now: u64,
    pub(super) row: Row,
    pub(super) provider: Provider,
    pub(super) history: History,
    pub(super) replicas: Vec<Replica>,
    /// Answers that have arrived at a replica's machine, by send.
    pub(super) arrived: Vec<Option<Heard>>,
    pub(super) outcomes: Vec<(u64, Outcome)>,
    /// The provider honoured the token, and nobody renewed the grant before the operator came.
    pub(super) unresolved: bool,
    /// New tokens came to the row after it was marked dead: who was told so a moment ago was told the truth.
    pub(super) revived: bool,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    happenings: Vec<Happening>,
    outage: Range<u64>,
    /// One replica alone cannot reach the database.
    apart: (usize, Range<u64>),
    provider_away: Range<u64>,
    /// How often in a thousand it answers meanwhile.
    away_answers: u64,
}

impl World {
    pub(super) fn new(seed: u64, setting: Setting) -> Self {
        let mut dice = Dice::new(seed);
        let mut window = |chance, longest| {
            let from = if dice.permille(chance) { dice.between(0, TROUBLE_ENDS) } else { END };
            from..from + dice.between(500, longest)
        };
        let all = u64::from(!setting.only_the_provider);
        let (outage, apart) = (window(all * 700, 20_000), window(all * 400, 15_000));
        let provider_away = window(1000 - all * 500, TROUBLE_ENDS / 2);
        let one = usize::try_from(dice.between(0, 3)).unwrap();
        let away_answers = if dice.permille(1000 - all * 500) { 0 } else { 150 };
        Self {
            row: Row::new(0),
            provider: Provider::new(setting.habit),
            history: History::default(),
            replicas: (0..REPLICAS).map(|_| Replica::new()).collect(),
            arrived: Vec::new(),
            outcomes: Vec::new(),
            unresolved: false,
            revived: false,
            queue: BinaryHeap::new(),
            happenings: Vec::new(),
            now: 0,
            outage,
            apart: (one, apart),
            provider_away,
            away_answers,
            setting,
            dice,
        }
    }

    /// Runs it to its end; what was wrong.
    pub(super) fn run(&mut self) -> Vec<String> {
        for replica in 0..REPLICAS {
            self.news(replica, 0, News::FeedDue);
            let mut at = 0;
            while at < TROUBLE_ENDS {
                at += self.dice.between(1, 9000);
                self.news(replica, at, News::Wanted);
            }
            for _ in 0..if self.setting.only_the_provider { 0 } else { 6 } {
                let at = self.dice.between(0, TROUBLE_ENDS);
                if self.dice.permille(500) {
                    self.at(at, Happening::Stall(replica));
                } else if self.setting.clocks_jump {
                    self.at(at, Happening::Jump(replica));
                }
            }
        }
        if !self.setting.only_the_provider && self.dice.permille(100) {
            let at = self.dice.between(0, TROUBLE_ENDS);
            self.at(at, Happening::Delete);
        }
        // Long after the trouble, when every pause is over, a few calls more.
        for at in LAST_CALLS {
            self.news(0, at, News::Wanted);
            for replica in 0..REPLICAS {
                self.news(replica, at - 10_000, News::FeedDue);
            }
        }
        self.at(OPERATOR_COMES, Happening::Resend);
        while let Some(Reverse((at, number))) = self.queue.pop() {
            if at > END {
                break;
            }
            self.now = at;
            let happening = self.happenings[usize::try_from(number).unwrap()];
            self.happens(happening);
        }
        self.last_word();
        std::mem::take(&mut self.history.wrong)
    }

    /// A grant whose token the provider honours is renewed in the end.
    fn last_word(&mut self) {
        let renewed =
            self.outcomes.iter().any(|(at, outcome)| *at >= LAST_CALLS[0] && *outcome == Outcome::Renewed);
        if self.row.standing != Standing::Ended && self.provider.honours(self.row.token, self.now) && !renewed
        {
            let last = self.outcomes.last().copied();
            self.history.says(
                self.now,
                &format!("the grant lives and nobody renews it any more: {last:?}, {:?}", self.row),
            );
        }
    }

    pub(super) fn in_trouble(&self) -> bool {
        self.now < TROUBLE_ENDS && !self.setting.only_the_provider
    }

    /// Replicas always read the feed; in quiet times nothing is learnt from most of it.
    pub(super) fn feed_matters(&self) -> bool {
        self.now < TROUBLE_ENDS + 30_000
            || LAST_CALLS.iter().any(|at| (at - 10_000..at + 30_000).contains(&self.now))
    }

    fn at(&mut self, at: u64, happening: Happening) {
        self.queue.push(Reverse((at, u64::try_from(self.happenings.len()).unwrap())));
        self.happenings.push(happening);
    }

    /// News for a replica as it is now, after so many milliseconds.
    pub(super) fn news(&mut self, replica: usize, after: u64, news: News) {
        let (life, run) = (self.replicas[replica].life, self.replicas[replica].run_number);
        self.at(self.now + after, Happening::News { replica, life, run, news });
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::News { replica, life, run, news } => {
                let one = &self.replicas[replica];
                let whole_process = matches!(news, News::Wanted | News::FeedDue | News::Told(_, For::Feed));
                // Calls come to whichever life there is; the feed's loop belongs to one, until it begins again.
                let begins = matches!(news, News::FeedDue) && !self.in_trouble();
                let is_for_any_life = matches!(news, News::Wanted) || begins;
                if one.is_down
                    || (one.life != life && !is_for_any_life)
                    || (one.run_number != run && !whole_process)
                {
                    return;
                }
                if one.stalled_until > self.now {
                    let until = one.stalled_until;
                    self.at(until, happening);
                    return;
                }
                Replica::hears(self, replica, news);
            }
            Happening::Asked { replica, life, run, ask, what, since } => {
                self.asked(replica, life, run, ask, what, since);
            }
            Happening::Provider { send, token, answers } => self.provider_hears(send, token, answers),
            Happening::Answer { send, reply } => {
                self.arrived[send] = Some(reply.map_or(Heard::Nothing, Heard::Reply));
                let replica = self.history.sends[send].replica;
                self.news(replica, 0, News::Look(send));
            }
            Happening::Restart(replica) => {
                self.replicas[replica] = Replica::again(&self.replicas[replica], self.now);
                self.news(replica, 0, News::FeedDue);
            }
            Happening::Stall(replica) => {
                let until = self.now + self.dice.between(500, 8000);
                let one = &mut self.replicas[replica];
                one.stalled_until = one.stalled_until.max(until);
                self.out_of_sight(replica);
            }
            Happening::Jump(replica) => {
                let by = i64::try_from(self.dice.between(0, 7_200_000)).unwrap() - 3_600_000;
                self.replicas[replica].clock_is_off_by += by;
            }
            Happening::Resend => self.resend(),
            Happening::Delete => {
                self.row.end();
                self.history.deleted(self.now);
            }
        }
    }

    fn resend(&mut self) {
        let row = self.row;
        let lives = row.standing == Standing::Live && self.provider.honours(row.token, self.now);
        let told = self.outcomes.last().is_some_and(|(_, outcome)| *outcome == Outcome::Unresolved);
        self.unresolved = lives && told;
        if self.unresolved && self.row.forget_unknown_sends() {
            self.history.forgets(row.version);
        }
    }

    fn out_of_sight(&mut self, replica: usize) {
        for sent in self.history.sends.iter_mut().filter(|sent| sent.replica == replica) {
            sent.out_of_sight = true;
        }
    }

    /// A replica dies: what it knew is gone.
    pub(super) fn dies(&mut self, replica: usize) {
        for send in 0..self.history.sends.len() {
            let sent = self.history.sends[send];
            if sent.replica == replica && matches!(sent.end, End::Running | End::Held) {
                self.history.ends(self.now, send, End::Unknown);
            }
        }
        self.replicas[replica].is_down = true;
        let back = self.now + self.dice.between(500, 10_000);
        self.at(back, Happening::Restart(replica));
    }

    // --- the database --------------------------------------------------------------------------------------

    pub(super) fn ask(&mut self, replica: usize, ask: Ask, what: For) {
        let (life, run) = (self.replicas[replica].life, self.replicas[replica].run_number);
        let slow = self.in_trouble() && self.dice.permille(20);
        let at = self.now + if slow { self.dice.between(100, 1500) } else { self.dice.between(1, 20) };
        self.at(at, Happening::Asked { replica, life, run, ask, what, since: self.now });
    }

    fn asked(&mut self, replica: usize, life: u64, run: u64, ask: Ask, what: For, since: u64) {
        let is_apart = self.apart.0 == replica && self.apart.1.contains(&self.now);
        if is_apart {
            self.out_of_sight(replica);
        }
        let away = if is_apart { Some(self.apart.1.end) } else { None }
            .or_else(|| self.outage.contains(&self.now).then_some(self.outage.end));
        let tell = |world: &mut Self, after, told| {
            let news = News::Told(told, what);
            world.at(world.now + after, Happening::News { replica, life, run, news });
        };
        if let Some(end) = away {
            // A broken connection says so; a new one is tried again and again, up to ten seconds.
            let back = end + self.dice.between(0, 2000);
            if self.dice.permille(500) || back > since + 10_000 || self.replicas[replica].life != life {
                let after = self.dice.between(5, 500);
                tell(self, after, None);
            } else {
                self.at(back, Happening::Asked { replica, life, run, ask, what, since });
            }
            return;
        }
        let lost = self.in_trouble() && self.dice.permille(10);
        if lost && self.dice.permille(500) {
            return tell(self, 200, None);
        }
        let was_dead = self.row.standing == Standing::Dead;
        let told = self.row.on(ask, self.now, self.setting.fault);
        self.revived |= was_dead && self.row.standing == Standing::Live;
        self.note(ask, told);
        let after = self.dice.between(1, 20);
        tell(self, after, (!lost).then_some(told));
    }

    fn note(&mut self, ask: Ask, told: Told) {
        match (ask, told) {
            (Ask::Claim { .. }, Told::Claimed { .. }) => self.history.claims(self.now),
            (Ask::Commit { version, .. }, Told::Done(true)) => self.history.stores(self.now, version + 1),
            (Ask::MarkDead { .. }, Told::Done(true)) => {
                self.history.dead(self.now, self.provider.honours(self.row.token, self.now));
            }
            _ => {}
        }
    }

    // --- the provider --------------------------------------------------------------------------------------

    /// Whether the provider answers a message of now.
    fn answers(&mut self) -> bool {
        let away = self.provider_away.contains(&self.now);
        let so_often = if away { self.away_answers } else { 950 };
        !(away || self.in_trouble()) || self.dice.permille(so_often)
    }

    /// A question without a token leaves a replica.
    pub(super) fn asks(&mut self, replica: usize) {
        let lost = !self.answers();
        let slow = self.in_trouble() && self.dice.permille(100);
        let after = match (lost, slow) {
            (true, true) => 50,
            (true, false) => 10_000,
            (false, true) => self.dice.between(1000, 9000),
            (false, false) => self.dice.between(10, 600),
        };
        self.news(replica, after, News::Asked(!lost));
    }

    /// A token request leaves a replica.
    pub(super) fn sends(&mut self, send: usize, token: u64) {
        self.arrived.push(None);
        let answered = self.answers();
        // What is not answered is lost on its way there as often as on its way back.
        let (lost, answers) = (!answered && self.dice.permille(500), answered);
        let slow = self.in_trouble() && self.dice.permille(100);
        let at = self.now + if slow { self.dice.between(1000, 9000) } else { self.dice.between(5, 300) };
        if lost {
            // The connection breaks, or nothing is heard until the time is over.
            let after = if self.dice.permille(500) { 50 } else { 30_000 };
            self.at(self.now + after, Happening::Answer { send, reply: None });
        } else {
            self.at(at, Happening::Provider { send, token, answers });
        }
    }

    fn provider_hears(&mut self, send: usize, token: u64, answers: bool) {
        let reply = match self.dice.between(0, 1000) {
            0..30 if self.in_trouble() => Reply::Unavailable,
            30..40 if self.in_trouble() => Reply::InvalidClient,
            _ => self.provider.refresh(token, self.now),
        };
        let after = self.dice.between(5, 300);
        let spoilt = matches!(reply, Reply::Tokens(_)) && self.in_trouble() && self.dice.permille(10);
        let reply = if spoilt { Reply::Spoilt } else { reply };
        self.at(self.now + after, Happening::Answer { send, reply: answers.then_some(reply) });
    }

    pub(super) fn is_broken(&self, fault: Fault) -> bool {
        self.setting.fault == Some(fault)
    }
}
