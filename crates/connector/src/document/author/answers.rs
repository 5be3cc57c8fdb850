//! Converts an operation's answer, and guesses where its records and its metadata are.
//!
//! Knows how vendors wrap records. Must not know requests.

use super::super::body::is_json;
use super::left_out::LeftOut;
use super::schemas::Converter;
use super::source::{Source, entries, prose, text};
use serde_json::{Map, Value, json};

/// Nesting that is kept in a record.
const RECORD_DEPTH: usize = 2;
/// Properties that hold the records of a page, the most telling first.
const LISTS: &[&str] = &[
    "data", "items", "results", "records", "values", "value", "entries", "elements", "rows", "hits", "nodes",
];
/// Properties that hold one record, or the page around a list.
const WRAPPERS: &[&str] = &["data", "result", "response", "payload", "_embedded", "record", "item"];
/// More properties than this are a record, not something around one.
const MOST_AROUND: usize = 6;
/// Metadata is looked for this deep beside the records.
const META_DEPTH: usize = 3;
/// Metadata that leads on, that says whether there is more, and that counts: names in lower case without `_` and `-`.
const META: &[&str] = &[
    "next",
    "nextcursor",
    "cursor",
    "endcursor",
    "nextpage",
    "nextpagetoken",
    "nexttoken",
    "continuationtoken",
    "bookmark",
    "scrollid",
    "nexturl",
    "nexturi",
    "nextpageurl",
    "nextlink",
    "@odata.nextlink",
    "nextrecordsurl",
    "nextoffset",
    "hasmore",
    "hasnextpage",
    "morerecords",
    "total",
    "totalcount",
    "totalresults",
    "totalrecords",
];
/// What an `after` may stand in to lead on.
const AROUND_AFTER: &[&str] = &["next", "cursors", "paging", "meta", "page", "pagination"];

/// What is known of an answer.
#[derive(Default)]
pub(super) struct Answer {
    /// Many records; `None`: the document does not say.
    pub(super) many: Option<bool>,
    /// A file.
    pub(super) file: bool,
    /// Path to the records.
    pub(super) records: Option<String>,
    /// Metadata: names and where they are.
    pub(super) meta: Map<String, Value>,
    /// `responses` of the converted operation.
    pub(super) responses: Value,
    /// A schema of records that others may share: the vendor's name and the converted schema.
    pub(super) record: Option<(String, Value)>,
}

/// Reads the answer of an operation. `item`: the path ends in a placeholder, so the answer is one record.
pub(super) fn read(
    source: &Source,
    operation: &Value,
    (item, segment): (bool, &str),
    place: &str,
    left_out: &mut LeftOut,
) -> Answer {
    let Some((status, response)) = success(source, operation) else {
        let responses = json!({"200": {"description": "The answer"}});
        return Answer { responses, ..Answer::default() };
    };
    let words =
        text(response, "description").map_or_else(|| "The answer".to_owned(), |words| prose(words, 120));
    let mut answer = Answer::default();
    if entries(response, "headers").any(|(name, _)| name.eq_ignore_ascii_case("link")) {
        answer.meta.insert("next".to_owned(), json!("@link.next"));
    }
    let kinds: Vec<(&String, &Value)> = entries(response, "content").collect();
    let json_kind = kinds.iter().find(|(kind, _)| is_json(kind) || *kind == "*/*");
    answer.file = json_kind.is_none() && !kinds.is_empty();
    let schema = json_kind.and_then(|(_, media)| media.get("schema"));
    let mut converted = Map::from_iter([("description".to_owned(), json!(words))]);
    if let Some(schema) = schema {
        let (many, path) = records(source, schema, item, segment);
        answer.many = many;
        let shown = shown(source, schema, &path, place, left_out, &mut answer);
        converted.insert("content".to_owned(), json!({"application/json": {"schema": shown}}));
        answer.records = (!path.is_empty()).then(|| format!("$.{}", path.join(".")));
    }
    answer.responses = json!({status: converted});
    answer
}

/// The response of success that a definition shows.
fn success<'s>(source: &'s Source, operation: &'s Value) -> Option<(String, &'s Value)> {
    let responses = operation.get("responses")?;
    let given = |status: &str| responses.get(status).and_then(|response| source.resolve(response));
    let exact =
        ["200", "201", "202", "203", "204"].into_iter().find_map(|status| Some((status, given(status)?)));
    let found =
        exact.or_else(|| ["2XX", "default"].into_iter().find_map(|status| Some(("200", given(status)?))));
    found.map(|(status, response)| (status.to_owned(), response))
}

/// Whether the answer is many records, and where they (or the one) are: names from the root.
fn records(source: &Source, schema: &Value, item: bool, segment: &str) -> (Option<bool>, Vec<String>) {
    if is_list(source, schema) {
        return (Some(true), Vec::new());
    }
    let properties = properties(source, schema);
    if properties.is_empty() {
        return (None, Vec::new());
    }
    if !item {
        if let Some(name) = list_among(source, &properties, segment) {
            return (Some(true), vec![name]);
        }
        for (outer, inner) in properties.iter().filter(|(name, _)| WRAPPERS.contains(&name.as_str())) {
            if let Some(name) = list_among(source, &self::properties(source, inner), segment) {
                return (Some(true), vec![(*outer).clone(), name]);
            }
        }
    }
    let singular = segment.trim_end_matches('s');
    let around = |name: &str| WRAPPERS.contains(&name) || name == segment || name == singular;
    let wrapped =
        properties.iter().find(|(name, inner)| around(name) && !self::properties(source, inner).is_empty());
    match wrapped {
        Some((name, _)) if properties.len() <= MOST_AROUND => (Some(false), vec![(*name).clone()]),
        _ => (Some(false), Vec::new()),
    }
}

