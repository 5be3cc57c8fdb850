//! Reads a successful answer: error check, metadata, paging and records, in one pass over its bytes.
//!
//! Knows the order of these steps. Must not know how the request was made.

use super::answer::{Answer, Meta, Payload, Shaping};
use super::body_error::{self, BodyError};
use super::fault::{Fault, FaultKind};
use super::link;
use super::message::Response;
use super::paging::{self, Page};
use super::params::Accepted;
use super::records::{self, Records};
use super::slice::{Kind, Match, evaluate};
use super::target::Target;
use crate::plan::{Action, ErrorMeaning, JsonPath, MetaSource, Operation, Plan};
use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
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
    /// Position of the first path of each way to tell an error.
    errors: Vec<usize>,
    /// Of each metadata field that comes from the body.
    meta: Vec<Option<usize>>,
}

impl Reading<'_> {
    /// The result and metadata of an answer.
    pub(super) fn read(&self, response: &Response) -> Result<Answer, Refusal> {
        // Bytes that are no UTF-8 become U+FFFD, as with the published executor: one bad byte in a name must not hide
        // all records.
        let repaired;
        let (whole, body) = match simdutf8::basic::from_utf8(&response.body) {
            Ok(whole) => (whole, &response.body),
            Err(_) => {
                repaired = Bytes::from(String::from_utf8_lossy(&response.body).into_owned());
                (std::str::from_utf8(&repaired).unwrap_or_default(), &repaired)
            }
        };
        let (text, offset) = trimmed(whole);
        let text = if text.is_empty() { "{}" } else { text };
        let errors = body_error::of(self.plan, self.operation);
        let wanted = self.wanted(&errors);
        let found = evaluate(text, &wanted.paths).map_err(|_| self.unreadable())?;
        let records: Vec<&Match> = found.iter().filter(|found| found.path == 0).collect();
        let has_records = records.iter().any(|found| found.kind != Kind::Null);
        for (error, first) in errors.iter().zip(&wanted.errors) {
            let said = error.find(text, &found, *first, has_records, &self.plan.info.display_name);
            if let Some((meaning, fault)) = said {
                return Err(Refusal::Said(meaning, fault));
            }
        }
        let meta = self.meta(text, &found, &wanted, &response.headers, records::count(&records));
        let result = self.result(text, &records).map_err(Refusal::Unreadable)?;
        let result = match result {
            Records::Slice(range) if body.len() >= offset + range.end => {
                Payload::Raw(body.slice(offset + range.start..offset + range.end))
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

    fn wanted<'a>(&'a self, errors: &'a [BodyError<'a>]) -> Wanted<'a> {
        // Records, cursor, more, up to three for each way to tell an error, metadata.
        let mut paths = Vec::with_capacity(3 + 3 * errors.len() + self.operation.extract.meta.len());
        paths.push(self.operation.extract.records.as_ref().unwrap_or(ROOT));
        let mut add = |path: &'a JsonPath| {
            paths.push(path);
            paths.len() - 1
        };
        let paging = self.operation.paging.as_ref();
        let cursor = paging.and_then(paging::cursor_path).map(&mut add);
        let has_more = paging.and_then(|paging| paging.has_more.as_ref()).map(&mut add);
        let errors = errors
            .iter()
            .filter_map(|error| error.paths().into_iter().map(&mut add).reduce(|first, _| first))
            .collect();
        let meta = self.operation.extract.meta.iter();
        let meta = meta
            .map(|(_, source)| if let MetaSource::Path(path) = source { Some(add(path)) } else { None })
            .collect();
        Wanted { paths, cursor, has_more, errors, meta }
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
            operation: self.operation,
            target: self.target,
            accepted: self.accepted,
            headers,
            cursor: wanted.cursor.and_then(|path| records::last_value_at(text, found, path)),
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
        let result = records::rework(extract, tree, list, &self.target.environment.config(), self.now)
            .map_err(broken)?;
        Ok(Records::Text(self.shaping.apply(result, list).to_string()))
    }
}

/// The text without a byte order mark and white space around it, and where it begins.
fn trimmed(whole: &str) -> (&str, usize) {
    let unmarked = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let start = unmarked.trim_start();
    (start.trim_end(), whole.len() - start.len())
}
