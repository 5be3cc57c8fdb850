//! Reads a successful answer: error check, metadata, paging and records, in one pass over its bytes.
//!
//! Knows the order of these steps. Must not know how the request was made.

use super::answer::{Answer, Meta, Payload, Shaping};
use super::fault::{Fault, FaultKind};
use super::message::Response;
use super::paging::{self, Page};
use super::params::Accepted;
use super::records::{self, Records};
use super::slice::{Match, evaluate};
use super::target::Target;
use super::{detail, json, link};
use crate::plan::{Action, ErrorCheck, ErrorMeaning, JsonPath, MetaSource, Operation, Plan, Step};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::value::RawValue;

/// What reading needs beside the answer.
pub(super) struct Reading<'a> {
    pub(super) plan: &'a Plan,
    pub(super) operation: &'a Operation,
    pub(super) target: &'a Target,
    pub(super) accepted: &'a Accepted,
    pub(super) shaping: &'a Shaping,
    pub(super) now: Timestamp,
}

/// Why an answer with a good status is no result.
pub(super) enum Refusal {
    /// An error inside the body, with the meaning that the definition gives its code.
    Said(ErrorMeaning, Fault),
    /// The answer cannot be read.
    Unreadable(Fault),
}

/// The whole body.
const ROOT: &JsonPath = &JsonPath { steps: Vec::new() };

/// Paths of one pass and where each one's matches are.
struct Wanted<'a> {
    paths: Vec<&'a JsonPath>,
    cursor: Option<usize>,
    has_more: Option<usize>,
    /// Position of the first path of the error check: field, message, needed scopes.
    error: Option<usize>,
    /// Of each metadata field that comes from the body.
    meta: Vec<Option<usize>>,
}

