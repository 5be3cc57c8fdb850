//! Reads `info`: names, and what holds for all operations (scoping, errors with HTTP 200, retries).
//!
//! Knows `info`. Must not know operations.

use super::credentials::{CredentialNames, Scope, template};
use super::node::{Node, Value};
use super::reader::{Object, Reader};
use super::relationships;
use super::shape::{ERROR_CHECK, GRAPHQL_ERRORS, INFO, RETRY, SCOPING};
use crate::plan::{
    ErrorCheck, ErrorMeaning, GraphqlErrors, Info, JsonPath, Relationship, Retry, RetryAfter, Scoping,
};
use std::collections::HashMap;
use std::time::Duration;

/// What `info` gives to the plan.
pub(super) struct InfoParts {
    pub(super) info: Info,
    pub(super) scoping: Vec<Scoping>,
    pub(super) relationships: Vec<Relationship>,
    pub(super) error_check: Option<ErrorCheck>,
    pub(super) graphql_errors: Option<GraphqlErrors>,
    pub(super) retry: Retry,
}

pub(super) fn read<'d>(
    reader: &mut Reader<'d>,
    root: Object<'d>,
    credentials: &CredentialNames,
) -> Option<InfoParts> {
    let Some(node) = root.get("info") else {
        reader.error_hint(
            root.node,
            "the document lacks \"info\"",
            "for example info: {title: …, version: 1.0.0}",
        );
        return None;
    };
    let object = reader.object(node, &INFO)?;
    let title = reader.required_text(object, "title", "HubSpot");
    let version = reader.required_text(object, "version", "1.0.0");
    let id = definition_id(reader, object);
    let slug = slug_of(reader, object, title);
    let display_name = reader.text(object, "x-airbyte-connector-display-name").or(title);
    let scoping = scoping(reader, object, credentials);
    let relationships = relationships::read(reader, object);
    let error_check = error_check(reader, object);
    let graphql_errors = graphql_errors(reader, object);
    let retry = retry(reader, object);
    let info = Info {
        slug: slug?,
        display_name: display_name?.to_owned(),
        definition_id: id?,
        version: version?.to_owned(),
    };
    Some(InfoParts { info, scoping, relationships, error_check, graphql_errors, retry })
}

/// Names without any check, for an index of definitions.
pub(super) fn peek(node: &Node) -> Option<Info> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let title = text("title")?;
    Some(Info {
        slug: slug(text("x-airbyte-connector-name").unwrap_or(title)),
        display_name: text("x-airbyte-connector-display-name").unwrap_or(title).to_owned(),
        definition_id: text("x-airbyte-connector-definition-id")?.to_ascii_lowercase(),
        version: text("version")?.to_owned(),
    })
}

/// `Google Drive` and `google_drive` are `google-drive`.
fn slug(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '_'], "-")
}

fn slug_of<'d>(reader: &mut Reader<'d>, object: Object<'d>, title: Option<&str>) -> Option<String> {
    let name = match object.get("x-airbyte-connector-name") {
        Some(_) => reader.text(object, "x-airbyte-connector-name"),
        None => title,
    }?;
    let slug = slug(name);
    let valid = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if slug.is_empty() || slug.len() > 64 || !valid || slug.starts_with('-') || slug.ends_with('-') {
        let at = object.get("x-airbyte-connector-name").or(object.get("title")).unwrap_or(object.node);
        reader.error_hint(
            at,
            format!("{name:?} gives no usable connector name"),
            "set x-airbyte-connector-name to lower-case letters, digits and hyphens, such as google-drive",
        );
        return None;
    }
    Some(slug)
}

fn definition_id<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<String> {
    let key = "x-airbyte-connector-definition-id";
    let example = "3f1c7a52-0d7e-4b8e-9c55-1a2b3c4d5e6f";
    let id = reader.required_text(object, key, example)?;
    if is_uuid(id) {
        return Some(id.to_ascii_lowercase());
    }
    if let Some(node) = object.get(key) {
        reader.error_hint(node, format!("{id:?} is no UUID"), format!("for example {example}"));
    }
    None
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn scoping<'d>(reader: &mut Reader<'d>, object: Object<'d>, credentials: &CredentialNames) -> Vec<Scoping> {
    let mut rules = Vec::new();
    for node in reader.list(object, "x-airbyte-scoping") {
        let Some(rule) = reader.object(node, &SCOPING) else { continue };
        let Some(param) = reader.required_text(rule, "param", "owner") else { continue };
        let key = reader.text(rule, "config_key").unwrap_or(param);
        if credentials.has(key) {
            reader.error(node, format!("scoping must not read the credential value {key:?}"));
            continue;
        }
        let scope = Scope {
            place: "value_template",
            names: &["value", "config", "param"],
            credentials: false,
            lenient: false,
        };
        let value_template =
            rule.get("value_template").and_then(|t| template(reader, t, credentials, &scope));
        rules.push(Scoping { param: param.to_owned(), config_key: key.to_owned(), value_template });
    }
    rules
}

fn error_check<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<ErrorCheck> {
    let check = reader.child(object, "x-airbyte-response-error-check", &ERROR_CHECK)?;
    let field = reader.required_text(check, "field", "ok");
    let message_field = reader.text(check, "message_field").map(str::to_owned);
    let on_value = on_value(reader, check);
    let codes = codes(reader, check);
    Some(ErrorCheck { field: field?.to_owned(), on_value: on_value?, message_field, codes })
}

