//! What happened in one run, and whether it may have: the promises of docs/GRANTS.md, checked on the history.
//!
//! Looks at what was sent, stored and said only; knows nothing of how replicas decide.

/// A deletion is effective everywhere within this time; until then a call that has the claim may go out.
const EFFECTIVE_MS: u64 = 5000;

/// How a send ended, seen by whoever knows everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It runs.
    Running,
    /// No answer came, or the sender died, with or without it: nobody knows the outcome.
    Unknown,
    /// The provider answered without tokens.
    Refused,
    /// New tokens are with a sender that lives; they are not stored.
    Held,
    /// They are stored, or another version is.
    Settled,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) version: i64,
    pub(super) replica: usize,
    pub(super) ended_at: u64,
    pub(super) end: End,
    /// Its sender stood still or lost the database alone: the others cannot know that it lives.
    pub(super) out_of_sight: bool,
    /// The operator let the token be sent once more since.
    pub(super) forgotten: bool,
}

/// What the replica knew when it sent.
#[derive(Clone, Copy)]
pub(super) struct Before {
    /// A question had been answered.
    pub(super) asked: bool,
    /// The row said that the token cannot be used up.
    pub(super) reusable: bool,
    /// What the row counted, a claim that was taken over included.
    pub(super) unknown_sends: i64,
    /// Clocks were not moved, so pauses can be measured.
    pub(super) pausing: bool,
}

#[derive(Default)]
pub(super) struct History {
    pub(super) sends: Vec<Sent>,
    pub(super) wrong: Vec<String>,
    newest: i64,
    deleted_at: Option<u64>,
}

impl History {
    pub(super) fn says(&mut self, now: u64, what: &str) {
        self.wrong.push(format!("at {now} ms: {what}"));
    }

    /// A request leaves a replica.
    pub(super) fn sends(&mut self, now: u64, sent: Sent, before: Before, standing_still: &[bool]) {
        let same = |one: &&Sent| one.version == sent.version && !one.forgotten;
        let earlier: Vec<Sent> = self.sends.iter().filter(same).copied().collect();
        for one in &self.sends.clone() {
            if one.end == End::Running && !standing_still[one.replica] {
                self.says(
                    now,
                    &format!("two senders are live: replicas {} and {}", one.replica, sent.replica),
                );
            }
        }
        if self.deleted_at.is_some_and(|at| now > at + EFFECTIVE_MS) {
            self.says(now, "sent after the grant was deleted");
        }
        for one in &earlier {
            if one.end == End::Held && !one.out_of_sight {
                self.says(now, "sent again while a sender that all could see held the new tokens");
            }
            if one.end == End::Settled {
                self.says(now, "sent again after its outcome was stored");
            }
        }
        if before.reusable {
            self.pauses(now, &earlier, before);
        } else {
            self.sends_twice(now, &earlier, before);
        }
        self.sends.push(sent);
    }

    /// A token that may be used up: once, and once more after a question.
    fn sends_twice(&mut self, now: u64, earlier: &[Sent], before: Before) {
        // An answer without tokens is a known outcome; any other is open, whoever could see it.
        let open = earlier.iter().filter(|one| one.end != End::Refused).count();
        if open > 0 && !before.asked {
            self.says(now, "sent again without a question");
        }
        if open > 1 {
            self.says(now, "a third send");
        }
    }

    /// A token that is taken for one that cannot be used up: after pauses, or the second time after a question.
    fn pauses(&mut self, now: u64, earlier: &[Sent], before: Before) {
        // The end of a send out of sight is not known to those who pause.
        let unknown = earlier.iter().filter(|one| one.end == End::Unknown && !one.out_of_sight);
        if let Some(last) = unknown.map(|one| one.ended_at).max()
            && (before.unknown_sends >= 2 || !before.asked)
            && before.pausing
            && now < last + 30_000
        {
            self.says(now, "sent again without a pause");
        }
    }

    /// The operator let the token of this version be sent once more.
    pub(super) fn forgets(&mut self, version: i64) {
        for sent in self.sends.iter_mut().filter(|sent| sent.version == version) {
            sent.forgotten = true;
        }
    }

    pub(super) fn ends(&mut self, now: u64, send: usize, end: End) {
        self.sends[send].end = end;
        self.sends[send].ended_at = now;
    }

    pub(super) fn deleted(&mut self, now: u64) {
        self.deleted_at.get_or_insert(now);
    }

    pub(super) fn claims(&mut self, now: u64) {
        if self.deleted_at.is_some() {
            self.says(now, "claimed after the grant was deleted");
        }
    }

    /// The row has this version now.
    pub(super) fn stores(&mut self, now: u64, version: i64) {
        if version <= self.newest {
            self.says(now, &format!("version {version} was stored after {}", self.newest));
        }
        if self.deleted_at.is_some() {
            self.says(now, "tokens were stored after the grant was deleted");
        }
        self.newest = self.newest.max(version);
        for sent in self.sends.iter_mut().filter(|sent| sent.version < version) {
            if sent.end != End::Running {
                sent.end = End::Settled;
            }
        }
    }

    /// A row was marked dead, or a caller was told so.
    pub(super) fn dead(&mut self, now: u64, honoured: bool) {
        if honoured {
            self.says(now, "declared dead, though the provider would still honour the stored token");
        }
    }
}
