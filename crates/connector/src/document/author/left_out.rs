//! What a conversion left out, by reason.
//!
//! Knows how it is counted and told. Must not know the reasons.

use indexmap::IndexMap;

/// Examples that are told for each reason.
const EXAMPLES: usize = 3;

/// Counts by reason, in the order in which reasons came up.
#[derive(Debug, Default)]
pub struct LeftOut {
    reasons: IndexMap<String, Reason>,
}

#[derive(Debug, Default)]
struct Reason {
    count: usize,
    last: String,
    examples: Vec<String>,
}

impl LeftOut {
    /// Notes one thing; the same thing is counted once for a reason, however many parts of it are concerned.
    pub(super) fn note(&mut self, reason: impl Into<String>, what: &str) {
        let reason = self.reasons.entry(reason.into()).or_default();
        if reason.count > 0 && reason.last == what {
            return;
        }
        reason.count += 1;
        what.clone_into(&mut reason.last);
        if reason.examples.len() < EXAMPLES {
            reason.examples.push(what.to_owned());
        }
    }

    /// One line a reason: count, reason, examples.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.reasons.iter().map(|(reason, found)| {
            let more = if found.count > found.examples.len() { ", …" } else { "" };
            format!("{:>5} x {reason}: {}{more}", found.count, found.examples.join(", "))
        })
    }

    /// Nothing was left out.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }
}