/// `x-keybearer-graphql-errors`; the paths have the places of GraphQL's specification as defaults.
fn graphql_errors<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<GraphqlErrors> {
    let given = reader.child(object, "x-keybearer-graphql-errors", &GRAPHQL_ERRORS)?;
    let mut path = |key: &str, default: &str| {
        let own = super::oauth_parts::path(reader, given, key);
        own.or_else(|| JsonPath::parse(default).ok())
    };
    let errors = path("errors", "$.errors");
    let message = path("message", "$.errors[0].message");
    let code = path("code", "$.errors[0].extensions.code");
    Some(GraphqlErrors { errors: errors?, message: message?, code: code?, codes: codes(reader, given) })
}

/// Provider codes and their meanings.
fn codes<'d>(reader: &mut Reader<'d>, check: Object<'d>) -> HashMap<String, ErrorMeaning> {
    let mut codes = HashMap::new();
    if let Some(map) = reader.child_map(check, "codes", "codes") {
        for (code, entry) in map.map.iter() {
            let meaning = match entry.value.as_str() {
                Some("authentication") => ErrorMeaning::Authentication,
                Some("rate_limit") => ErrorMeaning::RateLimit,
                Some("not_found") => ErrorMeaning::NotFound,
                Some("rejected") => ErrorMeaning::Rejected,
                other => {
                    let given = other.unwrap_or_else(|| entry.value.kind());
                    let valid = ["authentication", "rate_limit", "not_found", "rejected"];
                    reader.not_one_of(&entry.value, "meaning", given, &valid);
                    continue;
                }
            };
            codes.insert(code.to_owned(), meaning);
        }
    }
    codes
}

/// The value that means an error; `null` is not one.
pub(super) fn on_value<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<serde_json::Value> {
    match object.map.get("on_value") {
        Some(node) if node.as_mapping().is_none() && node.as_sequence().is_none() => Some(node.to_json()),
        Some(node) => {
            reader.error(node, "on_value must be a plain value, such as false");
            None
        }
        None => {
            let message = format!("{} lacks \"on_value\"", object.what);
            reader.error_hint(object.node, message, "for example on_value: false");
            None
        }
    }
}

fn retry<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Retry {
    let mut retry = Retry {
        max_attempts: 3,
        initial_delay: None,
        max_delay: Duration::from_mins(1),
        exponential_base: 2.0,
        jitter: true,
        statuses: vec![429, 500, 502, 503, 504],
        on_timeout: true,
        on_network_error: true,
        retry_after_header: "retry-after".to_owned(),
        retry_after_format: RetryAfter::Seconds,
    };
    let Some(config) = reader.child(object, "x-airbyte-retry-config", &RETRY) else { return retry };
    if let Some(attempts) = reader.whole(config, "max_attempts") {
        if !(1..=3).contains(&attempts)
            && let Some(node) = config.get("max_attempts")
        {
            let hint = Some("1 to 3 are used".to_owned());
            reader.warn(node, format!("max_attempts {attempts} is out of range"), hint);
        }
        retry.max_attempts = u32::try_from(attempts.clamp(1, 3)).unwrap_or(3);
    }
    retry.initial_delay = seconds(reader, config, "initial_delay_seconds");
    retry.max_delay = seconds(reader, config, "max_delay_seconds").unwrap_or(retry.max_delay);
    if let Some(base) = reader.number(config, "exponential_base") {
        retry.exponential_base = base.clamp(1.0, 10.0);
    }
    retry.jitter = reader.flag(config, "jitter").unwrap_or(true);
    if config.get("retry_on_status_codes").is_some() {
        retry.statuses = statuses(reader, config);
    }
    retry.on_timeout = reader.flag(config, "retry_on_timeout").unwrap_or(true);
    retry.on_network_error = reader.flag(config, "retry_on_network_error").unwrap_or(true);
    if let Some(header) = reader.text(config, "retry_after_header") {
        if http::HeaderName::try_from(header).is_ok() {
            retry.retry_after_header = header.to_ascii_lowercase();
        } else if let Some(node) = config.get("retry_after_header") {
            reader.error(node, format!("{header:?} is no header name"));
        }
    }
    let formats = [
        ("seconds", RetryAfter::Seconds),
        ("milliseconds", RetryAfter::Milliseconds),
        ("unix_timestamp", RetryAfter::UnixTimestamp),
    ];
    retry.retry_after_format =
        reader.choice(config, "retry_after_format", &formats).unwrap_or(RetryAfter::Seconds);
    retry
}

/// A delay of at most an hour.
fn seconds<'d>(reader: &mut Reader<'d>, object: Object<'d>, key: &str) -> Option<Duration> {
    let value = reader.number(object, key)?;
    if (0.0..=3600.0).contains(&value) {
        return Some(Duration::from_secs_f64(value));
    }
    if let Some(node) = object.get(key) {
        reader.error_hint(node, format!("{key} {value} is out of range"), "0 to 3600 seconds");
    }
    None
}

fn statuses<'d>(reader: &mut Reader<'d>, config: Object<'d>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for node in reader.list(config, "retry_on_status_codes") {
        let status = match &node.value {
            Value::Number(number) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
            _ => None,
        };
        match status.filter(|status| (400..600).contains(status)) {
            Some(401 | 403) | None => {
                reader.error_hint(
                    node,
                    "this status cannot be tried again",
                    "400 to 599, without 401 and 403",
                );
            }
            Some(status) => statuses.push(status),
        }
    }
    statuses
}
