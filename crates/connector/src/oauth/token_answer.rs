//! Reads token answers as providers really send them.
//!
//! Knows RFC 6749 section 5 and its violations: forms, errors with HTTP 200, odd `expires_in`, other places. Must not
//! keep anything, and puts nothing of an answer into an error but its code and cleaned description.

use super::grant_error::{self, TokenFault};
use super::identity::{self, Account};
use crate::call::{Response, retry};
use crate::plan::{Identity, JsonPath, OauthPlan, RetryAfter, Step};
use http::header::RETRY_AFTER;
use indexmap::IndexMap;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;

/// Largest answer that is read, in bytes.
const LARGEST: usize = 256 * 1024;
/// Deepest nesting that is read.
const DEEPEST: usize = 32;
/// No RFC names the refresh token's life. In this order: Keycloak; GitHub, LinkedIn and others; Intuit.
const REFRESH_LIVES: [&str; 3] =
    ["refresh_expires_in", "refresh_token_expires_in", "x_refresh_token_expires_in"];
/// Members of an answer that gave out tokens, whatever became of them.
const TOKEN_MEMBERS: [&str; 5] = ["access_token", "refresh_token", "id_token", "token_type", "expires_in"];
/// A longer life is told as this: ten years.
const LONGEST_LIFE: f64 = 315_360_000.0;

/// What a token endpoint gave.
pub struct TokenAnswer {
    /// The access token.
    pub access_token: SecretString,
    /// A new refresh token; none: keep the one at hand.
    pub refresh_token: Option<SecretString>,
    /// Life of the access token; none: unknown, so refresh on 401 only.
    pub expires_in: Option<Duration>,
    /// Life of the refresh token, under the names that providers use; none: not told.
    pub refresh_expires_in: Option<Duration>,
    /// Granted scopes; none: those that were asked for.
    pub scope: Option<Vec<String>>,
    /// As the provider wrote it.
    pub token_type: Option<String>,
    /// Fields that become server variables.
    pub extracted: IndexMap<String, String>,
    /// The account, where the token answer carries it.
    pub identity: Option<Account>,
}

/// Reads the answer of a token endpoint.
pub fn read(oauth: &OauthPlan, response: &Response) -> Result<TokenAnswer, TokenFault> {
    let status = response.status.as_u16();
    if matches!(status, 408 | 429 | 500..=599) {
        let retry_after = response
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| retry::read(value.to_str().ok()?, RetryAfter::Seconds, Timestamp::UNIX_EPOCH));
        // An error object is the token service's own.
        let is_its_own = || parse(&response.body).is_ok_and(|body| error_in(oauth, &body).is_some());
        let may_have_acted = matches!(status, 502 | 504 | 520 | 522 | 524) && !is_its_own();
        return Err(TokenFault::Transient { status, retry_after, may_have_acted });
    }
    if (300..=399).contains(&status) {
        return Err(unusable("it is a redirect, which is never followed with a token request"));
    }
    let body = parse(&response.body);
    if let Some(fault) = body.as_ref().ok().and_then(|body| error_in(oauth, body)) {
        return Err(fault);
    }
    if !response.status.is_success() {
        let description =
            body.ok().and_then(|body| first_text(&body, &["error_description", "message", "error_message"]));
        return Err(grant_error::by_code(&format!("http_{status}"), description.as_deref()));
    }
    answer(oauth, &body?)
}

/// Not what a token service says.
fn unusable(why: &str) -> TokenFault {
    TokenFault::Unusable { why: why.to_owned(), may_have_acted: false }
}

/// The answer of a token service that gave out tokens, but none can be read from it.
fn spoilt(why: &str) -> TokenFault {
    TokenFault::Unusable { why: why.to_owned(), may_have_acted: true }
}

