//! An HTTP exchange as a person reads it: sent, received and printed, with secrets shortened.
//!
//! Knows a plain HTTP client for loopback. Must not know the flow.

use crate::cli::say;
use anyhow::Context;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Values of these fields are secrets; only their start is shown.
const SECRETS: [&str; 6] =
    ["access_token", "client_secret", "token", "server_side_oauth_secret_id", "secret_id", "code_verifier"];
/// Longest printed body, in lines.
const LINES: usize = 60;

/// Sends requests and prints them.
pub(super) struct Talk {
    client: Client<HttpConnector, Body>,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Reply {
    /// The body as JSON.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.text).context("an answer that is no JSON")
    }

    /// Where a redirect leads.
    pub(super) fn location(&self) -> anyhow::Result<&str> {
        self.headers
            .get(header::LOCATION)
            .context("a redirect was expected")?
            .to_str()
            .context("a location that is no text")
    }
}

impl Talk {
    #[expect(clippy::disallowed_methods, reason = "the demo plays the application, which calls us")]
    pub(super) fn new() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Sends without printing.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(header::HeaderName, String)],
        body: String,
    ) -> anyhow::Result<Reply> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self
            .client
            .request(request.body(Body::from(body))?)
            .await
            .with_context(|| format!("no answer from {url}"))?;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok(Reply { status: parts.status, headers: parts.headers, text })
    }

    /// Calls the API with JSON, prints both sides, and insists on success.
    pub(super) async fn call(
        &self,
        method: Method,
        base: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        say(&format!("  > {method} {path}"));
        if let Some(body) = body {
            print(body, "  > ");
        }
        let mut headers = Vec::new();
        if let Some(bearer) = bearer {
            headers.push((header::AUTHORIZATION, format!("Bearer {bearer}")));
        }
        if body.is_some() {
            headers.push((header::CONTENT_TYPE, "application/json".to_owned()));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let reply = self.send(method, &format!("{base}{path}"), &headers, text).await?;
        say(&format!("  < {}", reply.status));
        let answer = if reply.text.is_empty() { Value::Null } else { reply.json()? };
        print(&answer, "  < ");
        anyhow::ensure!(reply.status.is_success(), "{path} answered {}", reply.status);
        Ok(answer)
    }
}

/// Prints JSON with shortened secrets and at most [`LINES`] lines.
fn print(value: &Value, margin: &str) {
    let text = serde_json::to_string_pretty(&shortened(value, "")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().take(LINES) {
        say(&format!("{margin}{line}"));
    }
    if lines.len() > LINES {
        say(&format!("{margin}… {} more lines", lines.len() - LINES));
    }
}

fn shortened(value: &Value, name: &str) -> Value {
    match value {
        Value::String(text) if SECRETS.contains(&name) => Value::String(short(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| shortened(item, name)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), shortened(value, name))).collect())
        }
        other => other.clone(),
    }
}

/// The first characters of a secret, and its length.
pub(super) fn short(text: &str) -> String {
    let start: String = text.chars().take(6).collect();
    format!("{start}… ({} characters)", text.chars().count())
}