/// The property that holds the records: by its name, or because it is the only list of few properties.
fn list_among(source: &Source, properties: &[(&String, &Value)], segment: &str) -> Option<String> {
    let lists: Vec<&String> =
        properties.iter().filter(|(_, schema)| is_list(source, schema)).map(|(name, _)| *name).collect();
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let named = LISTS.iter().find_map(|wanted| lists.iter().find(|name| **name == wanted));
    let own = lists.iter().find(|name| plain(name) == plain(segment));
    let only = lists.first().filter(|name| {
        lists.len() == 1
            && is_path_name(name)
            && properties.len() <= MOST_AROUND
            && !["errors", "warnings"].contains(&name.as_str())
    });
    own.or(named).or(only).map(|name| (*name).clone()).filter(|name| is_path_name(name))
}

/// May stand in a path after a dot.
fn is_path_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

fn is_list(source: &Source, schema: &Value) -> bool {
    source.resolve(schema).is_some_and(|schema| {
        let kind = schema.get("type");
        kind.is_some_and(|kind| {
            kind == "array" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "array"))
        }) || (kind.is_none() && schema.get("items").is_some())
    })
}

/// The properties of an object, those of `allOf` too.
fn properties<'s>(source: &'s Source, schema: &'s Value) -> Vec<(&'s String, &'s Value)> {
    let mut found = Vec::new();
    let mut waiting = vec![schema];
    for _ in 0..16 {
        let Some(schema) = waiting.pop().and_then(|schema| source.resolve(schema)) else { break };
        found.extend(entries(schema, "properties"));
        waiting.extend(super::source::items(schema, "allOf").iter().rev());
    }
    found
}

/// The converted schema of the whole answer; the record in it is replaced by a reference where the vendor has one.
fn shown<'s>(
    source: &'s Source,
    schema: &'s Value,
    path: &[String],
    place: &str,
    left_out: &mut LeftOut,
    answer: &mut Answer,
) -> Value {
    let mut record = schema;
    for name in path {
        let inner = properties(source, record).into_iter().find(|(other, _)| *other == name);
        record = inner.map_or(record, |(_, inner)| inner);
    }
    let list = is_list(source, record);
    if list {
        record = source.resolve(record).and_then(|list| list.get("items")).unwrap_or(record);
    }
    let name = record
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.strip_prefix("#/components/schemas/"));
    let depth = path.len() + usize::from(list) + RECORD_DEPTH;
    if path.is_empty() && !list && name.is_some() {
        answer.record = shared(source, record, place, left_out);
        return reference(answer).unwrap_or_default();
    }
    let mut whole = Value::Object(Converter::new(source, left_out, place).schema(schema, depth));
    let steps = path.iter().flat_map(|name| ["/properties/", name]).chain(list.then_some("/items"));
    let pointer: String = steps.collect();
    meta(&whole, &pointer, (&mut String::from("$"), 0), &mut answer.meta);
    if name.is_some() {
        answer.record = shared(source, record, place, left_out);
        if let (Some(slot), Some(reference)) = (whole.pointer_mut(&pointer), reference(answer)) {
            *slot = reference;
        }
    }
    whole
}

/// The record's schema under the vendor's own name.
fn shared(source: &Source, record: &Value, place: &str, left_out: &mut LeftOut) -> Option<(String, Value)> {
    let name = record.get("$ref")?.as_str()?.rsplit('/').next()?;
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    Some((name, Value::Object(Converter::new(source, left_out, place).schema(record, RECORD_DEPTH))))
}

fn reference(answer: &Answer) -> Option<Value> {
    answer.record.as_ref().map(|(name, _)| json!({"$ref": format!("#/components/schemas/{name}")}))
}

/// Collects metadata beside the records: `path` is where `schema` stands in the answer, `records` where not to look.
fn meta(schema: &Value, records: &str, (path, depth): (&mut String, usize), found: &mut Map<String, Value>) {
    let beside =
        entries(schema, "properties").filter(|(name, _)| is_path_name(name) || name.starts_with('@'));
    for (name, inner) in beside {
        let length = path.len();
        let around = path.rsplit('.').next().unwrap_or_default().to_owned();
        let (before, after) = if is_path_name(name) { (".", "") } else { ("['", "']") };
        path.extend([before, name, after]);
        let is = |kind: &str| {
            inner
                .get("type")
                .is_some_and(|k| k == kind || k.as_array().is_some_and(|all| all.iter().any(|k| k == kind)))
        };
        let plain = name.to_lowercase().replace(['_', '-'], "");
        let wanted =
            META.contains(&plain.as_str()) || (plain == "after" && AROUND_AFTER.contains(&around.as_str()));
        // `$.data.total` must not be looked for in what is itself a list of records.
        if wanted && !is("object") && !is("array") && !found.contains_key(name) {
            found.insert(name.clone(), json!(path));
        } else if is("object") && depth < META_DEPTH && records != format!("/properties/{name}") {
            let inside = records.strip_prefix(&format!("/properties/{name}")).unwrap_or_default();
            meta(inner, inside, (path, depth + 1), found);
        }
        path.truncate(length);
    }
}
