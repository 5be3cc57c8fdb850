//! Reads `components.securitySchemes`: kinds, credential forms, mappings and extra headers.
//!
//! Knows how a scheme is declared. Must not know OAuth endpoints (`oauth`).

use super::credentials::{CredentialNames, Scope, is_secret, template};
use super::node::Node;
use super::oauth;
use super::reader::{Object, Reader};
use super::shape::{AUTH_CONFIG, FORM_FIELD, SCHEME};
use crate::plan::{AuthField, Placement, Scheme, SchemeKind, Server, Template};
use http::HeaderName;
use indexmap::IndexMap;

/// What reading schemes needs to know about the rest of the document.
pub(super) struct Around<'a> {
    pub(super) credentials: &'a CredentialNames,
    pub(super) server: Option<&'a Server>,
}

/// An identity operation to be looked up once the operations are known.
pub(super) struct Promised<'d> {
    pub(super) node: &'d Node,
    pub(super) entity: String,
    pub(super) action: crate::plan::Action,
}

pub(super) fn read_all<'d>(
    reader: &mut Reader<'d>,
    components: Option<Object<'d>>,
    around: &Around<'_>,
    promised: &mut Vec<Promised<'d>>,
) -> Vec<Scheme> {
    let Some(components) = components else { return Vec::new() };
    let Some(map) = reader.child_map(components, "securitySchemes", "securitySchemes") else {
        return Vec::new();
    };
    let mut schemes = Vec::new();
    for (name, entry) in map.map.iter() {
        let Some(node) = reader.resolve(&entry.value) else { continue };
        if let Some(scheme) = read(reader, name, node, around, promised) {
            schemes.push(scheme);
        }
    }
    schemes
}

fn read<'d>(
    reader: &mut Reader<'d>,
    name: &str,
    node: &'d Node,
    around: &Around<'_>,
    promised: &mut Vec<Promised<'d>>,
) -> Option<Scheme> {
    let object = reader.object(node, &SCHEME)?;
    let kind = kind(reader, object, around, promised)?;
    let keys = authentication_keys(&kind);
    let config = reader.child(object, "x-airbyte-auth-config", &AUTH_CONFIG);
    let Some(config) = config else {
        return Some(default_form(name, kind));
    };
    let fields = form(reader, config);
    let mapping = mapping(reader, config, &fields, keys);
    let headers = headers(reader, config, &fields, around.credentials);
    Some(Scheme { name: name.to_owned(), kind, fields, mapping, headers })
}

fn kind<'d>(
    reader: &mut Reader<'d>,
    object: Object<'d>,
    around: &Around<'_>,
    promised: &mut Vec<Promised<'d>>,
) -> Option<SchemeKind> {
    match reader.required_text(object, "type", "oauth2")? {
        "http" => {
            let scheme = reader.required_text(object, "scheme", "bearer")?;
            match scheme.to_ascii_lowercase().as_str() {
                "bearer" => Some(SchemeKind::Bearer),
                "basic" => Some(SchemeKind::Basic),
                _ => {
                    let at = object.get("scheme").unwrap_or(object.node);
                    reader.not_one_of(at, "HTTP authentication scheme", scheme, &["bearer", "basic"]);
                    None
                }
            }
        }
        "apiKey" => api_key(reader, object),
        "oauth2" => {
            oauth::read(reader, object, around, promised).map(|plan| SchemeKind::Oauth2(Box::new(plan)))
        }
        other => {
            let at = object.get("type").unwrap_or(object.node);
            reader.not_one_of(at, "security scheme type", other, &["oauth2", "http", "apiKey"]);
            None
        }
    }
}

fn api_key<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<SchemeKind> {
    let name = reader.required_text(object, "name", "X-Api-Key");
    reader.required_text(object, "in", "header")?;
    let placement =
        reader.choice(object, "in", &[("header", Placement::Header), ("query", Placement::Query)])?;
    let name = name?;
    if placement == Placement::Header && HeaderName::try_from(name).is_err() {
        let at = object.get("name").unwrap_or(object.node);
        reader.error(at, format!("{name:?} is no header name"));
        return None;
    }
    Some(SchemeKind::ApiKey { name: name.to_owned(), placement })
}

fn authentication_keys(kind: &SchemeKind) -> &'static [&'static str] {
    match kind {
        SchemeKind::Bearer => &["token"],
        SchemeKind::Basic => &["username", "password"],
        SchemeKind::ApiKey { .. } => &["api_key"],
        SchemeKind::Oauth2(_) => {
            &["access_token", "refresh_token", "client_id", "client_secret", "credentials_json"]
        }
    }
}

