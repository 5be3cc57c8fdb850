//! Guesses how an operation pages, from what it extracts and which parameters it declares.
//!
//! Knows the names that providers use. Must not know any single provider. Used only where the author says nothing; where
//! nothing fits, the operation does not page.

use super::node::Node;
use super::paging::{Input, default_limit, inputs};
use super::schema::{at_path, type_names};
use crate::plan::{Action, JsonPath, MetaSource, NextCursor, Operation, Paging, Step, ValueType};

/// Parameters that take an opaque token, most telling first.
const TOKEN_PARAMS: &[&str] = &[
    "cursor",
    "page[cursor]",
    "after",
    "page[after]",
    "page_after",
    "page.token",
    "starting_after",
    "start_cursor",
    "page_token",
    "pageToken",
    "next_page_token",
    "nextPageToken",
    "next_token",
    "nextToken",
    "NextToken",
    "bookmark",
    "continuation_token",
    "pagination_token",
    "marker",
    "scroll_id",
    "start_id",
];
/// Parameters that take the id of the last record of the page before, most telling first.
const LAST_RECORD_PARAMS: &[&str] = &["starting_after", "after_id"];
/// Parameters that may take a token or a number.
const POSITION_PARAMS: &[&str] = &["offset", "start", "startAt", "start_at", "page[offset]", "skip"];
/// Parameters that take a page number.
const PAGE_PARAMS: &[&str] = &["page", "page[number]", "page_number", "pageNumber"];
/// Parameters that size a page.
const LIMIT_PARAMS: &[&str] = &[
    "limit",
    "per_page",
    "page_size",
    "pageSize",
    "page[size]",
    "page.size",
    "perPage",
    "PageSize",
    "MaxResultsPerPage",
    "maxResults",
    "max_results",
    "count",
    "first",
    "size",
    "top",
    "$top",
];
/// Extracted names that say whether there is more.
const MORE_NAMES: &[&str] =
    &["has_more", "hasMore", "has_next_page", "hasNextPage", "more_records", "moreDataAvailable"];
/// Last path names that only repeat what was asked for.
const ECHOES: &[&str] = &[
    "page",
    "start",
    "startAt",
    "limit",
    "count",
    "size",
    "page_size",
    "per_page",
    "total",
    "maxResults",
    "last_page",
];

pub(super) fn paging<'d>(
    root: &'d Node,
    operation: &Operation,
    response: Option<&'d Node>,
) -> Option<Paging> {
    if !matches!(operation.action, Action::List | Action::Search) {
        return None;
    }
    let inputs = inputs(operation);
    let evidence = Evidence { root, response, operation, inputs: &inputs };
    let limit_param =
        LIMIT_PARAMS.iter().find(|name| evidence.takes_number(name)).map(|name| (*name).to_owned());
    let (cursor_param, next) = evidence
        .link()
        .or_else(|| evidence.token())
        .or_else(|| evidence.url())
        .or_else(|| evidence.last_record())
        .or_else(|| evidence.counting())?;
    let default_limit = limit_param.as_deref().and_then(|name| default_limit(operation, name));
    Some(Paging { cursor_param, limit_param, next, has_more: evidence.has_more(), default_limit })
}

/// What the document shows about one operation.
struct Evidence<'a, 'd> {
    root: &'d Node,
    response: Option<&'d Node>,
    operation: &'a Operation,
    inputs: &'a [Input<'a>],
}

type Found = (Option<String>, NextCursor);

