//! Tells what must be filled in before a call: credential forms, OAuth apps, connection variables.
//!
//! Knows JSON Schemas of forms. Must not know any value of them.

use crate::document::Definition;
use crate::plan::{AuthField, ClientAuth, Plan, SchemeKind};
use serde_json::{Map, Value, json};

pub(super) fn credential_schemes(definition: &Definition) -> Value {
    let schemes = definition.plan.schemes.iter();
    schemes
        .map(|scheme| {
            let (title, description) = definition.document.scheme_texts(&scheme.name);
            let kind = match &scheme.kind {
                SchemeKind::Bearer => "bearer",
                SchemeKind::Basic => "basic",
                SchemeKind::ApiKey { .. } => "api_key",
                SchemeKind::Oauth2(_) => "oauth2",
            };
            let mut told = json!({
                "auth_scheme": scheme.name,
                "type": kind,
                "title": title.unwrap_or(&scheme.name),
                "schema": object(scheme.fields.iter()),
            });
            if let (Some(text), Some(map)) = (description, told.as_object_mut()) {
                map.insert("description".to_owned(), json!(text.trim()));
            }
            told
        })
        .collect()
}

/// Fields of the OAuth app that a definition adds, beside id and secret.
pub(super) fn oauth_app(definition: &Definition) -> Option<Value> {
    let (_, oauth) = definition.plan.oauth()?;
    let name = &definition.plan.info.display_name;
    let core = [
        ("client_id", "Client ID", true, false),
        ("client_secret", "Client secret", oauth.client_auth != ClientAuth::None, true),
    ];
    let core: Vec<AuthField> = core
        .iter()
        .map(|(field, title, required, secret)| AuthField {
            name: (*field).to_owned(),
            required: *required,
            secret: *secret,
            title: Some((*title).to_owned()),
            description: Some(format!("{title} of your OAuth app at {name}.")),
            format: None,
            pattern: None,
        })
        .collect();
    let mut schema = object(core.iter().chain(&oauth.app_fields));
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let text = "legacy: the app is registered with the callback URL that all connectors share.";
        properties.insert(
            "callback".to_owned(),
            json!({"type": "string", "enum": ["legacy"], "description": text}),
        );
    }
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_owned(), json!(format!("OAuth app at {name}")));
    }
    Some(schema)
}

pub(super) fn variables(plan: &Plan) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for variable in plan.server.variables.iter().filter(|variable| !variable.from_token) {
        let mut schema = Map::from_iter([("type".to_owned(), json!("string"))]);
        texts(&mut schema, None, variable.description.as_deref(), None, variable.pattern.as_deref());
        choices(&mut schema, &variable.allowed);
        match &variable.default {
            Some(default) => {
                schema.insert("default".to_owned(), json!(default));
            }
            None => required.push(variable.name.clone()),
        }
        properties.insert(variable.name.clone(), Value::Object(schema));
    }
    for variable in plan.oauth().map(|(_, oauth)| oauth.variables.as_slice()).unwrap_or_default() {
        let kind = if variable.boolean { "boolean" } else { "string" };
        let mut schema = Map::from_iter([("type".to_owned(), json!(kind))]);
        texts(&mut schema, None, variable.description.as_deref(), None, variable.pattern.as_deref());
        choices(&mut schema, &variable.allowed);
        if let Some(default) = &variable.default {
            schema.insert("default".to_owned(), default.clone());
        }
        if variable.required && variable.default.is_none() && !required.contains(&variable.name) {
            required.push(variable.name.clone());
        }
        properties.insert(variable.name.clone(), Value::Object(schema));
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// A form as a JSON Schema. Secrets are write-only, and marked the way published forms mark them.
fn object<'a>(fields: impl Iterator<Item = &'a AuthField>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut schema = Map::from_iter([("type".to_owned(), json!("string"))]);
        let format = field.format.as_deref().or(field.secret.then_some("password"));
        texts(
            &mut schema,
            field.title.as_deref(),
            field.description.as_deref(),
            format,
            field.pattern.as_deref(),
        );
        if field.secret {
            schema.insert("writeOnly".to_owned(), json!(true));
            schema.insert("airbyte_secret".to_owned(), json!(true));
        }
        if field.required {
            required.push(field.name.as_str());
        }
        properties.insert(field.name.clone(), Value::Object(schema));
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn texts(
    schema: &mut Map<String, Value>,
    title: Option<&str>,
    description: Option<&str>,
    format: Option<&str>,
    pattern: Option<&str>,
) {
    for (key, value) in
        [("title", title), ("description", description), ("format", format), ("pattern", pattern)]
    {
        if let Some(value) = value {
            schema.insert(key.to_owned(), json!(value.trim()));
        }
    }
}

fn choices(schema: &mut Map<String, Value>, allowed: &[String]) {
    if !allowed.is_empty() {
        schema.insert("enum".to_owned(), json!(allowed));
    }
}