/// JSON, else a form, whatever the content type says.
fn parse(body: &[u8]) -> Result<Map<String, Value>, TokenFault> {
    if body.len() > LARGEST {
        return Err(spoilt("it is larger than 256 kB"));
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| unusable("it is not UTF-8"))?
        .trim_start_matches('\u{feff}')
        .trim();
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) if members.values().all(|value| is_shallow(value, DEEPEST - 1)) => {
            Ok(members)
        }
        Ok(_) => Err(unusable("it is no JSON object, or nested too deeply")),
        Err(_) if !text.is_empty() && !text.starts_with(['{', '[', '<', '"']) && text.contains('=') => {
            Ok(url::form_urlencoded::parse(text.as_bytes())
                .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
                .collect())
        }
        // Cut off, or nothing at all.
        Err(_) if text.is_empty() || text.starts_with('{') => Err(spoilt("it is incomplete")),
        Err(_) => Err(unusable("it is neither JSON nor a form")),
    }
}

fn is_shallow(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left > 0 && items.iter().all(|item| is_shallow(item, left - 1)),
        Value::Object(members) => left > 0 && members.values().all(|member| is_shallow(member, left - 1)),
        _ => true,
    }
}

/// An error object, with any status.
fn error_in(oauth: &OauthPlan, body: &Map<String, Value>) -> Option<TokenFault> {
    let description = || first_text(body, &["error_description", "error_message", "message"]);
    if let Some(error) = &oauth.token_error
        && body.get(&error.field).is_some_and(|value| crate::call::json::same(value, &error.on_value))
    {
        let code = error
            .message_field
            .as_ref()
            .and_then(|field| first_text(body, &[field]))
            .unwrap_or_else(|| "unknown_error".to_owned());
        return Some(grant_error::by_code(&code, description().as_deref()));
    }
    match body.get("error") {
        Some(Value::String(code)) if !code.is_empty() => {
            Some(grant_error::by_code(code, description().as_deref()))
        }
        Some(Value::Object(error)) => {
            let code = first_text(error, &["code", "type", "status", "error"])
                .unwrap_or_else(|| "unknown_error".to_owned());
            Some(grant_error::by_code(&code, first_text(error, &["message", "error_description"]).as_deref()))
        }
        // HubSpot names the kind of error in `status`: {"status":"BAD_REFRESH_TOKEN","message":…}.
        _ => match body.get("status") {
            Some(Value::String(code)) if code.starts_with("BAD_") => {
                Some(grant_error::by_code(code, description().as_deref()))
            }
            _ => None,
        },
    }
}

fn first_text(members: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match members.get(*name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

fn answer(oauth: &OauthPlan, body: &Map<String, Value>) -> Result<TokenAnswer, TokenFault> {
    let whole = Value::Object(body.clone());
    let field = |name: &str| match oauth.token_response.get(name) {
        Some(path) => identity::at(&whole, &path.steps),
        None => body.get(name),
    };
    let secret = |name: &str| {
        field(name).and_then(Value::as_str).filter(|text| is_token(text)).map(SecretString::from)
    };
    let access_token = secret("access_token").ok_or_else(|| {
        let why = "it has no usable access_token";
        if TOKEN_MEMBERS.iter().any(|name| field(name).is_some()) { spoilt(why) } else { unusable(why) }
    })?;
    let token_type =
        field("token_type").and_then(Value::as_str).map(|text| text.chars().take(40).collect::<String>());
    if token_type
        .as_deref()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("dpop") || kind.eq_ignore_ascii_case("mac"))
    {
        return Err(spoilt("its token is bound to a key that this server does not have"));
    }
    Ok(TokenAnswer {
        access_token,
        refresh_token: secret("refresh_token"),
        expires_in: field("expires_in").and_then(life),
        refresh_expires_in: REFRESH_LIVES.iter().find_map(|name| field(name).and_then(life)),
        scope: field("scope").and_then(|value| scopes(value, &oauth.scope_separator)),
        token_type,
        extracted: oauth
            .token_extract
            .iter()
            .filter_map(|name| Some((name.clone(), extract(&whole, name)?)))
            .collect(),
        identity: match &oauth.identity {
            Some(Identity::Token { id, name }) => identity::in_value(id, name.as_ref(), &whole),
            _ => None,
        },
    })
}

/// Something that can stand in a header.
fn is_token(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control)
}