impl Evidence<'_, '_> {
    fn input(&self, name: &str) -> Option<&Input<'_>> {
        self.inputs.iter().find(|input| input.name == name)
    }

    fn takes_number(&self, name: &str) -> bool {
        self.input(name).is_some_and(|input| {
            matches!(input.value_type, ValueType::Integer | ValueType::Number | ValueType::Any)
        })
    }

    /// The first declared of some names.
    fn first(&self, groups: &[&[&str]]) -> Option<String> {
        groups
            .iter()
            .copied()
            .flatten()
            .find(|name| self.input(name).is_some())
            .map(|name| (*name).to_owned())
    }

    fn paths(&self) -> impl Iterator<Item = (&str, &JsonPath)> {
        self.operation.extract.meta.iter().filter_map(|(name, source)| match source {
            MetaSource::Path(path) => Some((name.as_str(), path)),
            _ => None,
        })
    }

    /// What the response schema says about the value at a path.
    fn shape(&self, path: &JsonPath) -> Shape {
        let schema = self.response.and_then(|schema| at_path(self.root, schema, path));
        let Some(schema) = schema else { return Shape::Unknown };
        let types = type_names(schema);
        let text =
            |key: &str| schema.get(key).and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
        if types.contains(&"object") {
            Shape::Object
        } else if types.contains(&"integer") || types.contains(&"boolean") {
            Shape::Number
        } else if matches!(text("format").as_str(), "uri" | "url")
            || ["url", "link to", "uri"].iter().any(|word| text("description").contains(word))
        {
            Shape::Url
        } else if types.contains(&"string") {
            Shape::Text
        } else {
            Shape::Unknown
        }
    }

    fn has_more(&self) -> Option<JsonPath> {
        self.paths()
            .find(|(name, path)| {
                MORE_NAMES.contains(name) || path.last_name().is_some_and(|n| MORE_NAMES.contains(&n))
            })
            .map(|(_, path)| path.clone())
    }

    /// `Link: <…>; rel="next"`. Without a parameter to take from it, the link itself is followed, which only reading by GET allows.
    fn link(&self) -> Option<Found> {
        let next = self.operation.extract.meta.iter().find_map(|(_, source)| match source {
            MetaSource::Link(relation) if relation.eq_ignore_ascii_case("next") => Some(relation.clone()),
            _ => None,
        })?;
        self.followed(NextCursor::Link(next))
    }

    fn followed(&self, next: NextCursor) -> Option<Found> {
        // Beside a page number `after` is a date.
        let page = self.first(&[PAGE_PARAMS]).filter(|_| self.input("after").is_some());
        let param = page.or_else(|| self.first(&[TOKEN_PARAMS, PAGE_PARAMS, POSITION_PARAMS]));
        (param.is_some() || self.operation.method == http::Method::GET).then_some((param, next))
    }

    /// A token in the body, for a parameter that takes one.
    fn token(&self) -> Option<Found> {
        for (name, path) in self.paths().filter(|(name, path)| is_forward(name, path)) {
            match self.shape(path) {
                Shape::Url | Shape::Number if !name.contains("offset") => {}
                Shape::Object => {
                    if let Some(found) = self.inside(path) {
                        return Some(found);
                    }
                }
                shape => {
                    let last = path.last_name().unwrap_or_default();
                    if is_called_url(name, path) || (shape != Shape::Text && is_next_page(path)) {
                        continue;
                    }
                    if let Some(param) = self.token_param(name, last) {
                        return Some((Some(param), NextCursor::Path(path.clone())));
                    }
                }
            }
        }
        None
    }

    /// The parameter that a token is for: one of its own name, one that takes tokens, or a position.
    fn token_param(&self, name: &str, last: &str) -> Option<String> {
        let own = [last, name].into_iter().find(|own| self.input(own).is_some() && !ECHOES.contains(own));
        own.map(str::to_owned).or_else(|| self.first(&[TOKEN_PARAMS, POSITION_PARAMS]))
    }

    /// An object that holds the token under the parameter's own name (`next_page: {offset, uri}`).
    fn inside(&self, path: &JsonPath) -> Option<Found> {
        for param in [TOKEN_PARAMS, POSITION_PARAMS].concat() {
            let mut inner = path.clone();
            inner.steps.push(Step::Name(param.to_owned()));
            let known = self.response.and_then(|schema| at_path(self.root, schema, &inner)).is_some();
            if known && self.input(param).is_some() {
                return Some((Some(param.to_owned()), NextCursor::Path(inner)));
            }
        }
        None
    }

    /// A URL in the body.
    fn url(&self) -> Option<Found> {
        let (_, path) = self.paths().filter(|(name, path)| is_forward(name, path)).find(|(name, path)| {
            match self.shape(path) {
                Shape::Url => true,
                Shape::Text | Shape::Unknown => is_called_url(name, path) || is_next_page(path),
                Shape::Object | Shape::Number => false,
            }
        })?;
        self.followed(NextCursor::Url(path.clone()))
    }

    /// The last record's id, where the provider says only whether there is more.
    fn last_record(&self) -> Option<Found> {
        self.has_more()?;
        let param = self.first(&[LAST_RECORD_PARAMS])?;
        let mut path = self.operation.extract.records.clone().unwrap_or(JsonPath { steps: Vec::new() });
        if !path.steps.contains(&Step::Every) {
            path.steps.push(Step::Every);
        }
        let described =
            |path: &JsonPath| self.response.and_then(|schema| at_path(self.root, schema, path)).is_some();
        let record_is_described = described(&path);
        path.steps.push(Step::Name("id".to_owned()));
        (!record_is_described || described(&path)).then_some((Some(param), NextCursor::Path(path)))
    }

    /// Counting records or pages.
    fn counting(&self) -> Option<Found> {
        let position =
            |names: &[&str]| names.iter().find(|name| self.takes_number(name)).map(|name| (*name).to_owned());
        let sized = LIMIT_PARAMS.iter().any(|name| self.takes_number(name));
        if !sized {
            return None;
        }
        if let Some(param) = position(POSITION_PARAMS) {
            return Some((Some(param), NextCursor::Offset));
        }
        let param = position(PAGE_PARAMS)?;
        let first = self.input(&param).and_then(|input| input.default?.as_u64()).unwrap_or(1).min(1);
        Some((Some(param), NextCursor::Page { first }))
    }
}

#[derive(PartialEq)]
enum Shape {
    Url,
    Text,
    Number,
    Object,
    Unknown,
}

/// The extracted value leads on: a cursor, a token, something next.
fn is_forward(name: &str, path: &JsonPath) -> bool {
    let last = path.last_name().unwrap_or_default();
    if ECHOES.contains(&last) {
        return false;
    }
    let is = |text: &str| {
        let text = text.to_ascii_lowercase();
        if ["prev", "before", "first", "has", "self"].iter().any(|word| text.starts_with(word)) {
            return false;
        }
        ["next", "cursor", "bookmark", "page_token", "pagetoken", "continuation"]
            .iter()
            .any(|word| text.contains(word))
            || matches!(text.as_str(), "after" | "starting_after" | "offset" | "scroll_id" | "marker")
    };
    is(name) || is(last)
}

/// `next_page` is a URL with most providers, but a token where the schema says that it is text.
fn is_next_page(path: &JsonPath) -> bool {
    path.last_name().is_some_and(|name| matches!(name, "next_page" | "nextPage"))
}

/// By its names the value is a URL: `next_link`, `$.links.next`.
fn is_called_url(name: &str, path: &JsonPath) -> bool {
    let last = path.last_name().unwrap_or_default();
    let words = [name, last].map(str::to_ascii_lowercase);
    if words.iter().any(|word| ["url", "uri", "link"].iter().any(|part| word.contains(part))) {
        return true;
    }
    path.steps.iter().rev().skip(1).any(|step| {
        matches!(step, Step::Name(name) if ["links", "_links", "link", "_metadata"].contains(&name.as_str()))
    })
}