impl Reading<'_> {
    /// The result and metadata of an answer.
    pub(super) fn read(&self, response: &Response) -> Result<Answer, Refusal> {
        let (text, offset) = text(&response.body).map_err(|()| self.unreadable())?;
        let text = if text.is_empty() { "{}" } else { text };
        let error_paths = self.plan.error_check.as_ref().map(error_paths);
        let wanted = self.wanted(error_paths.as_deref().unwrap_or_default());
        let found = evaluate(text, &wanted.paths).map_err(|_| self.unreadable())?;
        if let (Some(check), Some(first)) = (&self.plan.error_check, wanted.error) {
            self.check(check, text, &found, first)?;
        }
        let records: Vec<&Match> = found.iter().filter(|found| found.path == 0).collect();
        let meta = self.meta(text, &found, &wanted, &response.headers, records::count(&records));
        let result = self.result(text, &records).map_err(Refusal::Unreadable)?;
        let result = match result {
            Records::Slice(range) if response.body.len() >= offset + range.end => {
                Payload::Raw(response.body.slice(offset + range.start..offset + range.end))
            }
            // An empty answer reads as `{}`, which is no slice of it.
            Records::Slice(range) => {
                Payload::Raw(Bytes::copy_from_slice(text.get(range).unwrap_or_default().as_bytes()))
            }
            Records::Text(text) => Payload::Shaped(text.into_bytes()),
        };
        Ok(Answer { result, meta })
    }

    fn unreadable(&self) -> Refusal {
        Refusal::Unreadable(Fault::new(
            FaultKind::UpstreamError,
            format!("{}'s answer is not valid JSON", self.plan.info.display_name),
        ))
    }

    fn is_list(&self) -> bool {
        matches!(self.operation.action, Action::List | Action::Search)
    }

    fn wanted<'a>(&'a self, error_paths: &'a [JsonPath]) -> Wanted<'a> {
        let mut paths = vec![self.operation.extract.records.as_ref().unwrap_or(ROOT)];
        let mut add = |path: &'a JsonPath| {
            paths.push(path);
            paths.len() - 1
        };
        let paging = self.operation.paging.as_ref();
        let cursor = paging.and_then(paging::cursor_path).map(&mut add);
        let has_more = paging.and_then(|paging| paging.has_more.as_ref()).map(&mut add);
        let error = error_paths.iter().map(&mut add).reduce(|first, _| first);
        let meta = self.operation.extract.meta.iter();
        let meta = meta
            .map(|(_, source)| if let MetaSource::Path(path) = source { Some(add(path)) } else { None })
            .collect();
        Wanted { paths, cursor, has_more, error, meta }
    }

    /// An error inside a 2xx body.
    fn check(&self, check: &ErrorCheck, text: &str, found: &[Match], first: usize) -> Result<(), Refusal> {
        let Some(value) =
            records::value_at(text, found, first).filter(|value| json::same(value, &check.on_value))
        else {
            return Ok(());
        };
        drop(value);
        let code = check
            .message_field
            .as_ref()
            .and_then(|_| records::value_at(text, found, first + 1))
            .filter(|code| !json::is_blank(code));
        let code_text = code.as_ref().map_or_else(
            || "unknown_error".to_owned(),
            |code| match code {
                Value::String(code) => code.clone(),
                other => detail::said(other),
            },
        );
        let meaning = check.codes.get(&code_text).copied().unwrap_or(ErrorMeaning::Rejected);
        let kind = match meaning {
            ErrorMeaning::Authentication => FaultKind::Unauthorized,
            ErrorMeaning::RateLimit => FaultKind::UpstreamRateLimited,
            ErrorMeaning::NotFound => FaultKind::UpstreamNotFound,
            ErrorMeaning::Rejected => FaultKind::UpstreamRejected,
        };
        let fault = Fault::new(
            kind,
            format!("{} answered with an error: {}", self.plan.info.display_name, detail::clean(&code_text)),
        );
        let missing_scopes = detail::scopes_in(records::value_at(text, found, first + 2).as_ref());
        Err(Refusal::Said(meaning, Fault { missing_scopes, ..fault }))
    }

    fn meta(
        &self,
        text: &str,
        found: &[Match],
        wanted: &Wanted<'_>,
        headers: &HeaderMap,
        count: usize,
    ) -> Meta {
        let page = Page {
            target: self.target,
            accepted: self.accepted,
            headers,
            cursor: wanted.cursor.and_then(|path| records::value_at(text, found, path)),
            has_more: wanted.has_more.and_then(|path| records::value_at(text, found, path)),
            count,
        };
        let end_cursor = self.operation.paging.as_ref().and_then(|paging| paging::next(paging, &page));
        let fields = self.operation.extract.meta.iter().zip(&wanted.meta);
        let extracted = fields.filter_map(|((name, source), path)| {
            let value = match source {
                MetaSource::Path(_) => {
                    path.and_then(|path| records::text_at(text, found, path)).unwrap_or("null").to_owned()
                }
                MetaSource::Link(relation) => {
                    records::quoted_or_null(link::find(headers, relation).as_deref())
                }
                MetaSource::Header(header) => {
                    records::quoted_or_null(headers.get(header).and_then(|value| value.to_str().ok()))
                }
            };
            Some((name.clone(), RawValue::from_string(value).ok()?))
        });
        Meta { has_next_page: end_cursor.is_some(), end_cursor, extracted: extracted.collect() }
    }

    fn result(&self, text: &str, found: &[&Match]) -> Result<Records, Fault> {
        let extract = &self.operation.extract;
        let (path, list) = (extract.records.as_ref(), self.is_list());
        let reworked = !extract.transform.is_empty() || (list && extract.filter.is_some());
        if !reworked && self.shaping.is_none(list) {
            return Ok(records::collect(text, path, found, list));
        }
        let tree = records::tree(text, path, found, list);
        let broken = |error| {
            Fault::new(
                FaultKind::UpstreamError,
                format!("the definition's template could not be rendered: {error}"),
            )
        };
        let result = records::rework(extract, tree, list, self.now).map_err(broken)?;
        Ok(Records::Text(self.shaping.apply(result, list).to_string()))
    }
}

/// Field, message and (Slack) the scopes that were needed.
fn error_paths(check: &ErrorCheck) -> Vec<JsonPath> {
    let path = |name: &str| JsonPath { steps: vec![Step::Name(name.to_owned())] };
    vec![path(&check.field), path(check.message_field.as_deref().unwrap_or_default()), path("needed")]
}

/// The body as trimmed text without a byte order mark, and where it begins.
fn text(body: &Bytes) -> Result<(&str, usize), ()> {
    let whole = std::str::from_utf8(body).map_err(|_| ())?;
    let unmarked = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let start = unmarked.trim_start();
    Ok((start.trim_end(), whole.len() - start.len()))
}
