//! Reads an `oauth2` scheme: flow, endpoints, refresh, and `x-keybearer-oauth`.
//!
//! Knows how RFC 6749 is declared in OpenAPI and what our extension adds. Must not know credential forms (`scheme`).

use super::credentials::{Scope, template};
use super::endpoints::Endpoints;
use super::oauth_parts::{callback_params, identity, revocation, token_error, token_response, variables};
use super::reader::{Object, Reader};
use super::scheme::{Around, Promised, form};
use super::shape::{AUTH_CONFIG, FLOW, FLOWS, OAUTH, TOKEN_REFRESH};
use crate::plan::{AuthField, ClientAuth, OauthPlan, Refresh, Template, TokenBody};
use http::HeaderName;
use indexmap::IndexMap;

/// Grant type of a service account's assertion (RFC 7523).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Parameters of an authorization request that a definition may not set (RFC 6749 section 4.1.1, RFC 7636).
const CORE_AUTHORIZE: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
];
/// Parameters of a token request that a definition may not set (RFC 6749 section 4.1.3).
const CORE_TOKEN: &[&str] =
    &["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "refresh_token"];

/// How `x-airbyte-token-refresh` says that tokens are renewed and sent.
struct RefreshStyle {
    client_auth: Option<ClientAuth>,
    body: Option<TokenBody>,
    grant_type: Option<&'static str>,
    header: HeaderName,
    prefix: String,
}

pub(super) fn read<'d>(
    reader: &mut Reader<'d>,
    scheme: Object<'d>,
    around: &Around<'_>,
    promised: &mut Vec<Promised<'d>>,
) -> Option<OauthPlan> {
    let Some(flows) = reader.child(scheme, "flows", &FLOWS) else {
        if scheme.get("flows").is_none() {
            reader.error_hint(
                scheme.node,
                "an oauth2 scheme needs \"flows\"",
                "flows: {authorizationCode: {…}}",
            );
        }
        return None;
    };
    let kinds = ["authorizationCode", "clientCredentials", "password", "implicit"];
    let Some(kind) = kinds.into_iter().find(|kind| flows.get(kind).is_some()) else {
        reader.error_hint(flows.node, "\"flows\" is empty", "name authorizationCode or clientCredentials");
        return None;
    };
    if matches!(kind, "password" | "implicit") {
        let message = format!("the flow {kind} has no consent of its own here; only given tokens work");
        reader.warn(flows.node, message, Some("authorizationCode is the flow for users".to_owned()));
    }
    let flow = reader.child(flows, kind, &FLOW)?;
    let extension = reader.child(scheme, "x-keybearer-oauth", &OAUTH);
    let variables = extension.map(|object| variables(reader, object, around)).unwrap_or_default();
    let callback_params = callback_params(reader, extension, around);
    let endpoints = Endpoints::new(around, &variables, &callback_params);
    let names = &endpoints.names;
    let style = refresh_style(reader, scheme);

    let needs_consent = kind == "authorizationCode";
    let url = |reader: &mut Reader<'d>, key: &str| endpoints.template(reader, flow, key);
    let authorization_url = if needs_consent { url(reader, "authorizationUrl") } else { None };
    let token_url = url(reader, "tokenUrl");
    let refresh_url = url(reader, "refreshUrl");
    for key in ["authorizationUrl", "tokenUrl"] {
        if needs_consent && flow.get(key).is_none() {
            reader.error_hint(
                flow.node,
                format!("the flow authorizationCode lacks {key:?}"),
                "give its https URL",
            );
        }
    }

    let auth_names = [("body", ClientAuth::Body), ("basic", ClientAuth::Basic), ("none", ClientAuth::None)];
    let body_names = [("form", TokenBody::Form), ("json", TokenBody::Json)];
    let own_auth = extension.and_then(|object| reader.choice(object, "client_auth", &auth_names));
    let own_body = extension.and_then(|object| reader.choice(object, "token_body", &body_names));
    let refresh = refresh(kind, refresh_url, token_url.clone(), &style, own_auth, own_body);
    let text = |reader: &mut Reader<'d>, key: &str, default: &str| {
        extension.and_then(|object| reader.text(object, key)).unwrap_or(default).to_owned()
    };
    let client_auth = own_auth.or(style.client_auth).unwrap_or(ClientAuth::Body);

    Some(OauthPlan {
        authorization_url,
        token_url,
        scopes: scopes(reader, flow),
        scope_separator: text(reader, "scope_separator", " "),
        pkce: extension.and_then(|object| reader.flag(object, "pkce")).unwrap_or(true),
        authorize_params: params(reader, extension, "authorize_params", CORE_AUTHORIZE, around, names),
        token_params: params(reader, extension, "token_params", CORE_TOKEN, around, names),
        client_auth,
        token_body: own_body.or(style.body).unwrap_or(TokenBody::Form),
        token_response: token_response(reader, extension),
        token_error: extension.and_then(|object| token_error(reader, object)),
        client_id_param: text(reader, "client_id_param", "client_id"),
        client_secret_param: text(reader, "client_secret_param", "client_secret"),
        scope_param: text(reader, "scope_param", "scope"),
        code_param: text(reader, "code_param", "code"),
        callback_params,
        identity: extension.and_then(|object| identity(reader, object, promised)),
        issuer: extension.and_then(|object| reader.text(object, "issuer")).map(str::to_owned),
        revocation: extension.and_then(|object| revocation(reader, object, client_auth, &endpoints)),
        refresh,
        token_extract: token_extract(reader, scheme, around),
        bounded: endpoints.bounded,
        variables,
        header: style.header,
        prefix: style.prefix,
        app_fields: app_fields(reader, scheme),
    })
}

