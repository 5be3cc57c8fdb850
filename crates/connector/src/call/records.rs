//! Turns the matches of an extractor into the result: as a slice of the answer where nothing changes.
//!
//! Knows wrapping, transforms and filters. Must not know paging or requests.

use super::json;
use super::slice::{Kind, Match};
use super::template::{Renderer, TemplateError, jinja_value};
use crate::plan::{Extract, JsonPath, Step};
use jiff::Timestamp;
use minijinja::value::Value as JinjaValue;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Range;

/// A result before the caller's own shaping.
#[derive(Debug, PartialEq)]
pub(super) enum Records {
    /// A range of the answer's text.
    Slice(Range<usize>),
    /// JSON text that was put together.
    Text(String),
}

/// What the extractor found, wrapped: records are maps, a scalar stands under `value`.
pub(super) fn collect(text: &str, path: Option<&JsonPath>, found: &[&Match], list: bool) -> Records {
    let every = path.is_some_and(|path| path.steps.contains(&Step::Every));
    match found {
        [] if list => Records::Text("[]".to_owned()),
        [] => Records::Text("null".to_owned()),
        [only] if !list || !every || matches!(only.kind, Kind::Array { .. }) => wrap(text, only),
        [first, ..] if !list => wrap(text, first),
        many => joined(many.iter().map(|found| text.get(found.range.clone()).unwrap_or_default())),
    }
}

/// How many records a result holds, for counting pages.
pub(super) fn count(found: &[&Match]) -> usize {
    match found {
        [only] => match only.kind {
            Kind::Array { count, .. } => count,
            Kind::Null => 0,
            _ => 1,
        },
        many => many.len(),
    }
}

fn wrap(text: &str, found: &Match) -> Records {
    let slice = text.get(found.range.clone()).unwrap_or_default();
    match found.kind {
        Kind::Object | Kind::Null | Kind::Array { odd: false, .. } => Records::Slice(found.range.clone()),
        Kind::Scalar => Records::Text(under_value(slice)),
        Kind::Array { odd: true, .. } => match serde_json::from_str::<Vec<&RawValue>>(slice) {
            Ok(items) => joined(items.into_iter().map(RawValue::get)),
            Err(_) => Records::Slice(found.range.clone()),
        },
    }
}

fn under_value(text: &str) -> String {
    format!("{{\"value\":{text}}}")
}

/// A list of these texts, those that are no maps under `value`.
fn joined<'a>(items: impl Iterator<Item = &'a str>) -> Records {
    let mut list = String::from("[");
    for (index, item) in items.enumerate() {
        if index > 0 {
            list.push(',');
        }
        if item.starts_with('{') { list.push_str(item) } else { list.push_str(&under_value(item)) }
    }
    list.push(']');
    Records::Text(list)
}

/// The slow lane: fields rendered over each record, then records dropped. `raw` is the unwrapped result, `config` what
/// templates know beside the record.
pub(super) fn rework(
    extract: &Extract,
    raw: Value,
    list: bool,
    config: &Value,
    now: Timestamp,
) -> Result<Value, TemplateError> {
    let config = jinja_value(config);
    let mut transforms = Vec::new();
    for (name, template) in &extract.transform {
        transforms.push((name, Renderer::new(template, now)?));
    }
    let filter = extract.filter.as_ref().map(|template| Renderer::new(template, now)).transpose()?;
    let one = |record: Value| {
        if transforms.is_empty() { Ok(record) } else { transform(&transforms, &config, record) }
    };
    match raw {
        Value::Array(items) => {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                let record = wrapped(one(item)?);
                if !list || keeps(filter.as_ref(), &config, &record)? {
                    kept.push(record);
                }
            }
            Ok(Value::Array(kept))
        }
        Value::Null => Ok(Value::Null),
        // One record where a list was expected is transformed and filtered too; a scalar has no fields to transform.
        other => {
            let record = wrapped(if other.is_object() { one(other)? } else { other });
            let kept = !list || keeps(filter.as_ref(), &config, &record)?;
            Ok(if kept { record } else { Value::Array(Vec::new()) })
        }
    }
}

fn wrapped(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(members),
        other => Value::Object(Map::from_iter([("value".to_owned(), other)])),
    }
}

/// Rendered fields over the record's own; a scalar record gives way to the rendered fields.
fn transform(
    fields: &[(&String, Renderer)],
    config: &JinjaValue,
    record: Value,
) -> Result<Value, TemplateError> {
    let (context, mut members) = match record {
        Value::Object(members) => (Value::Object(members.clone()), members),
        other => (wrapped(other), Map::new()),
    };
    let names = names(config, &context);
    for (name, renderer) in fields {
        members.insert((*name).clone(), Value::String(renderer.render(names.clone())?));
    }
    Ok(Value::Object(members))
}

/// What a template may speak of.
fn names(config: &JinjaValue, record: &Value) -> BTreeMap<String, JinjaValue> {
    BTreeMap::from([("record".to_owned(), jinja_value(record)), ("config".to_owned(), config.clone())])
}

fn keeps(filter: Option<&Renderer>, config: &JinjaValue, record: &Value) -> Result<bool, TemplateError> {
    let Some(filter) = filter else { return Ok(true) };
    let text = filter.render(names(config, record))?;
    Ok(!matches!(text.trim(), "False" | "false" | "0" | "None" | "none" | "null" | ""))
}

/// The unwrapped result as a tree, for [`rework`].
pub(super) fn tree(text: &str, path: Option<&JsonPath>, found: &[&Match], list: bool) -> Value {
    let parse = |found: &Match| {
        text.get(found.range.clone()).and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
    };
    let every = path.is_some_and(|path| path.steps.contains(&Step::Every));
    match found {
        [] if list => Value::Array(Vec::new()),
        [] => Value::Null,
        [only] if !list || !every || matches!(only.kind, Kind::Array { .. }) => parse(only),
        [first, ..] if !list => parse(first),
        many => Value::Array(many.iter().map(|found| parse(found)).collect()),
    }
}

/// A value's text where it is wanted as JSON; used by error checks.
pub(super) fn value_at(text: &str, found: &[Match], path: usize) -> Option<Value> {
    let found = found.iter().find(|found| found.path == path)?;
    serde_json::from_str(text.get(found.range.clone())?).ok()
}

/// The value of the last match.
pub(super) fn last_value_at(text: &str, found: &[Match], path: usize) -> Option<Value> {
    let found = found.iter().rfind(|found| found.path == path)?;
    serde_json::from_str(text.get(found.range.clone())?).ok()
}

/// The first match's own text.
pub(super) fn text_at<'a>(text: &'a str, found: &[Match], path: usize) -> Option<&'a str> {
    let found = found.iter().find(|found| found.path == path)?;
    text.get(found.range.clone())
}

/// Quotes a text as JSON, or says null.
pub(super) fn quoted_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), json::quote)
}