/// A scheme without a form asks for its authentication keys.
fn default_form(name: &str, kind: SchemeKind) -> Scheme {
    let keys = authentication_keys(&kind);
    let oauth = matches!(kind, SchemeKind::Oauth2(_));
    let keys = keys.iter().filter(|key| **key != "credentials_json");
    let mut fields = Vec::new();
    let mut mapping = IndexMap::new();
    for key in keys {
        fields.push(AuthField {
            name: (*key).to_owned(),
            required: !oauth || *key == "access_token",
            secret: is_secret(key, None),
            title: None,
            description: None,
            format: None,
            pattern: None,
        });
        mapping.insert((*key).to_owned(), format!("${{{key}}}"));
    }
    Scheme { name: name.to_owned(), kind, fields, mapping, headers: Vec::new() }
}

/// The fields of a form: `properties` and `required`.
pub(super) fn form<'d>(reader: &mut Reader<'d>, config: Object<'d>) -> Vec<AuthField> {
    let required = reader.texts(config, "required");
    let mut fields = Vec::new();
    if let Some(properties) = reader.child_map(config, "properties", "properties") {
        for (name, entry) in properties.map.iter() {
            let Some(object) = reader.object(&entry.value, &FORM_FIELD) else { continue };
            let text = |reader: &mut Reader<'d>, key: &str| reader.text(object, key).map(str::to_owned);
            fields.push(AuthField {
                name: name.to_owned(),
                required: required.contains(&name),
                secret: is_secret(name, reader.flag(object, "airbyte_secret")),
                title: text(reader, "title"),
                description: text(reader, "description"),
                format: text(reader, "format"),
                pattern: text(reader, "pattern"),
            });
        }
    }
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    for name in required {
        if !names.contains(&name)
            && let Some(at) = config.get("required")
        {
            reader.not_one_of(at, "required field", name, &names);
        }
    }
    fields
}

fn mapping<'d>(
    reader: &mut Reader<'d>,
    config: Object<'d>,
    fields: &[AuthField],
    keys: &[&str],
) -> IndexMap<String, String> {
    let mut mapping = IndexMap::new();
    let Some(map) = reader.child_map(config, "auth_mapping", "auth_mapping") else {
        // Without a mapping a field feeds the authentication key of its own name.
        for field in fields.iter().filter(|field| keys.contains(&field.name.as_str())) {
            mapping.insert(field.name.clone(), format!("${{{}}}", field.name));
        }
        if mapping.is_empty() {
            let hint =
                format!("for example auth_mapping: {{{}: \"${{…}}\"}}", keys.first().unwrap_or(&"token"));
            reader.error_hint(config.node, "no field of the form feeds the authentication", hint);
        }
        return mapping;
    };
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    for (key, entry) in map.map.iter() {
        if !keys.contains(&key) {
            reader.not_one_of(&entry.value, "authentication key", key, keys);
            continue;
        }
        let Some(text) = reader.text_node(&entry.value, "a mapping") else { continue };
        for name in references(text) {
            if !names.contains(&name) {
                reader.not_one_of(&entry.value, "form field", name, &names);
            }
        }
        mapping.insert(key.to_owned(), text.to_owned());
    }
    mapping
}

/// Names inside `${…}`.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn headers<'d>(
    reader: &mut Reader<'d>,
    config: Object<'d>,
    fields: &[AuthField],
    credentials: &CredentialNames,
) -> Vec<(HeaderName, Template)> {
    let mut headers = Vec::new();
    let Some(map) = reader.child_map(config, "additional_headers", "additional_headers") else {
        return headers;
    };
    let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    names.extend(["token", "username", "client_id"]);
    for (name, entry) in map.map.iter() {
        let Ok(header) = HeaderName::try_from(name) else {
            reader.error(&entry.value, format!("{name:?} is no header name"));
            continue;
        };
        if is_connection_header(&header) {
            reader.error(&entry.value, format!("the header {name} is set by the HTTP client"));
            continue;
        }
        let scope = Scope { place: "an additional header", names: &names, credentials: true, lenient: true };
        if let Some(template) = template(reader, &entry.value, credentials, &scope) {
            headers.push((header, template));
        }
    }
    headers
}

/// Headers that belong to the connection or the message (RFC 9110 section 7.6.1, RFC 9112), never to a definition.
pub(super) fn is_connection_header(header: &HeaderName) -> bool {
    const REFUSED: &[&str] = &[
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    REFUSED.contains(&header.as_str())
}
