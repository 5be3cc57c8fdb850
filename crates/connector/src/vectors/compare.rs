//! Compares what happened with what a vector says.
//!
//! Knows requests, answers and faults. Must not know how they came about.

use super::format::{ExpectedRequest, Vector, plain};
use crate::call::{Answer, Fault, Payload, Unsigned};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use url::Url;

fn differ(differences: &mut Vec<String>, what: &str, expected: &Value, got: &Value) {
    if expected != got {
        differences.push(format!("{what}\n  expected {expected}\n  got      {got}"));
    }
}

/// Compares the request with that number, from 1.
pub(super) fn request(
    expected: &ExpectedRequest,
    got: &Unsigned,
    number: usize,
    differences: &mut Vec<String>,
) {
    let mut compare = |what: &str, expected: Value, got: Value| {
        differ(differences, &format!("request {number}: {what}"), &expected, &got);
    };
    let place = |url: &Url| json!(format!("{}{}", url.origin().ascii_serialization(), url.path()));
    let pairs = |url: &Url| url.query_pairs().map(|(name, value)| json!([name, value])).collect::<Value>();
    compare("method", json!(expected.method), json!(got.method.as_str()));
    compare("url", place(&expected.url), place(&got.url));
    compare("query", pairs(&expected.url), pairs(&got.url));
    for (name, value) in &expected.headers {
        let found = got.headers.get(name).and_then(|value| value.to_str().ok());
        compare(&format!("header {name}"), json!(plain(value)), found.map_or(Value::Null, Value::from));
    }
    let body = String::from_utf8_lossy(&got.body);
    match (&expected.json, &expected.form, &expected.text) {
        (Some(json), _, _) => {
            compare("body", json.clone(), serde_json::from_slice(&got.body).unwrap_or_else(|_| json!(body)));
        }
        (None, Some(form), _) => {
            let got: Map<String, Value> = url::form_urlencoded::parse(&got.body)
                .map(|(name, value)| (name.into_owned(), json!(value)))
                .collect();
            let wanted = form.iter().map(|(name, value)| (name.clone(), json!(plain(value))));
            compare("form", Value::Object(wanted.collect()), Value::Object(got));
        }
        (None, None, text) => compare("body", json!(text.as_deref().unwrap_or_default()), json!(body)),
    }
}

pub(super) fn answer(vector: &Vector, answer: &Answer, bytes: &Bytes, differences: &mut Vec<String>) {
    if let Some(fault) = &vector.fault {
        differences.push(format!("the fault {} was expected, an answer came", fault.code));
        return;
    }
    let Some(result) = result(answer) else {
        let got = json!(String::from_utf8_lossy(bytes));
        return differ(differences, "download", &json!(vector.download), &got);
    };
    if vector.download.is_some() {
        differences.push("a download was expected, a JSON answer came".to_owned());
    }
    differ(differences, "result", &vector.result, &result);
    if let Some(expected) = &vector.metadata {
        let mut meta = Vec::new();
        answer.meta.write(&mut meta);
        let mut got: Map<String, Value> = serde_json::from_slice(&meta).unwrap_or_default();
        got.shift_remove("pagination");
        differ(differences, "metadata", &Value::Object(expected.clone()), &Value::Object(got));
    }
}

/// The JSON result; none for a download.
fn result(answer: &Answer) -> Option<Value> {
    match &answer.result {
        Payload::Stream(_) => None,
        payload => {
            Some(payload.json().and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default())
        }
    }
}

pub(super) fn fault(vector: &Vector, fault: &Fault, differences: &mut Vec<String>) {
    let Some(expected) = &vector.fault else {
        let message = format!("an answer was expected, this came: {} {}", fault.kind.code(), fault.message);
        differences.push(message);
        return;
    };
    differ(differences, "fault", &json!(expected.code), &json!(fault.kind.code()));
    if let Some(names) = &expected.names {
        let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let got: BTreeSet<&str> = fault.errors.iter().map(|error| error.name.as_str()).collect();
        differ(differences, "names", &json!(wanted), &json!(got));
    }
    let part = expected.message_contains.as_deref().unwrap_or_default();
    if !fault.message.contains(part) {
        differences.push(format!("the message should contain {part:?}; it is {:?}", fault.message));
    }
}
