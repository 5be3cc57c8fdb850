//! What `vectors.yaml` may say.
//!
//! Knows the format and how its mistakes are told. Must not know how a vector is run.

use crate::call::Response;
use crate::document;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// One vector: these parameters make these requests; these answers make this result, or this fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// What it shows, for people.
    pub name: String,
    /// Line of the file where it begins, from 1.
    #[serde(skip)]
    pub line: usize,
    /// Entity of the operation.
    pub entity: String,
    /// Action of the operation.
    pub action: String,
    /// The connector's environment: server and consent variables.
    #[serde(default)]
    pub environment: Map<String, Value>,
    /// The caller's parameters.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Requests and their answers, in order.
    #[serde(default)]
    pub exchange: Vec<Exchange>,
    /// The result of a call that succeeds; not given: `null`.
    #[serde(default)]
    pub result: Value,
    /// All of `connector_metadata` but for `pagination`; not given: not compared.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The bytes of a download, as text.
    #[serde(default)]
    pub download: Option<String>,
    /// The fault of a call that fails.
    #[serde(default)]
    pub fault: Option<ExpectedFault>,
}

/// One request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What must be sent.
    pub request: ExpectedRequest,
    /// What the provider answers.
    pub response: GivenResponse,
}

/// A request as it must be. Without `json`, `form` or `text` it has no body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRequest {
    /// HTTP method.
    pub method: String,
    /// The whole URL; the query is compared as ordered pairs.
    #[serde(deserialize_with = "absolute_url")]
    pub url: url::Url,
    /// Headers that must be there; others may.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// JSON body.
    #[serde(default)]
    pub json: Option<Value>,
    /// Form body, by name.
    #[serde(default)]
    pub form: Option<Map<String, Value>>,
    /// Any other body, as text.
    #[serde(default)]
    pub text: Option<String>,
}

/// An answer of the provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenResponse {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    #[serde(default)]
    pub headers: Map<String, Value>,
    /// JSON body.
    #[serde(default)]
    pub json: Option<Value>,
    /// Any other body, as text.
    #[serde(default)]
    pub text: Option<String>,
}

/// A fault as it must be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFault {
    /// Its `error_code`.
    pub code: String,
    /// All parameters that are named as wrong, in any order; not given: not compared.
    #[serde(default)]
    pub names: Option<Vec<String>>,
    /// A part of its message.
    #[serde(default)]
    pub message_contains: Option<String>,
}

fn absolute_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<url::Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|why| serde::de::Error::custom(format!("the url {text:?} is not usable: {why}")))
}

/// Reads a file of vectors. Errors name the line: `12: …`.
pub fn read(source: &str) -> Result<Vec<Vector>, Vec<String>> {
    let shown =
        |problems: Vec<document::Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let root = document::parse(source).map_err(shown)?;
    let Some(items) = root.as_sequence() else {
        return Err(vec![format!("1: a list of vectors is expected, not {}", root.kind())]);
    };
    let (mut vectors, mut mistakes) = (Vec::new(), Vec::new());
    for item in items {
        let read = serde_json::from_value::<Vector>(item.to_json()).map_err(|error| error.to_string());
        match read.and_then(check) {
            Ok(vector) => vectors.push(Vector { line: item.line, ..vector }),
            Err(why) => mistakes.push(format!("{}: {why}", item.line)),
        }
    }
    if mistakes.is_empty() { Ok(vectors) } else { Err(mistakes) }
}

fn check(vector: Vector) -> Result<Vector, String> {
    if vector.fault.is_some()
        && (vector.metadata.is_some() || vector.download.is_some() || !vector.result.is_null())
    {
        return Err("a vector has a fault, or a result, not both".to_owned());
    }
    Ok(vector)
}

/// Text of a value that goes into a header or form.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The answer as the call machine takes it. Errors say what HTTP does not allow.
pub(super) fn to_response(given: &GivenResponse) -> Result<Response, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &given.headers {
        let header = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no header name"))?;
        let value =
            HeaderValue::try_from(plain(value)).map_err(|_| format!("no value for the header {name}"))?;
        headers.append(header, value);
    }
    let body = match (&given.json, &given.text) {
        (Some(json), _) => json.to_string(),
        (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    let status =
        StatusCode::from_u16(given.status).map_err(|_| format!("{} is no HTTP status", given.status))?;
    Ok(Response { status, headers, body: Bytes::from(body) })
}
