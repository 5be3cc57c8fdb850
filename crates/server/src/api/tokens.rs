//! `POST …/applications/token`, `…/scoped-token`, `…/widget-token`, `GET …/scoped-token/info`.
//!
//! Knows bodies and answers. Must not know how tokens are made (`core::tokens`).

use super::answer::{ok, secret};
use super::body::{Body, Fields, TEXT_MAX};
use super::peer::Peer;
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::{tokens, workspaces};
use axum::extract::State;
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;

/// Create an application token
///
/// Exchanges the client id and secret of an organization for a bearer token that reaches everything in it.
/// It lives 15 minutes; ask for a new one before it ends. An unknown id, a wrong secret and a removed credential are
/// answered alike.
#[utoipa::path(
    post,
    path = "/api/v1/account/applications/token",
    tag = "Tokens",
    operation_id = "createApplicationToken",
    request_body = schema::tokens::ApplicationTokenRequest,
    responses(
        (status = 200, description = "The token.", body = schema::tokens::ApplicationToken, headers(
            ("Cache-Control" = String, description = "`no-store`: no cache may keep it.")
        )),
    ),
    extensions(("x-keybearer-errors" = json!(["unauthorized", "rate_limited"]))),
)]
pub(super) async fn application(State(app): State<App>, Peer(address): Peer, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let client_id = fields.required("client_id", TEXT_MAX);
    let client_secret = fields.required_secret("client_secret", TEXT_MAX);
    fields.finish()?;
    let made = tokens::application_token(&app, &client_id, &client_secret, address).await?;
    secret(json!({
        "access_token": made.token.expose_secret(),
        "token_type": "bearer",
        "expires_in": tokens::APPLICATION_TTL.as_secs(),
        "organization_id": made.organization_id,
    }))
}

/// Create a scoped token
///
/// A token for one workspace, which is created if it is absent. It lives 20 minutes and may be given to a browser:
/// it can start consents and use connectors, definitions and templates of that workspace, nothing else.
#[utoipa::path(
    post,
    path = "/api/v1/account/applications/scoped-token",
    tag = "Tokens",
    operation_id = "createScopedToken",
    request_body = schema::tokens::ScopedTokenRequest,
    responses(
        (status = 200, description = "The token.", body = schema::tokens::ScopedToken, headers(
            ("Cache-Control" = String, description = "`no-store`: no cache may keep it.")
        )),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
pub(super) async fn scoped(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let name = fields.required_workspace_name();
    let region_id = fields.text("region_id", 64);
    fields.finish()?;
    let workspace = workspaces::ensure(&app, &caller, &name, region_id).await?;
    let token = tokens::scoped_token(&app, &caller, &workspace)?;
    secret(json!({ "token": token.expose_secret() }))
}

/// Read what a scoped token speaks for
#[utoipa::path(
    get,
    path = "/api/v1/account/applications/scoped-token/info",
    tag = "Tokens",
    operation_id = "getScopedTokenInfo",
    responses(
        (status = 200, description = "Organization and workspace of the token.", body = schema::tokens::ScopedTokenInfo),
    ),
)]
pub(super) async fn info(caller: Caller) -> Answer {
    ok(json!({
        "organization_id": caller.organization(),
        "workspace_id": caller.workspace(),
        "workspace_name": caller.workspace_name(),
    }))
}

/// Create a widget token
///
/// A scoped token and the address of the page that an embedded widget shows, in one text.
#[utoipa::path(
    post,
    path = "/api/v1/account/applications/widget-token",
    tag = "Tokens",
    operation_id = "createWidgetToken",
    request_body = schema::tokens::WidgetTokenRequest,
    responses(
        (status = 200, description = "The token.", body = schema::tokens::WidgetToken, headers(
            ("Cache-Control" = String, description = "`no-store`: no cache may keep it.")
        )),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
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
