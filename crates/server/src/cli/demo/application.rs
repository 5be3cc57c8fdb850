//! The small application of `demo --keep`: a page with a button, and the page that the user comes back to.
//!
//! Knows the API's calls, as any application would.

use super::Stage;
use super::shown::Talk;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Application {
    server: String,
    own: String,
    client_id: String,
    client_secret: SecretString,
    talk: Talk,
}

pub(super) fn router(stage: &Stage) -> Router {
    let application = Application {
        server: stage.server.clone(),
        own: stage.application.clone(),
        client_id: stage.client_id.clone(),
        client_secret: stage.client_secret.clone(),
        talk: Talk::new(),
    };
    Router::new()
        .route("/", get(home))
        .route("/connect", get(connect))
        .route("/connected", get(connected))
        .with_state(Arc::new(application))
}

async fn home() -> Html<String> {
    page(
        "Acme",
        "<p>Acme works with your contacts.</p><p><a class=\"button\" href=\"/connect\">Connect Harbour CRM</a></p>",
    )
}

async fn connect(State(application): State<Arc<Application>>) -> Response {
    let body = json!({
        "external_user_id": "browser-user",
        "connector_type": "harbour-crm",
        "redirect_url": format!("{}/connected", application.own),
    });
    match application.api("/integrations/connectors/oauth/initiate", &body).await {
        Ok(answer) => match answer.get("consent_url").and_then(Value::as_str) {
            Some(url) => Redirect::to(url).into_response(),
            None => page("That did not work", &pre(&answer)).into_response(),
        },
        Err(error) => page("That did not work", &escaped(&error.to_string())).into_response(),
    }
}

async fn connected(
    State(application): State<Arc<Application>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Html<String> {
    let Some(secret_id) = query.get("secret_id") else {
        let why = query.get("error_description").or_else(|| query.get("error")).cloned().unwrap_or_default();
        return page("Not connected", &format!("<p>{}</p><p><a href=\"/\">Back</a></p>", escaped(&why)));
    };
    match application.first_contacts(secret_id).await {
        Ok(answer) => page(
            "Connected",
            &format!(
                "<p>The first contacts, read in your name:</p>{}<p><a href=\"/\">Back</a></p>",
                pre(&answer)
            ),
        ),
        Err(error) => page("That did not work", &escaped(&error.to_string())),
    }
}

impl Application {
    async fn first_contacts(&self, secret_id: &str) -> anyhow::Result<Value> {
        let create = json!({"external_user_id": "browser-user", "connector_type": "harbour-crm", "server_side_oauth_secret_id": secret_id});
        let connector = self.api("/integrations/connectors", &create).await?;
        let Some(id) = connector.get("id").and_then(Value::as_str) else { return Ok(connector) };
        let list = json!({"entity": "contacts", "action": "list", "params": {"limit": 3}});
        self.api(&format!("/connectors/sources/{id}/execute"), &list).await
    }

    async fn api(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let credentials =
            json!({"client_id": self.client_id, "client_secret": self.client_secret.expose_secret()});
        let token = self.post("/account/applications/token", None, &credentials).await?;
        let token = token.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.post(path, Some(&token), body).await
    }

    async fn post(&self, path: &str, bearer: Option<&str>, body: &Value) -> anyhow::Result<Value> {
        let mut headers = vec![(header::CONTENT_TYPE, "application/json".to_owned())];
        headers.extend(bearer.map(|bearer| (header::AUTHORIZATION, format!("Bearer {bearer}"))));
        self.talk
            .send(Method::POST, &format!("{}/api/v1{path}", self.server), &headers, body.to_string())
            .await?
            .json()
    }
}

fn page(title: &str, content: &str) -> Html<String> {
    let title = escaped(title);
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1.5rem}}\
         .button{{background:#2457d6;color:#fff;padding:.6rem 1rem;border-radius:.4rem;text-decoration:none}}pre{{overflow:auto}}</style>\
         <h1>{title}</h1>{content}</html>"
    ))
}

fn pre(value: &Value) -> String {
    format!("<pre>{}</pre>", escaped(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
