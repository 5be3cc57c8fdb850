//! The two demo users. It knows their names, not their data.

use serde::Serialize;

/// A demo user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Person {
    Alice,
    Bob,
}

/// How the world sees a user: the answer of `GET /userinfo`.
#[derive(Serialize)]
pub(crate) struct Profile {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
}

impl Person {
    pub(crate) const ALL: [Self; 2] = [Self::Alice, Self::Bob];

    /// The value that the consent form sends: `alice` or `bob`.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }

    pub(crate) fn by_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.slug() == slug)
    }

    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Alice => Profile { id: "user-alice", name: "Alice Moreau", email: "alice@harbour.example" },
            Self::Bob => Profile { id: "user-bob", name: "Bob Lindqvist", email: "bob@fjordline.example" },
        }
    }
}
