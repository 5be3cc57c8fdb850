//! The demo provider on loopback, and a browser's part in its consent.
//!
//! Knows the provider's pages. Must not know Keybearer. Every token that it hands out is kept, so that the harness can
//! look for it where it must not be.

use super::http::Http;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::Method;
use http_body_util::BodyExt;
use keybearer_demo_provider::{Control, Provider, Settings};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A running demo provider.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) url: String,
    pub(crate) control: Control,
    issued: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Starts one on that listener; its address is the settings' issuer.
    pub(crate) fn start(settings: Settings, listener: TcpListener) -> Self {
        let url = settings.issuer.clone();
        let provider = Provider::new(settings);
        let issued = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&issued);
        let keep = move |request: Request, next: Next| keep_tokens(Arc::clone(&kept), request, next);
        let router = provider.router().layer(from_fn(keep));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, control: provider.control(), issued }
    }

    /// Every token handed out so far, oldest first.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.issued.lock().unwrap().clone()
    }

    /// The newest token that begins so (`at_`, `rt_`).
    pub(crate) fn newest(&self, start: &str) -> String {
        self.issued().into_iter().rev().find(|token| token.starts_with(start)).unwrap()
    }

    /// Token calls of one grant type.
    pub(crate) fn token_calls(&self, grant_type: &str) -> u64 {
        self.control.stats().token_calls.get(grant_type).copied().unwrap_or_default()
    }

    /// Requests to the API so far.
    pub(crate) fn api_calls(&self) -> usize {
        self.control.api_log().len()
    }
}

async fn keep_tokens(kept: Arc<Mutex<Vec<String>>>, request: Request, next: Next) -> Response {
    let is_token_call = request.uri().path() == "/oauth/token";
    let response = next.run(request).await;
    if !is_token_call {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        let broken = futures_util::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("cut")) });
        head.headers.remove(http::header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::from_stream(broken));
    };
    let bytes = body.to_bytes();
    let text = String::from_utf8_lossy(&bytes);
    let found = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
    let found = found.filter(|word| word.starts_with("at_") || word.starts_with("rt_")).map(str::to_owned);
    kept.lock().unwrap().extend(found);
    Response::from_parts(head, Body::from(bytes))
}

/// Opens the consent page as a browser does, decides, and returns the URL that the provider redirects to, unopened.
pub(crate) async fn decide(http: &Http, consent_url: &str, user: &str, decision: &str) -> String {
    let page = http.call(Method::GET, consent_url).send().await;
    let text = page.is(200).text();
    let request = between(&text, "name=\"request\" value=\"", "\"");
    let action = between(&text, "action=\"", "\"");
    let action = url::Url::parse(consent_url).unwrap().join(action).unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("request", request), ("user", user), ("decision", decision)])
        .finish();
    let reply = http.call(Method::POST, action).raw("application/x-www-form-urlencoded", form).send().await;
    reply.location()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}
