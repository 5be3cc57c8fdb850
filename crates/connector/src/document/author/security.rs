//! Converts `components.securitySchemes`, and gives each a credential form.
//!
//! Knows kinds of schemes and OAuth flows. Must not know operations.

use super::super::emit::{Comments, pointer};
use super::left_out::LeftOut;
use super::source::{Source, entries, prose, text};
use serde_json::{Map, Value, json};

const PLACE: &str = "/components/securitySchemes";

/// All schemes that a definition can have. Where there is none, one to be corrected.
pub(super) fn convert(
    source: &Source,
    server: &str,
    left_out: &mut LeftOut,
    comments: &mut Comments,
) -> Map<String, Value> {
    let mut schemes = Map::new();
    let declared = source.root.get("components").unwrap_or(&Value::Null);
    for (name, node) in entries(declared, "securitySchemes") {
        let Some(scheme) = source.resolve(node) else {
            left_out.note("security schemes whose reference leads nowhere", name);
            continue;
        };
        let kind = text(scheme, "type").unwrap_or_default();
        let detail = text(scheme, "scheme").or(text(scheme, "in")).unwrap_or_default().to_lowercase();
        let converted = match (kind, detail.as_str()) {
            ("http", "bearer") => with_form(scheme, bearer()),
            ("http", "basic") => with_form(scheme, basic()),
            ("apiKey", "header" | "query") if text(scheme, "name").is_some() => {
                with_form(scheme, api_key(scheme, &detail))
            }
            ("oauth2", _) => oauth(scheme, (name, server), left_out, comments),
            _ => {
                left_out.note(
                    "security schemes of another kind than oauth2, http bearer or basic, or apiKey",
                    name,
                );
                None
            }
        };
        if let Some(converted) = converted {
            if kind == "apiKey"
                && text(scheme, "name").is_some_and(|name| name.eq_ignore_ascii_case("authorization"))
            {
                let words =
                    "TODO: if a word stands before the key, write it into auth_mapping: \"Token ${api_key}\"";
                comments.insert(pointer(PLACE, name), vec![words.to_owned()]);
            }
            schemes.insert(name.clone(), converted);
        }
    }
    if schemes.is_empty() {
        let words =
            "TODO: the vendor's document declares no way of authentication that can be used; this is a guess";
        comments.insert(pointer(PLACE, "bearer"), vec![words.to_owned()]);
        schemes.extend(with_form(&Value::Null, bearer()).map(|scheme| ("bearer".to_owned(), scheme)));
    }
    schemes
}

/// The scheme with the vendor's own description.
fn with_form(scheme: &Value, mut converted: Value) -> Option<Value> {
    if let Some(words) = text(scheme, "description") {
        converted.as_object_mut()?.shift_insert(1, "description".to_owned(), json!(prose(words, 160)));
    }
    Some(converted)
}

fn secret(title: &str) -> Value {
    json!({"type": "string", "title": title, "airbyte_secret": true})
}

fn bearer() -> Value {
    json!({"type": "http", "scheme": "bearer", "x-airbyte-auth-config": {
        "title": "Token", "type": "object", "required": ["token"],
        "properties": {"token": secret("Token")}, "auth_mapping": {"token": "${token}"},
    }})
}

fn basic() -> Value {
    json!({"type": "http", "scheme": "basic", "x-airbyte-auth-config": {
        "title": "User and password", "type": "object", "required": ["username", "password"],
        "properties": {"username": {"type": "string", "title": "User"}, "password": secret("Password")},
        "auth_mapping": {"username": "${username}", "password": "${password}"},
    }})
}

fn api_key(scheme: &Value, place: &str) -> Value {
    json!({"type": "apiKey", "in": place, "name": text(scheme, "name"), "x-airbyte-auth-config": {
        "title": "API key", "type": "object", "required": ["api_key"],
        "properties": {"api_key": secret("API key")}, "auth_mapping": {"api_key": "${api_key}"},
    }})
}

