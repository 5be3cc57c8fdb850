//! `POST …/applications/token`, `…/scoped-token`, `…/widget-token`, `GET …/scoped-token/info`.
//!
//! Knows bodies and answers. Must not know how tokens are made (`core::tokens`).

use super::answer::{ok, secret};
use super::body::{Body, Fields, TEXT_MAX};
use super::{Answer, App};
use crate::core::access::Caller;
use crate::core::{tokens, workspaces};
use axum::extract::State;
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

/// Client id and secret to an application token.
pub(super) async fn application(State(app): State<App>, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let client_id = fields.required("client_id", TEXT_MAX);
    let client_secret = fields.required_secret("client_secret", TEXT_MAX);
    fields.finish()?;
    let made = tokens::application_token(&app, &client_id, &client_secret).await?;
    secret(json!({
        "access_token": made.token.expose_secret(),
        "token_type": "bearer",
        "expires_in": tokens::APPLICATION_TTL.as_secs(),
        "organization_id": made.organization_id,
    }))
}

/// A token for one workspace, which is made when absent.
pub(super) async fn scoped(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let name = fields.required_workspace_name();
    let region_id = fields.text("region_id", 64);
    fields.finish()?;
    let workspace = workspaces::ensure(&app, &caller, &name, region_id).await?;
    let token = tokens::scoped_token(&app, &caller, &workspace)?;
    secret(json!({ "token": token.expose_secret() }))
}

/// What a scoped token speaks for.
pub(super) async fn info(caller: Caller) -> Answer {
    ok(json!({
        "organization_id": caller.organization(),
        "workspace_id": caller.workspace(),
        "workspace_name": caller.workspace_name(),
    }))
}

/// A token for the embedded widget: base64 of a scoped token and the page to show.
pub(super) async fn widget(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let name = fields.required_workspace_name();
    let origin = fields.required("allowed_origin", TEXT_MAX);
    let region_id = fields.text("region_id", 64);
    if !origin.is_empty() && !is_origin(&origin) {
        fields.wrong(
            "allowed_origin",
            "invalid_value",
            "must be scheme, host and port without a trailing slash, such as https://app.example.com",
        );
    }
    let query = page_query(&mut fields, &origin);
    fields.finish()?;
    let workspace = workspaces::ensure(&app, &caller, &name, region_id).await?;
    let token = tokens::widget_token(&app, &caller, &workspace, &query)?;
    secret(json!({ "token": token.expose_secret() }))
}

/// What the widget's page is told: its origin and which templates to show.
fn page_query(fields: &mut Fields, origin: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("allowedOrigin", origin);
    for (field, parameter) in [
        ("selected_source_template_tags", "selectedSourceTemplateTags"),
        ("selected_connection_template_tags", "selectedConnectionTemplateTags"),
    ] {
        if let Some(tags) = fields.texts(field, 100) {
            query.append_pair(parameter, &tags.join(","));
        }
        let mode = fields.choice(&format!("{field}_mode"), &[("any", "any"), ("all", "all")]);
        if let Some(mode) = mode {
            query.append_pair(&format!("{parameter}Mode"), mode);
        }
    }
    query.finish()
}

fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}
