//! The three scopes, as a set: parsing and printing (RFC 6749 §3.3) and what each means in words.
//! It knows nothing of who holds them.

use std::collections::BTreeSet;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Read,
    Write,
    Offline,
}

impl Scope {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Offline];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "crm.read",
            Self::Write => "crm.write",
            Self::Offline => "offline",
        }
    }

    /// What a person reads on the consent page.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Read => "See your contacts, deals and files",
            Self::Write => "Create, change and delete your contacts",
            Self::Offline => "Keep this access while you are away, until you take it back",
        }
    }
}

/// A set of scopes; printed space-separated, in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// `None` when a scope is unknown or there is none at all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let set: Option<BTreeSet<Scope>> = text
            .split(' ')
            .filter(|name| !name.is_empty())
            .map(|name| Scope::ALL.into_iter().find(|scope| scope.name() == name))
            .collect();
        set.filter(|set| !set.is_empty()).map(Self)
    }

    /// What a client gets that asks for nothing (RFC 6749 §3.3): reading.
    pub(crate) fn default_set() -> Self {
        Self(BTreeSet::from([Scope::Read]))
    }

    pub(crate) fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub(crate) fn within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::name).collect();
        f.write_str(&names.join(" "))
    }
}
