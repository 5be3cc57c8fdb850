//! Reads the objects inside `x-keybearer-oauth`: identity, revocation, token answers, callback parameters, variables.
//!
//! Knows each object's own rules. Must not know flows or endpoints (`oauth`).

use super::endpoints::Endpoints;
use super::info::on_value;
use super::node::Value;
use super::pattern;
use super::reader::{Object, Reader};
use super::scheme::{Around, Promised};
use super::shape::{CALLBACK_PARAM, IDENTITY, IDENTITY_TOKEN, REVOKE, TOKEN_ERROR, VARIABLE};
use crate::plan::{Action, ClientAuth, Identity, JsonPath, Revocation, TokenError, Variable};
use indexmap::IndexMap;

/// Fields of a token answer that may stand elsewhere (RFC 6749 section 5.1).
const TOKEN_FIELDS: &[&str] = &[
    "access_token",
    "refresh_token",
    "expires_in",
    "scope",
    "token_type",
    "id_token",
    "error",
    "error_description",
];

/// The path under a key.
pub(super) fn path<'d>(reader: &mut Reader<'d>, object: Object<'d>, key: &str) -> Option<JsonPath> {
    let text = reader.text(object, key)?;
    match JsonPath::parse(text) {
        Ok(path) => Some(path),
        Err(why) => {
            let at = object.get(key).unwrap_or(object.node);
            reader.error_hint(at, why, "a path such as $.data.id");
            None
        }
    }
}

pub(super) fn token_response<'d>(
    reader: &mut Reader<'d>,
    extension: Option<Object<'d>>,
) -> IndexMap<String, JsonPath> {
    let mut paths = IndexMap::new();
    let Some(map) = extension.and_then(|object| reader.child_map(object, "token_response", "token_response"))
    else {
        return paths;
    };
    for (name, entry) in map.map.iter() {
        if !TOKEN_FIELDS.contains(&name) {
            reader.not_one_of(&entry.value, "token answer field", name, TOKEN_FIELDS);
        } else if let Some(path) = path(reader, map, name) {
            paths.insert(name.to_owned(), path);
        }
    }
    paths
}

pub(super) fn token_error<'d>(reader: &mut Reader<'d>, extension: Object<'d>) -> Option<TokenError> {
    let object = reader.child(extension, "token_error", &TOKEN_ERROR)?;
    let field = reader.required_text(object, "field", "ok");
    if field == Some("error") && object.get("on_value").is_none() {
        // That an `error` member is an error, whatever the status, holds for every provider.
        return None;
    }
    let on_value = on_value(reader, object);
    let message_field = reader.text(object, "message_field").map(str::to_owned);
    Some(TokenError { field: field?.to_owned(), on_value: on_value?, message_field })
}

pub(super) fn callback_params<'d>(
    reader: &mut Reader<'d>,
    extension: Option<Object<'d>>,
    around: &Around<'_>,
) -> IndexMap<String, String> {
    let mut params = IndexMap::new();
    let Some(map) =
        extension.and_then(|object| reader.child_map(object, "callback_params", "callback_params"))
    else {
        return params;
    };
    for (name, entry) in map.map.iter() {
        let Some(object) = reader.object(&entry.value, &CALLBACK_PARAM) else { continue };
        if around.credentials.has(name) || matches!(name, "code" | "state" | "error" | "iss") {
            reader.error(&entry.value, format!("{name:?} is read by Keybearer itself"));
            continue;
        }
        if object.get("pattern").is_none() {
            let message = format!("the callback parameter {name:?} needs a \"pattern\"");
            reader.error_hint(&entry.value, message, "for example pattern: \"^[0-9]+$\"");
        }
        if let Some(pattern) = pattern::read(reader, object, "pattern") {
            params.insert(name.to_owned(), pattern);
        }
    }
    params
}

pub(super) fn identity<'d>(
    reader: &mut Reader<'d>,
    extension: Object<'d>,
    promised: &mut Vec<Promised<'d>>,
) -> Option<Identity> {
    let object = reader.child(extension, "identity", &IDENTITY)?;
    if let Some(token) = reader.child(object, "token", &IDENTITY_TOKEN) {
        reader.required_text(token, "id", "$.team.id")?;
        let name = path(reader, token, "name");
        return Some(Identity::Token { id: path(reader, token, "id")?, name });
    }
    let entity = reader.required_text(object, "entity", "user")?;
    let action = match reader.text(object, "action") {
        None => Action::Get,
        Some(text) => {
            let action = Action::parse(text);
            if action.is_none() {
                let at = object.get("action").unwrap_or(object.node);
                reader.not_one_of(at, "action", text, &Action::ALL.map(Action::name));
            }
            action?
        }
    };
    reader.required_text(object, "id", "$.id")?;
    let id = path(reader, object, "id")?;
    let name = path(reader, object, "name");
    promised.push(Promised { node: object.node, entity: entity.to_owned(), action });
    Some(Identity::Operation { entity: entity.to_owned(), action, id, name })
}