/// Seconds as a number or text; none, negative and zero mean that the life is not known.
fn life(value: &Value) -> Option<Duration> {
    let seconds: f64 = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (seconds >= 1.0).then(|| Duration::try_from_secs_f64(seconds.min(LONGEST_LIFE).floor()).ok())?
}

/// A text split at the provider's separator, spaces and commas, or a list.
fn scopes(value: &Value, separator: &str) -> Option<Vec<String>> {
    match value {
        Value::String(text) => {
            let spaced =
                if separator.trim().is_empty() { text.clone() } else { text.replace(separator, " ") };
            let scopes: Vec<String> = spaced
                .split([' ', ',', '\t', '\n'])
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect();
            (!scopes.is_empty()).then_some(scopes)
        }
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

fn extract(whole: &Value, name: &str) -> Option<String> {
    let path = JsonPath { steps: vec![Step::Name(name.to_owned())] };
    let value = identity::at(whole, &path.steps)?;
    (!crate::call::json::is_blank(value) && !value.is_object() && !value.is_array())
        .then(|| crate::call::json::text(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;
    use crate::plan::TokenError;
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn response(status: u16, body: impl Into<Bytes>) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }

    fn answer_of(body: &Value) -> TokenAnswer {
        read(&sample::oauth(), &response(200, body.to_string())).map_err(|fault| fault.to_string()).unwrap()
    }

    #[test]
    fn forms_and_json() {
        let form =
            read(&sample::oauth(), &response(200, "access_token=a%2Bb&scope=repo%2Cuser&token_type=bearer"))
                .map_err(|fault| fault.to_string())
                .unwrap();
        assert_eq!(form.access_token.expose_secret(), "a+b");
        assert_eq!(form.scope.unwrap(), ["repo", "user"]);
        assert!(form.expires_in.is_none() && form.refresh_token.is_none());
    }

    #[test]
    fn odd_lives() {
        for (given, expected) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(3599.9), Some(3599)),
            (json!(-5), None),
            (json!(0), None),
            (json!("soon"), None),
            (json!(null), None),
            (json!(1e30), Some(315_360_000)),
        ] {
            let answer = answer_of(&json!({"access_token": "a", "expires_in": given}));
            assert_eq!(answer.expires_in, expected.map(Duration::from_secs), "{given}");
        }
    }

    #[test]
    fn lives_of_refresh_tokens_by_their_names() {
        let told = |body: Value| answer_of(&body).refresh_expires_in.map(|life| life.as_secs());
        assert_eq!(told(json!({"access_token": "a"})), None);
        assert_eq!(told(json!({"access_token": "a", "refresh_expires_in": 1800})), Some(1800));
        assert_eq!(told(json!({"access_token": "a", "refresh_token_expires_in": "60"})), Some(60));
        assert_eq!(
            told(json!({"access_token": "a", "x_refresh_token_expires_in": 8_726_400})),
            Some(8_726_400)
        );
        // Keycloak says 0 for one that does not end.
        assert_eq!(told(json!({"access_token": "a", "refresh_expires_in": 0})), None);
    }

    #[test]
    fn errors_with_any_status() {
        let fault =
            |status, body: Value| read(&sample::oauth(), &response(status, body.to_string())).err().unwrap();
        assert!(matches!(
            fault(200, json!({"error": "bad_verification_code"})),
            TokenFault::InvalidGrant { .. }
        ));
        assert!(matches!(fault(400, json!({"error": "invalid_grant"})), TokenFault::InvalidGrant { .. }));
        assert!(matches!(fault(401, json!({"error": "invalid_client"})), TokenFault::InvalidClient { .. }));
        assert!(matches!(
            fault(400, json!({"status": "BAD_REFRESH_TOKEN", "message": "x"})),
            TokenFault::InvalidGrant { .. }
        ));
        assert_eq!(
            fault(400, json!({"message": "no"})),
            TokenFault::Refused { code: "http_400".into(), description: Some("no".into()) }
        );
        assert!(matches!(fault(503, json!({})), TokenFault::Transient { status: 503, .. }));
        assert!(matches!(fault(302, json!({})), TokenFault::Unusable { .. }));
        assert!(matches!(fault(200, json!({"access_token": ""})), TokenFault::Unusable { .. }));
        assert!(matches!(fault(200, json!({"access_token": "a\nb"})), TokenFault::Unusable { .. }));
        assert!(matches!(
            fault(200, json!({"access_token": "a", "token_type": "DPoP"})),
            TokenFault::Unusable { .. }
        ));
        assert!(matches!(fault(200, json!([1])), TokenFault::Unusable { .. }));
    }

    #[test]
    fn a_token_may_be_used_up_although_none_came() {
        for (status, body, may_have_acted) in [
            (500, "", false),
            (502, "", true),
            (503, "", false),
            (504, "", true),
            (524, "", true),
            (429, "", false),
            (302, "", false),
            (400, r#"{"error":"temporarily_unavailable"}"#, false),
            (200, r#"{"error":"server_error"}"#, false),
            (200, "<html>Back soon</html>", false),
            (200, "maintenance", false),
            (200, "", true),
            (504, r#"{"error":"server_error"}"#, false),
            (200, "{}", false),
            (200, r#"{"status":"maintenance"}"#, false),
            (200, r#"{"access_token":null,"refresh_token":"r"}"#, true),
            (200, r#"{"expires_in":3600}"#, true),
            (200, r#"{"access_token":"a","#, true),
            (200, r#"{"access_token":"a","token_type":"DPoP"}"#, true),
        ] {
            let fault = read(&sample::oauth(), &response(status, body.to_owned())).err().unwrap();
            assert_eq!(fault.may_have_acted(), may_have_acted, "{status} {body}: {fault}");
        }
        let large = format!(r#"{{"access_token":"a","x":"{}"}}"#, "x".repeat(LARGEST));
        assert!(read(&sample::oauth(), &response(200, large)).err().unwrap().may_have_acted());
    }

    #[test]
    fn other_places_and_slack_errors() {
        let mut oauth = sample::oauth();
        oauth
            .token_response
            .insert("access_token".into(), JsonPath::parse("$.authed_user.access_token").unwrap());
        oauth.token_error = Some(TokenError {
            field: "ok".into(),
            on_value: json!(false),
            message_field: Some("error".into()),
        });
        oauth.identity = Some(Identity::Token {
            id: JsonPath::parse("$.team.id").unwrap(),
            name: Some(JsonPath::parse("$.team.name").unwrap()),
        });
        oauth.token_extract = vec!["instance_url".into()];
        let body = json!({"ok": true, "authed_user": {"access_token": "x"}, "team": {"id": "T1", "name": "Acme"}, "instance_url": "https://na1.x"});
        let answer =
            read(&oauth, &response(200, body.to_string())).map_err(|fault| fault.to_string()).unwrap();
        assert_eq!(answer.access_token.expose_secret(), "x");
        assert_eq!(answer.identity, Some(Account { id: "T1".into(), name: Some("Acme".into()) }));
        assert_eq!(answer.extracted["instance_url"], "https://na1.x");
        let fault =
            read(&oauth, &response(200, json!({"ok": false, "error": "bad_client_secret"}).to_string()))
                .err()
                .unwrap();
        assert!(matches!(fault, TokenFault::InvalidClient { .. }));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_repeats_a_token(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = read(&sample::oauth(), &response(status, body));
            let echoed = json!({"error": "invalid_grant", "error_description": "no such token rt-4b1f00d5ecre7-99 here"});
            let text = read(&sample::oauth(), &response(400, echoed.to_string())).err().unwrap().to_string();
            prop_assert!(!text.contains("4b1f00d"));
        }
    }
}
