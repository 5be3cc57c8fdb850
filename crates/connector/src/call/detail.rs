//! What a provider says about an error: its text, its kind, and scopes that it misses.
//!
//! Knows common shapes of error bodies. Must not trust them: texts are bounded and cleaned, markup is not shown.

use super::fault::{Fault, FaultKind};
use super::json;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

/// Longest provider text in a fault, in characters.
const LONGEST: usize = 500;
/// Bytes of an error body that are read.
const READ: usize = 64 * 1024;

/// The fault for an answer that is an error by its status.
pub(super) fn fault(provider: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Fault {
    let kind = if is_rate_limit(status, headers) { FaultKind::UpstreamRateLimited } else { kind(status) };
    let detail = detail(headers, body);
    let said = detail.map_or_else(String::new, |detail| format!(": {detail}"));
    Fault {
        upstream_status: Some(status.as_u16()),
        missing_scopes: missing_scopes(headers, body),
        retryable: kind == FaultKind::UpstreamRateLimited
            || matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504),
        ..Fault::new(kind, format!("{provider} {} (HTTP {}){said}", verb(kind), status.as_u16()))
    }
}

fn kind(status: StatusCode) -> FaultKind {
    match status.as_u16() {
        401 => FaultKind::Unauthorized,
        403 => FaultKind::UpstreamForbidden,
        404 | 410 => FaultKind::UpstreamNotFound,
        408 => FaultKind::UpstreamTimeout,
        409 => FaultKind::UpstreamConflict,
        429 => FaultKind::UpstreamRateLimited,
        400..=499 => FaultKind::UpstreamRejected,
        _ => FaultKind::UpstreamError,
    }
}

/// 429, or a 403 whose headers say that a quota is used up (GitHub, and others after it).
fn is_rate_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let used_up = headers.get("x-ratelimit-remaining").is_some_and(|left| left.as_bytes() == b"0");
    status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && (used_up || headers.contains_key(RETRY_AFTER)))
}

const fn verb(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Unauthorized => "refused the credential",
        FaultKind::UpstreamForbidden => "does not allow this to the connected account",
        FaultKind::UpstreamNotFound => "does not find it",
        FaultKind::UpstreamConflict => "reports a conflict",
        FaultKind::UpstreamRateLimited => "limits the rate of requests",
        FaultKind::UpstreamRejected => "rejected the request",
        _ => "failed",
    }
}

/// The provider's own words.
fn detail(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let body = body.get(..READ).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let text = match serde_json::from_str::<Value>(text.trim()) {
        Ok(value) => said(&value),
        Err(_) if is_markup(headers, &text) => return None,
        Err(_) => text.into_owned(),
    };
    let text = clean(&text);
    (!text.is_empty()).then_some(text)
}

fn is_markup(headers: &HeaderMap, text: &str) -> bool {
    let html = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("html"));
    html || text.trim_start().starts_with('<')
}

/// Text of an error object: `errors[]`, then `message`, `error`, else all of it.
pub(crate) fn said(value: &Value) -> String {
    let Value::Object(members) = value else {
        return match value {
            Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join("; "),
            other => json::text(other),
        };
    };
    match members.get("errors") {
        Some(Value::Array(items)) if !items.is_empty() => {
            let items = items.iter().map(one).collect::<Vec<_>>().join("; ");
            // A general sentence beside the list says what the list is about.
            return match members.get("message") {
                Some(Value::String(message)) if !message.is_empty() && !items.contains(message.as_str()) => {
                    format!("{message}: {items}")
                }
                _ => items,
            };
        }
        Some(errors) if !json::is_blank(errors) => return said(errors),
        _ => {}
    }
    let first =
        ["message", "error_description", "error", "detail", "title", "error_message", "msg"].into_iter();
    first
        .filter_map(|name| members.get(name))
        .find(|value| !json::is_blank(value))
        .map_or_else(|| value.to_string(), inner)
}

/// A nested error object says its own message.
fn inner(value: &Value) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => said(value),
        other => json::text(other),
    }
}

fn one(item: &Value) -> String {
    let Value::Object(members) = item else { return json::text(item) };
    let known = |members: &Map<String, Value>| {
        ["userPresentableMessage", "message", "error", "detail", "title"]
            .into_iter()
            .filter_map(|name| members.get(name))
            .find(|value| !json::is_blank(value))
            .map(inner)
    };
    known(members).unwrap_or_else(|| item.to_string())
}

/// One bounded line: control characters become spaces, spaces are joined.
pub(crate) fn clean(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(LONGEST * 4)
        .collect();
    let joined = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", joined.get(..end).unwrap_or_default()),
        None => joined,
    }
}

/// Scopes that are missing, from `WWW-Authenticate: … scope="…"` (RFC 6750 section 3) or Slack's `needed`.
fn missing_scopes(headers: &HeaderMap, body: &[u8]) -> Vec<String> {
    let challenge = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find(|value| value.contains("insufficient_scope"));
    let scope = challenge
        .and_then(|challenge| Some(challenge.split_once("scope=\"")?.1.split_once('"')?.0.to_owned()));
    let needed =
        || match serde_json::from_slice::<Value>(body.get(..READ).unwrap_or(body)).ok()?.get("needed")? {
            Value::String(needed) => Some(needed.clone()),
            _ => None,
        };
    split_scopes(&scope.or_else(needed).unwrap_or_default())
}

fn split_scopes(text: &str) -> Vec<String> {
    let scopes = text
        .split([' ', ','])
        .filter(|scope| !scope.is_empty() && scope.len() <= 200 && !scope.chars().any(char::is_control));
    scopes.take(50).map(str::to_owned).collect()
}

/// Scopes named in an error body with HTTP 200.
pub(super) fn scopes_in(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_str).map(split_scopes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_of_common_shapes() {
        let cases = [
            (
                json!({"errors": [{"message": "a"}, "b", {"userPresentableMessage": "c", "message": "x"}]}),
                "a; b; c",
            ),
            (
                json!({"message": "Validation Failed", "errors": [{"resource": "Issue", "code": "missing"}]}),
                "Validation Failed: {\"resource\":\"Issue\",\"code\":\"missing\"}",
            ),
            (
                json!({"status": "error", "message": "Property values were not valid"}),
                "Property values were not valid",
            ),
            (json!({"error": {"code": 400, "message": "Bad"}}), "Bad"),
            (json!([{"message": "No such column", "errorCode": "INVALID_FIELD"}]), "No such column"),
            (
                json!({"type": "error.list", "errors": [{"code": "not_found", "message": "Resource Not Found"}]}),
                "Resource Not Found",
            ),
            (json!({"x": 1}), "{\"x\":1}"),
        ];
        for (body, expected) in cases {
            assert_eq!(detail(&HeaderMap::new(), body.to_string().as_bytes()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn markup_is_not_shown_and_texts_are_bounded() {
        assert_eq!(detail(&HeaderMap::new(), b"<html><title>x</title>"), None);
        let long = detail(&HeaderMap::new(), "a\u{7}b ".repeat(1000).as_bytes()).unwrap();
        assert!(long.chars().count() <= LONGEST + 1 && !long.contains('\u{7}'));
    }

    #[test]
    fn missing_scopes_are_named() {
        let mut headers = HeaderMap::new();
        headers.insert(
            WWW_AUTHENTICATE,
            "Bearer error=\"insufficient_scope\", scope=\"a.read b\"".parse().unwrap(),
        );
        assert_eq!(fault("X", StatusCode::FORBIDDEN, &headers, b"").missing_scopes, ["a.read", "b"]);
    }
}
