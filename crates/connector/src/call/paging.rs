//! Finds the cursor of the next page, whatever the provider calls it.
//!
//! Knows cursors, links and counting. Must not know how answers are parsed: it is given the values it asked for.

use super::params::Accepted;
use super::request::resolve;
use super::target::Target;
use super::{json, link, next_page, page_params};
use crate::plan::{JsonPath, NextCursor, Operation, Paging, Step};
use http::HeaderMap;
use serde_json::Value;

/// What an answer says about its next page.
pub(super) struct Page<'a> {
    pub(super) operation: &'a Operation,
    pub(super) target: &'a Target,
    pub(super) accepted: &'a Accepted,
    pub(super) headers: &'a HeaderMap,
    /// The value at [`cursor_path`].
    pub(super) cursor: Option<Value>,
    /// The value at [`Paging::has_more`].
    pub(super) has_more: Option<Value>,
    /// Records in this answer.
    pub(super) count: usize,
}

/// The body path that [`Page::cursor`] comes from.
pub(super) const fn cursor_path(paging: &Paging) -> Option<&JsonPath> {
    match &paging.next {
        NextCursor::Path(path) | NextCursor::Url(path) => Some(path),
        NextCursor::Link(_) | NextCursor::Offset | NextCursor::Page { .. } => None,
    }
}

/// The next cursor; none when nothing continues, or when it would lead to the same page again.
pub(super) fn next(paging: &Paging, page: &Page<'_>) -> Option<String> {
    if page.has_more.as_ref().is_some_and(|more| !truthy(more)) {
        return None;
    }
    found(paging, page).filter(|cursor| Some(cursor) != current(paging, page).as_ref())
}

fn found(paging: &Paging, page: &Page<'_>) -> Option<String> {
    match &paging.next {
        // A record's own id stands in the last page too.
        NextCursor::Path(path) if path.steps.contains(&Step::Every) && !is_full(paging, page) => None,
        NextCursor::Path(_) => page.cursor.as_ref().and_then(scalar),
        NextCursor::Url(_) => from_url(paging, page, &page.cursor.as_ref().and_then(next_link)?),
        NextCursor::Link(relation) => {
            from_url(paging, page, &link::find_with_results(page.headers, relation)?)
        }
        NextCursor::Offset => {
            let here = given(paging.cursor_param.as_deref(), page).unwrap_or(0);
            is_full(paging, page).then(|| here.saturating_add(page.count as u64).to_string())
        }
        NextCursor::Page { first } => {
            let here = given(paging.cursor_param.as_deref(), page).unwrap_or(*first);
            is_full(paging, page).then(|| here.saturating_add(1).to_string())
        }
    }
}

/// The wanted query parameter of a next link; or, where the link itself is the cursor, the link, if it may be followed.
fn from_url(paging: &Paging, page: &Page<'_>, link: &str) -> Option<String> {
    match &paging.cursor_param {
        Some(name) => resolve(page.target, link)?
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty()),
        None => next_page::follow(page.operation, page.target, link).map(|_| link.to_owned()),
    }
}

/// The cursor of this page, where the caller gave one.
fn current(paging: &Paging, page: &Page<'_>) -> Option<String> {
    match &paging.cursor_param {
        Some(name) => page_params::value_at(&page.accepted.values, name).map(json::text),
        None => page.accepted.next_url.clone(),
    }
}

/// A number that the caller gave.
fn given(name: Option<&str>, page: &Page<'_>) -> Option<u64> {
    page_params::value_at(&page.accepted.values, name?).map(json::text)?.parse().ok()
}

/// As many records came as were asked for: counting may go on. The provider's own word wins where it gives one.
fn is_full(paging: &Paging, page: &Page<'_>) -> bool {
    let asked = given(paging.limit_param.as_deref(), page).or(paging.default_limit).unwrap_or(1);
    page.has_more.is_some() || (page.count > 0 && page.count as u64 >= asked)
}

/// Cursors are text or numbers; blank ones are none.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(_) | Value::Number(_) if !json::is_blank(value) => Some(json::text(value)),
        _ => None,
    }
}

/// A URL, or of a list of links the one with the relation `next`.
fn next_link(value: &Value) -> Option<String> {
    match value {
        Value::Array(links) => links
            .iter()
            .find(|link| link.get("rel").is_some_and(|rel| rel == "next"))?
            .get("href")
            .and_then(scalar),
        value => scalar(value),
    }
}

fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Null => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0" | "false" | "False"),
        Value::Array(_) | Value::Object(_) => true,
    }
}
