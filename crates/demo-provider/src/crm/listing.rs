//! Pages of a list: `limit` (1 to 100, default 10) and `after`, the id behind which the page starts.
//! It knows ids only, never objects: lists are in ascending order of id, so a page stays right when objects come and go.

use std::fmt;

use axum::Json;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::form::Form;

const LARGEST_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 10;

/// An object's id: a number, shown as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(pub(super) u64);

impl Id {
    /// The id as the API prints it; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self).filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(super) struct Page {
    limit: usize,
    after: Option<Id>,
}

impl Page {
    pub(super) fn of(query: &Form) -> Result<Self, ApiError> {
        let limit = match query.get("limit") {
            None => DEFAULT_PAGE,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=LARGEST_PAGE).contains(limit))
                .ok_or_else(|| ApiError::Invalid(format!("limit is a number from 1 to {LARGEST_PAGE}")))?,
        };
        let after = match query.get("after") {
            None => None,
            Some(text) => {
                let unknown = || ApiError::Invalid("after is not a cursor of this list".to_owned());
                Some(Id::parse(text).ok_or_else(unknown)?)
            }
        };
        Ok(Self { limit, after })
    }

    /// `{"results":[…]}`, with `"paging":{"next":{"after":"…"}}` where more follow.
    pub(super) fn cut<T: Serialize>(&self, sorted: impl Iterator<Item = (Id, T)>) -> Json<Value> {
        let mut rest = sorted.skip_while(|(id, _)| Some(*id) <= self.after);
        let page: Vec<_> = rest.by_ref().take(self.limit).collect();
        let last = page.last().map(|(id, _)| id.to_string());
        let results: Vec<_> = page.into_iter().map(|(_, object)| object).collect();
        match last.filter(|_| rest.next().is_some()) {
            Some(after) => Json(json!({"results": results, "paging": {"next": {"after": after}}})),
            None => Json(json!({"results": results})),
        }
    }
}