fn oauth(
    scheme: &Value,
    (name, server): (&str, &str),
    left_out: &mut LeftOut,
    comments: &mut Comments,
) -> Option<Value> {
    let flows = scheme.get("flows")?;
    for (kind, _) in
        entries(scheme, "flows").filter(|(kind, _)| ["implicit", "password"].contains(&kind.as_str()))
    {
        left_out.note("OAuth flows without a consent that can be kept", &format!("{kind} of {name}"));
    }
    let at = pointer(PLACE, name);
    if let Some(flow) = flows.get("authorizationCode").filter(|flow| text(flow, "tokenUrl").is_some()) {
        if flows.get("clientCredentials").is_some() {
            left_out.note("OAuth flows beside authorizationCode", &format!("clientCredentials of {name}"));
        }
        let flow = flow_of(flow, &["authorizationUrl", "tokenUrl", "refreshUrl"], server);
        if !flow.contains_key("refreshUrl") {
            let words = "TODO: refreshUrl (most often the token URL), where the vendor has refresh tokens";
            comments.insert(format!("{at}/flows/authorizationCode/tokenUrl"), vec![words.to_owned()]);
        }
        let words = [
            "TODO: x-keybearer-oauth: what the vendor wants beyond RFC 6749 (client_auth: basic, authorize_params, \
             revoke_url),",
            "and whose account it is: identity: {entity: me, action: get, id: $.id, name: $.name}",
        ];
        comments.insert(at, words.map(str::to_owned).to_vec());
        let converted = json!({"type": "oauth2", "flows": {"authorizationCode": flow}, "x-airbyte-auth-config": {
            "title": "OAuth 2.0", "type": "object", "required": ["access_token"],
            "properties": {"access_token": secret("Access token"), "refresh_token": secret("Refresh token")},
            "auth_mapping": {"access_token": "${access_token}", "refresh_token": "${refresh_token}"},
        }});
        return with_form(scheme, converted);
    }
    let flow = flows.get("clientCredentials").filter(|flow| text(flow, "tokenUrl").is_some());
    let Some(flow) = flow else {
        left_out.note("oauth2 schemes without authorizationCode or clientCredentials", name);
        return None;
    };
    let flow = flow_of(flow, &["tokenUrl", "refreshUrl"], server);
    let converted = json!({"type": "oauth2", "flows": {"clientCredentials": flow}, "x-airbyte-auth-config": {
        "title": "Client credentials", "type": "object", "required": ["client_id", "client_secret"],
        "properties": {"client_id": {"type": "string", "title": "Client id"}, "client_secret": secret("Client secret")},
        "auth_mapping": {"client_id": "${client_id}", "client_secret": "${client_secret}"},
    }});
    with_form(scheme, converted)
}

fn flow_of(flow: &Value, urls: &[&str], server: &str) -> Map<String, Value> {
    let mut converted = Map::new();
    for key in urls {
        if let Some(url) = text(flow, key) {
            converted.insert((*key).to_owned(), json!(absolute(url, server)));
        }
    }
    let scopes = entries(flow, "scopes")
        .map(|(scope, words)| (scope.clone(), json!(prose(words.as_str().unwrap_or_default(), 120))));
    converted.insert("scopes".to_owned(), Value::Object(scopes.collect()));
    converted
}

/// A URL of a flow: relative ones are seen from the server (OpenAPI 3.1 section 4.6); server variables become templates.
fn absolute(given: &str, server: &str) -> String {
    let whole = if given.contains("://") {
        given.to_owned()
    } else {
        let end =
            server.split_once("://").and_then(|(scheme, rest)| Some(scheme.len() + 3 + rest.find('/')?));
        let origin = server.get(..end.unwrap_or(server.len())).unwrap_or_default();
        format!("{origin}/{}", given.trim_start_matches('/'))
    };
    let whole = whole.split('#').next().unwrap_or_default();
    if whole.contains("{{") { whole.to_owned() } else { whole.replace('{', "{{ ").replace('}', " }}") }
}