fn refresh_style<'d>(reader: &mut Reader<'d>, scheme: Object<'d>) -> RefreshStyle {
    let mut style = RefreshStyle {
        client_auth: None,
        body: None,
        grant_type: None,
        header: http::header::AUTHORIZATION,
        prefix: "Bearer ".to_owned(),
    };
    let Some(object) = reader.child(scheme, "x-airbyte-token-refresh", &TOKEN_REFRESH) else { return style };
    let auth_names = [("body", ClientAuth::Body), ("basic", ClientAuth::Basic), ("none", ClientAuth::None)];
    style.client_auth = reader.choice(object, "auth_style", &auth_names);
    style.body =
        reader.choice(object, "body_format", &[("form", TokenBody::Form), ("json", TokenBody::Json)]);
    let grants = [
        ("refresh_token", "refresh_token"),
        ("client_credentials", "client_credentials"),
        ("jwt_bearer", JWT_BEARER),
        (JWT_BEARER, JWT_BEARER),
    ];
    style.grant_type = reader.choice(object, "grant_type", &grants);
    if let Some(name) = reader.text(object, "header") {
        match HeaderName::try_from(name) {
            Ok(header) if !super::scheme::is_connection_header(&header) => style.header = header,
            _ => {
                let at = object.get("header").unwrap_or(object.node);
                reader.error(at, format!("{name:?} is no header that a token can go in"));
            }
        }
    }
    if let Some(prefix) = reader.text(object, "prefix") {
        let prefix = prefix.trim();
        style.prefix = if prefix.is_empty() { String::new() } else { format!("{prefix} ") };
    }
    style
}

fn refresh(
    kind: &str,
    refresh_url: Option<Template>,
    token_url: Option<Template>,
    style: &RefreshStyle,
    own_auth: Option<ClientAuth>,
    own_body: Option<TokenBody>,
) -> Option<Refresh> {
    // A token URL alone enables no refresh: some providers issue tokens that never expire.
    let (url, default) = match kind {
        "clientCredentials" => (refresh_url.or(token_url)?, "client_credentials"),
        _ => (refresh_url?, "refresh_token"),
    };
    Some(Refresh {
        url,
        client_auth: style.client_auth.or(own_auth).unwrap_or(ClientAuth::Body),
        body: style.body.or(own_body).unwrap_or(TokenBody::Form),
        grant_type: style.grant_type.unwrap_or(default).to_owned(),
    })
}

fn scopes<'d>(reader: &mut Reader<'d>, flow: Object<'d>) -> IndexMap<String, String> {
    let Some(map) = reader.child_map(flow, "scopes", "scopes") else { return IndexMap::new() };
    let mut scopes = IndexMap::new();
    for (scope, entry) in map.map.iter() {
        let text = match &entry.value.value {
            super::node::Value::Null => Some(""),
            _ => reader.text_node(&entry.value, "the text of a scope"),
        };
        scopes.insert(scope.to_owned(), text.unwrap_or_default().to_owned());
    }
    scopes
}

fn params<'d>(
    reader: &mut Reader<'d>,
    extension: Option<Object<'d>>,
    key: &'static str,
    core: &[&str],
    around: &Around<'_>,
    names: &[String],
) -> Vec<(String, Template)> {
    let mut params = Vec::new();
    let Some(map) = extension.and_then(|object| reader.child_map(object, key, key)) else { return params };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (name, entry) in map.map.iter() {
        if core.contains(&name) {
            let message = format!("{key} must not set {name:?}, which Keybearer sends itself");
            reader.error(&entry.value, message);
            continue;
        }
        // Token parameters go to the token endpoint only, so credentials may stand there.
        let scope = Scope { place: key, names: &names, credentials: key == "token_params", lenient: true };
        if let Some(template) = template(reader, &entry.value, around.credentials, &scope) {
            params.push((name.to_owned(), template));
        }
    }
    params
}

fn token_extract<'d>(reader: &mut Reader<'d>, scheme: Object<'d>, around: &Around<'_>) -> Vec<String> {
    let key = "x-airbyte-token-extract";
    let known: Vec<&str> =
        around.server.into_iter().flat_map(|server| &server.variables).map(|v| v.name.as_str()).collect();
    let mut names = Vec::new();
    for node in reader.list(scheme, key) {
        let Some(name) = reader.text_node(node, "an extracted field") else { continue };
        if around.credentials.has(name) {
            reader.error(node, format!("the credential value {name:?} must not become a server variable"));
        } else if known.contains(&name) {
            names.push(name.to_owned());
        } else {
            reader.not_one_of(node, "server variable", name, &known);
        }
    }
    names
}

/// Fields of an organization's own OAuth app beyond id and secret.
fn app_fields<'d>(reader: &mut Reader<'d>, scheme: Object<'d>) -> Vec<AuthField> {
    let Some(object) = reader.child(scheme, "x-airbyte-oauth-credentials", &AUTH_CONFIG) else {
        return Vec::new();
    };
    let mut fields = form(reader, object);
    fields.retain(|field| !matches!(field.name.as_str(), "client_id" | "client_secret"));
    fields
}
