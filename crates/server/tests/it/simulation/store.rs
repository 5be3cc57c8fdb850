//! The simulated row of a grant: the conditions of `store/grants.rs`, on a clock of its own.
//!
//! That the real statements have these conditions is what `it/store/grants.rs` tests on both databases.

use super::Fault;

/// A claim stands so long after it was taken or renewed.
const CLAIM_MS: u64 = 3000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Live,
    Dead,
    Ended,
}

/// What one replica asks of the row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Read,
    /// `seen`: the claim that may be taken over, as it was read.
    Claim {
        version: i64,
        attempt: u64,
        seen: Option<Row>,
        /// Also where the grant was marked dead.
        revive: bool,
        now: i64,
    },
    Renew {
        attempt: u64,
    },
    Commit {
        version: i64,
        attempt: u64,
        token: Option<u64>,
        now: i64,
    },
    Release {
        attempt: u64,
        unknown: bool,
        now: i64,
    },
    MarkDead {
        version: i64,
        attempt: u64,
        now: i64,
    },
    MarkMisconfigured {
        version: i64,
        attempt: u64,
        now: i64,
    },
}

/// What the row answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    Row(Row),
    Claimed { unknown_sends: i64 },
    Busy,
    Moved,
    Done(bool),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) version: i64,
    pub(super) standing: Standing,
    pub(super) token: u64,
    pub(super) attempt: Option<u64>,
    deadline: u64,
    pub(super) unknown_sends: i64,
    /// The token was the same after its last use.
    pub(super) reusable: bool,
    /// On the clock of the replica that wrote last.
    pub(super) updated_at: i64,
    /// When it was read, its claim's deadline had passed.
    pub(super) ran_out: bool,
}

impl Row {
    pub(super) fn new(updated_at: i64) -> Self {
        Self {
            version: 1,
            standing: Standing::Live,
            token: 1,
            attempt: None,
            deadline: 0,
            unknown_sends: 0,
            reusable: false,
            updated_at,
            ran_out: false,
        }
    }

    /// The connector was deleted.
    pub(super) fn end(&mut self) {
        self.standing = Standing::Ended;
        self.attempt = None;
    }

    /// The operator lets the token be sent once more. False where there is nothing to let.
    pub(super) fn forget_unknown_sends(&mut self) -> bool {
        let waits = self.unknown_sends > 1 && self.attempt.is_none() && self.standing == Standing::Live;
        self.when(waits, |row| row.unknown_sends = 1)
    }

    /// One statement at this time of the database's clock.
    pub(super) fn on(&mut self, ask: Ask, clock: u64, fault: Option<Fault>) -> Told {
        match ask {
            Ask::Read => {
                Told::Row(Self { ran_out: self.attempt.is_some() && clock >= self.deadline, ..*self })
            }
            Ask::Claim { version, attempt, seen, revive, now } => {
                if self.standing == Standing::Dead && !revive {
                    return Told::Moved;
                }
                self.claim(version, attempt, seen, now, clock)
            }
            Ask::Renew { attempt } => {
                self.when(self.attempt == Some(attempt), |row| row.deadline = clock + CLAIM_MS);
                Told::Row(*self)
            }
            Ask::Commit { version, attempt, token, now } => {
                let ours = self.attempt == Some(attempt) && self.version == version;
                let allowed = ours && self.standing != Standing::Ended;
                Told::Done(self.when(allowed || fault == Some(Fault::CommitsWithoutClaim), |row| {
                    row.version = version + 1;
                    let new = token.unwrap_or(row.token);
                    row.reusable = new == row.token;
                    row.token = new;
                    row.standing = Standing::Live;
                    row.unknown_sends = 0;
                    row.give_back(now);
                }))
            }
            Ask::Release { attempt, unknown, now } => {
                Told::Done(self.when(self.attempt == Some(attempt), |row| {
                    row.unknown_sends += i64::from(unknown);
                    row.give_back(now);
                }))
            }
            Ask::MarkDead { version, attempt, now } => {
                Told::Done(self.when(self.may_mark(version, attempt), |row| {
                    row.standing = Standing::Dead;
                    row.give_back(now);
                }))
            }
            Ask::MarkMisconfigured { version, attempt, now } => {
                Told::Done(self.when(self.may_mark(version, attempt), |row| row.give_back(now)))
            }
        }
    }

    fn may_mark(&self, version: i64, attempt: u64) -> bool {
        self.attempt == Some(attempt) && self.version == version && self.standing != Standing::Ended
    }

    fn claim(&mut self, version: i64, attempt: u64, seen: Option<Self>, now: i64, clock: u64) -> Told {
        if self.version != version || self.standing == Standing::Ended {
            return Told::Moved;
        }
        if self.attempt.is_some() {
            let claim = (self.attempt, self.deadline);
            if seen.is_none_or(|seen| (seen.attempt, seen.deadline) != claim) || clock < self.deadline {
                return Told::Busy;
            }
            self.unknown_sends += 1;
            self.updated_at = now;
        }
        self.attempt = Some(attempt);
        self.deadline = clock + CLAIM_MS;
        Told::Claimed { unknown_sends: self.unknown_sends }
    }

    fn when(&mut self, condition: bool, change: impl FnOnce(&mut Self)) -> bool {
        if condition {
            change(self);
        }
        condition
    }

    fn give_back(&mut self, now: i64) {
        self.attempt = None;
        self.updated_at = now;
    }
}