pub(super) fn revocation<'d>(
    reader: &mut Reader<'d>,
    extension: Object<'d>,
    client_auth: ClientAuth,
    endpoints: &Endpoints<'_>,
) -> Option<Revocation> {
    if let Some(object) = reader.child(extension, "revoke", &REVOKE) {
        let url = reader.required_text(object, "url", "https://example.com/oauth/revoke")?;
        revocation_url(reader, object, "url", endpoints);
        let methods = [
            ("POST", http::Method::POST),
            ("DELETE", http::Method::DELETE),
            ("GET", http::Method::GET),
            ("PUT", http::Method::PUT),
        ];
        let names: Vec<(&str, usize)> = methods.iter().enumerate().map(|(n, (name, _))| (*name, n)).collect();
        let method =
            reader.choice(object, "method", &names).and_then(|n| methods.get(n).map(|(_, m)| m.clone()));
        let auth = [("body", ClientAuth::Body), ("basic", ClientAuth::Basic), ("none", ClientAuth::None)];
        return Some(Revocation {
            method: method.unwrap_or(http::Method::POST),
            url: url.to_owned(),
            client_auth: reader.choice(object, "client_auth", &auth).unwrap_or(client_auth),
            json: object.get("json").map(super::node::Node::to_json),
            bearer: reader.flag(object, "bearer").unwrap_or(false),
        });
    }
    let url = reader.text(extension, "revoke_url")?;
    revocation_url(reader, extension, "revoke_url", endpoints);
    Some(Revocation {
        method: http::Method::POST,
        url: url.to_owned(),
        client_auth,
        json: None,
        bearer: false,
    })
}

/// Only values that exist at revocation may be placeholders; `{{ … }}` expressions are the environment's.
fn revocation_url<'d>(reader: &mut Reader<'d>, object: Object<'d>, key: &str, endpoints: &Endpoints<'_>) {
    let (Some(node), Some(url)) = (object.get(key), endpoints.template(reader, object, key)) else { return };
    let plain = outside_expressions(&url.source);
    for name in plain.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)) {
        if !matches!(name, "refresh_token" | "access_token" | "client_id") {
            reader.not_one_of(node, "placeholder", name, &["refresh_token", "access_token", "client_id"]);
        }
    }
}

/// The text without its `{{ … }}` expressions.
fn outside_expressions(text: &str) -> String {
    let mut parts = text.split("{{");
    let first = parts.next().unwrap_or_default();
    let after = parts.map(|part| part.split_once("}}").map_or("", |(_, after)| after));
    std::iter::once(first).chain(after).collect()
}

pub(super) fn variables<'d>(
    reader: &mut Reader<'d>,
    extension: Object<'d>,
    around: &Around<'_>,
) -> Vec<Variable> {
    let mut variables = Vec::new();
    let Some(map) = reader.child_map(extension, "variables", "variables") else { return variables };
    for (name, entry) in map.map.iter() {
        let Some(object) = reader.object(&entry.value, &VARIABLE) else { continue };
        if around.credentials.has(name) {
            reader.error(&entry.value, format!("a variable must not be named like the credential {name:?}"));
            continue;
        }
        let boolean = reader.choice(object, "type", &[("string", false), ("boolean", true)]).unwrap_or(false);
        let default = object.get("default");
        if let Some(node) = default
            && matches!(node.value, Value::Bool(_)) != boolean
        {
            let wanted = if boolean { "true or false" } else { "text" };
            reader.error(node, format!("the default of the variable {name:?} must be {wanted}"));
        }
        let key = if object.get("pattern").is_some() { "pattern" } else { "x-keybearer-pattern" };
        variables.push(Variable {
            name: name.to_owned(),
            required: reader.flag(object, "required").unwrap_or(default.is_none()),
            boolean,
            default: default.map(super::node::Node::to_json),
            allowed: reader.texts(object, "enum").into_iter().map(str::to_owned).collect(),
            pattern: pattern::read(reader, object, key),
            description: reader.text(object, "description").map(str::to_owned),
        });
    }
    variables
}
