//! The simulated provider: one grant's refresh tokens, and what becomes of them when one is used.
//!
//! Tokens are numbers. Knows no replicas and no claims.

/// How a provider treats refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// A new one each time; the second use of an old one ends all of them.
    RotatesAndKills,
    /// A new one each time; an old one is refused, and that is all.
    Rotates,
    /// A new one each time; for a minute the one before gives the same tokens again.
    RotatesWithGrace,
    /// Sends the same one each time.
    Keeps,
    /// Sends none with a renewed access token.
    SendsNone,
}

pub(super) const HABITS: [Habit; 5] =
    [Habit::RotatesAndKills, Habit::Rotates, Habit::RotatesWithGrace, Habit::Keeps, Habit::SendsNone];

const GRACE_MS: u64 = 60_000;

/// What a token request leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// New tokens; with the refresh token that comes along.
    Tokens(Option<u64>),
    /// `invalid_grant`.
    InvalidGrant,
    /// 503; nothing happened.
    Unavailable,
    /// `invalid_client`; nothing happened.
    InvalidClient,
}

pub(super) struct Provider {
    habit: Habit,
    newest: u64,
    rotated_at: u64,
    alive: bool,
}

impl Provider {
    pub(super) fn new(habit: Habit) -> Self {
        Self { habit, newest: 1, rotated_at: 0, alive: true }
    }

    /// Whether this refresh token would bring new tokens now.
    pub(super) fn honours(&self, token: u64, now: u64) -> bool {
        let in_grace = self.habit == Habit::RotatesWithGrace
            && token + 1 == self.newest
            && now < self.rotated_at + GRACE_MS;
        self.alive && (token == self.newest || in_grace)
    }

    /// A token request.
    pub(super) fn refresh(&mut self, token: u64, now: u64) -> Reply {
        if !self.honours(token, now) {
            self.alive &= self.habit != Habit::RotatesAndKills;
            return Reply::InvalidGrant;
        }
        match self.habit {
            Habit::Keeps => return Reply::Tokens(Some(self.newest)),
            Habit::SendsNone => return Reply::Tokens(None),
            Habit::RotatesAndKills | Habit::Rotates | Habit::RotatesWithGrace => {}
        }
        if token == self.newest {
            self.newest += 1;
            self.rotated_at = now;
        }
        Reply::Tokens(Some(self.newest))
    }
}
