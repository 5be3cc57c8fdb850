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
    /// Sends the same one three times, then a new one; the second use of an old one ends all of them.
    KeepsThenRotates,
}

pub(super) const HABITS: [Habit; 6] = [
    Habit::RotatesAndKills,
    Habit::Rotates,
    Habit::RotatesWithGrace,
    Habit::Keeps,
    Habit::SendsNone,
    Habit::KeepsThenRotates,
];

const GRACE_MS: u64 = 60_000;

/// What a token request leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// New tokens; with the refresh token that comes along.
    Tokens(Option<u64>),
    /// `invalid_grant`.
    InvalidGrant,
    /// The provider acted, but its answer was spoilt on the way.
    Spoilt,
    /// 503; nothing happened.
    Unavailable,
    /// `invalid_client`; nothing happened.
    InvalidClient,
}

pub(super) struct Provider {
    habit: Habit,
    newest: u64,
    rotated_at: u64,
    uses: u64,
    alive: bool,
}

impl Provider {
    pub(super) fn new(habit: Habit) -> Self {
        Self { habit, newest: 1, rotated_at: 0, uses: 0, alive: true }
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
            self.alive &= !matches!(self.habit, Habit::RotatesAndKills | Habit::KeepsThenRotates);
            return Reply::InvalidGrant;
        }
        self.uses += 1;
        match self.habit {
            Habit::KeepsThenRotates if !self.uses.is_multiple_of(4) => {
                return Reply::Tokens(Some(self.newest));
            }
            Habit::Keeps => return Reply::Tokens(Some(self.newest)),
            Habit::SendsNone => return Reply::Tokens(None),
            _ => {}
        }
        if token == self.newest {
            self.newest += 1;
            self.rotated_at = now;
        }
        Reply::Tokens(Some(self.newest))
    }
}
