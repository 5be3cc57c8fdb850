//! A door to private parsers of foreign bytes, for the fuzz targets alone: it exists with the feature `fuzzing` only.
//!
//! Knows how to call them. Must not add or check anything: what must hold is said by the targets.

use super::slice::evaluate;
use super::{link, retry};
use crate::call::TemplateError;
use crate::plan::{JsonPath, RetryAfter, Template};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use std::ops::Range;
use std::time::Duration;

/// Position of the path and range of the text, for each match of each path. `None`: the text is not JSON.
pub fn matches(text: &str, paths: &[JsonPath]) -> Option<Vec<(usize, Range<usize>)>> {
    let found = evaluate(text, &paths.iter().collect::<Vec<_>>()).ok()?;
    Some(found.into_iter().map(|found| (found.path, found.range)).collect())
}

/// The target of the `Link` header with that relation.
pub fn link(headers: &HeaderMap, relation: &str) -> Option<String> {
    link::find(headers, relation)
}

/// What a `Retry-After` header of that format asks for.
pub fn retry_after(text: &str, format: RetryAfter, now: Timestamp) -> Option<Duration> {
    retry::read(text, format, now)
}

/// The template's text, with `value` under that name.
pub fn render(template: &Template, value: &Value, now: Timestamp) -> Result<String, TemplateError> {
    template.render([("value", value)], now)
}
