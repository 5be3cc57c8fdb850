//! `POST /integrations/connectors/oauth/initiate`.
//!
//! Knows the body of an initiate. Must not know what is stored.

use super::answer::secret;
use super::body::{Body, Fields, TEXT_MAX, TYPE_NAMES, find_type, is_longer};
use super::{Answer, App, schema};
use crate::config::CallbackMode;
use crate::core::access::Caller;
use crate::core::consent::{Initiate, initiate};
use axum::extract::State;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Longest URL that is looked at, in characters; the rule says more.
const URL_MAX: usize = 4096;
/// Scopes of one consent.
const SCOPES_MAX: usize = 200;

/// Start a consent
///
/// Everything is checked and pinned now: user, connector type, OAuth app, redirect URL. The answer is the provider's
/// own consent page, with a single-use state and PKCE. The user has the time of `KEYBEARER_OAUTH_SESSION_TTL` (10
/// minutes) to agree; then the browser comes to the callback of this server, and from there to `redirect_url` with
/// `secret_id`, `connector_id` or `error` appended.
#[utoipa::path(
    post,
    path = "/api/v1/integrations/connectors/oauth/initiate",
    tag = "Consent",
    operation_id = "initiateConsent",
    request_body = schema::consent::InitiateRequest,
    responses(
        (status = 200, description = "Where to send the user.", body = schema::consent::Consent, headers(
            ("Cache-Control" = String, description = "`no-store`: no cache may keep it.")
        )),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid", "oauth_not_supported", "oauth_app_missing", "binding_requires_secret_id", "binding_required", "too_many_consents", "app_misconfigured", "not_found"]))),
)]
pub(super) async fn start(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let workspace_name = fields.required_workspace_name();
    let kind = fields.connector_type(&TYPE_NAMES);
    let redirect_url = redirect_url(&mut fields);
    let input = fields.object("oauth_input_configuration").unwrap_or_default();
    let modes = [("secret_id", CallbackMode::SecretId), ("connector_id", CallbackMode::ConnectorId)];
    let mode = fields.choice("callback_mode", &modes).unwrap_or(app.settings.callback_mode);
    let name = connector_name(&mut fields);
    let environment = fields.object("environment").unwrap_or_default();
    let replication_config = fields.object("replication_config").map(|map| Value::Object(map).to_string());
    let code_challenge = code_challenge(&mut fields);
    let connector_id = uuid(&mut fields, "connector_id");
    let allow_account_change = fields.flag("allow_account_change").unwrap_or(false);
    if allow_account_change && connector_id.is_none() {
        fields.wrong("allow_account_change", "invalid_value", "has a meaning only with `connector_id`");
    }
    let scopes = scopes(&mut fields);
    fields.finish()?;
    let kind = find_type(&app, &kind)?;
    let ask = Initiate {
        workspace_name,
        kind,
        redirect_url,
        input,
        mode,
        name,
        environment,
        replication_config,
        code_challenge,
        connector_id,
        allow_account_change,
        scopes,
    };
    let url = initiate(&app, &caller, ask).await?;
    secret(json!({ "consent_url": url.expose_secret() }))
}

/// A hostile URL is named wrong by the redirect rule, not by the control-character rule of plain texts.
fn redirect_url(fields: &mut Fields) -> String {
    match fields.take("redirect_url") {
        Some(Value::String(text)) if !is_longer(&text, URL_MAX) => {
            if let Err(why) = crate::core::redirect_urls::check_form(&text) {
                fields.wrong("redirect_url", "invalid_value", why);
            }
            text
        }
        Some(Value::String(_)) => {
            fields.wrong("redirect_url", "too_long", "must have at most 2048 bytes");
            String::new()
        }
        Some(_) => {
            fields.wrong("redirect_url", "invalid_type", "must be a text");
            String::new()
        }
        None => {
            fields.wrong("redirect_url", "missing", "is required");
            String::new()
        }
    }
}

/// Name of a connector: not blank, at most 250 characters.
pub(super) fn connector_name(fields: &mut Fields) -> Option<String> {
    let name = fields.text("name", 250)?;
    if name.trim().is_empty() {
        fields.wrong("name", "invalid_value", "must not be blank");
        return None;
    }
    Some(name)
}

/// RFC 7636 section 4.2: base64url of a SHA-256, so 43 characters.
fn code_challenge(fields: &mut Fields) -> Option<String> {
    let text = fields.text("code_challenge", TEXT_MAX)?;
    let good = text.len() == 43
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !good {
        fields.wrong(
            "code_challenge",
            "invalid_value",
            "must be an S256 challenge: 43 characters of base64url (RFC 7636)",
        );
        return None;
    }
    Some(text)
}

/// An optional UUID.
pub(super) fn uuid(fields: &mut Fields, name: &str) -> Option<String> {
    let text = fields.text(name, TEXT_MAX)?;
    let Ok(id) = uuid::Uuid::try_parse(&text) else {
        fields.wrong(name, "invalid_value", "must be a UUID");
        return None;
    };
    Some(id.hyphenated().to_string())
}

/// A list of scopes, or a text with spaces between them (RFC 6749 section 3.3).
fn scopes(fields: &mut Fields) -> Option<Vec<String>> {
    let scopes: Vec<String> = match fields.take("scopes")? {
        Value::String(text) => text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => {
            fields.wrong(
                "scopes",
                "invalid_type",
                "must be a list of scopes, or a text with spaces between them",
            );
            return None;
        }
    };
    let token = |scope: &String| {
        !scope.is_empty()
            && scope.len() <= 256
            && scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    if scopes.is_empty() || scopes.len() > SCOPES_MAX || !scopes.iter().all(token) {
        fields.wrong(
            "scopes",
            "invalid_value",
            "must be 1 to 200 scope tokens of printable ASCII (RFC 6749 section 3.3)",
        );
        return None;
    }
    Some(scopes)
}
