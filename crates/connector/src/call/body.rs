//! Writes the request body and its content type.
//!
//! Knows JSON, forms, GraphQL and multipart/related. Must not know URLs.

use super::fault::{Fault, ParamError};
use super::params::Accepted;
use super::settings::Chance;
use super::target::Target;
use super::{encode, graphql, json, supplied};
use crate::plan::{Body, Fields, Operation};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// A body and what it is; an empty one is not sent and has no type.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Its bytes.
    pub(super) bytes: Bytes,
    /// Its content type.
    pub(super) content_type: String,
}

/// Field with the content type of an uploaded file.
const FILE_TYPE_FIELD: &str = "file_mime_type";

/// The body of one call.
pub(super) fn render(
    operation: &Operation,
    target: &Target,
    accepted: &Accepted,
    now: Timestamp,
    chance: &mut Chance,
) -> Result<Written, Fault> {
    match &operation.body {
        Body::None => Ok(Written::default()),
        Body::Graphql(body) => {
            Ok(written(graphql::render(operation, body, accepted).to_string(), "application/json"))
        }
        Body::Json(fields) => Ok(json_body(fields, members(fields, target, accepted, now)?)),
        Body::Form(fields) => {
            let mut pairs = Vec::new();
            for (name, value) in members(fields, target, accepted, now)? {
                flatten(&name, &value, &mut pairs);
            }
            let form = encode::form(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            Ok(written(form, content_type(fields, "application/x-www-form-urlencoded")))
        }
        Body::Related { fields, file_field } => {
            related(fields, file_field, members(fields, target, accepted, now)?, chance)
        }
    }
}

fn written(text: String, content_type: &str) -> Written {
    if text.is_empty() {
        return Written::default();
    }
    Written { bytes: Bytes::from(text), content_type: content_type.to_owned() }
}

fn content_type<'a>(fields: &'a Fields, default: &'a str) -> &'a str {
    if fields.content_type.is_empty() { default } else { &fields.content_type }
}

/// Top-level members: defaults first, then what was given.
fn members(
    fields: &Fields,
    target: &Target,
    accepted: &Accepted,
    now: Timestamp,
) -> Result<Map<String, Value>, Fault> {
    let mut members = Map::new();
    for field in &fields.fields {
        if let Some(default) = &field.default {
            members.insert(field.name.clone(), supplied::default(default, target, now)?);
        }
    }
    for (name, value) in &accepted.values {
        let declared = fields.fields.iter().any(|field| field.name == *name);
        let open = fields.open.as_ref().is_some_and(|except| !except.contains(name));
        if declared || open {
            members.insert(name.clone(), value.clone());
        }
    }
    Ok(members)
}

fn json_body(fields: &Fields, members: Map<String, Value>) -> Written {
    if members.is_empty() {
        return Written::default();
    }
    let body = Value::Object(members);
    let body = if fields.array { Value::Array(vec![body]) } else { body };
    written(body.to_string(), content_type(fields, "application/json"))
}

/// `a[b][0]=c`: the index of a list always stands; empty lists and maps vanish.
fn flatten(prefix: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| flatten(&format!("{prefix}[{name}]"), value, pairs));
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| flatten(&format!("{prefix}[{index}]"), item, pairs)),
        scalar => pairs.push((prefix.to_owned(), json::text(scalar))),
    }
}

/// Metadata as JSON and one file (RFC 2387); without a file plain JSON.
fn related(
    fields: &Fields,
    file_field: &str,
    mut members: Map<String, Value>,
    chance: &mut Chance,
) -> Result<Written, Fault> {
    let file = members.shift_remove(file_field);
    let file_type = members.shift_remove(FILE_TYPE_FIELD).map(|value| json::text(&value));
    let Some(Value::String(file)) = file else {
        return Ok(json_body(
            &Fields { content_type: "application/json".to_owned(), ..fields.clone() },
            members,
        ));
    };
    let wrong = |message: String| Fault::params(vec![ParamError::new(file_field, "invalid", message)]);
    let packed: String = file.split_ascii_whitespace().collect();
    let file = STANDARD
        .decode(&packed)
        .or_else(|_| URL_SAFE.decode(&packed))
        .map_err(|_| wrong(format!("{file_field:?} must be base64")))?;
    let file_type = file_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    if file_type.chars().any(char::is_control) {
        return Err(Fault::params(vec![ParamError::new(
            FILE_TYPE_FIELD,
            "invalid",
            format!("{FILE_TYPE_FIELD:?} must not contain control characters"),
        )]));
    }
    let boundary = format!("{:016x}{:016x}", chance.next(), chance.next());
    let metadata = Value::Object(members);
    let mut bytes = format!(
        "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{metadata}\r\n--{boundary}\r\nContent-Type: {file_type}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(&file);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok(Written { bytes: Bytes::from(bytes), content_type: format!("multipart/related; boundary={boundary}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_keep_indices_and_drop_the_empty() {
        let mut pairs = Vec::new();
        flatten("m", &json!([[1, 2], [3], [], {"a": {"b": [true]}}]), &mut pairs);
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["m[0][0]=1", "m[0][1]=2", "m[1][0]=3", "m[3][a][b][0]=true"]);
    }

    #[test]
    fn an_upload_is_metadata_and_bytes() {
        let members = json!({"name": "a.txt", "file_content": "aGk=", "file_mime_type": "text/plain"});
        let Value::Object(members) = members else { unreachable!() };
        let written = related(&Fields::default(), "file_content", members, &mut Chance(1)).unwrap();
        let text = String::from_utf8(written.bytes.to_vec()).unwrap();
        assert!(
            text.contains("{\"name\":\"a.txt\"}\r\n--")
                && text.contains("Content-Type: text/plain\r\n\r\nhi\r\n--"),
            "{text}"
        );
        assert!(written.content_type.starts_with("multipart/related; boundary="));
    }
}
