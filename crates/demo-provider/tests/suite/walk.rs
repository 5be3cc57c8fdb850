//! A client of the provider for the tests: sends requests into the router and walks the consent page like a browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use keybearer_demo_provider::{Clock, Control, Provider, Random, Settings};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;
use url::form_urlencoded::Serializer;

pub(crate) const CALLBACK: &str = "http://localhost:8000/callback?tenant=1";
/// The verifier and challenge of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const ALL: &str = "crm.read crm.write offline";

pub(crate) struct Walk {
    pub(crate) provider: Provider,
    pub(crate) control: Control,
    router: Router,
    now_ms: Arc<AtomicU64>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A query parameter of the `Location` header.
    pub(crate) fn sent_back(&self, name: &str) -> Option<String> {
        let url = Url::parse(self.header("location")).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Walk {
    pub(crate) fn new() -> Self {
        let now_ms = Arc::new(AtomicU64::new(1_800_000_000_000));
        let drawn = AtomicU64::new(0);
        let mut settings = Settings::new("http://127.0.0.1:9000", "app", "s3cret+ /ü");
        settings.redirect_uris.push(CALLBACK.to_owned());
        settings.application_name = "Fish & <Chips>".to_owned();
        let clock = Arc::clone(&now_ms);
        settings.clock = Clock::new(move || clock.load(Ordering::SeqCst));
        settings.random = Random::new(move |into| {
            let n = drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            into.iter_mut().zip(n.iter().cycle()).for_each(|(byte, n)| *byte = *n);
        });
        let provider = Provider::new(settings);
        Self { control: provider.control(), router: provider.router(), provider, now_ms }
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.now_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn form(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let media = "application/x-www-form-urlencoded";
        self.send(Request::post(target).header("content-type", media).body(body.into()).unwrap()).await
    }

    /// An API call with a bearer token.
    pub(crate) async fn api(&self, method: &str, target: &str, token: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(target);
        let request = request.header("authorization", format!("Bearer {token}"));
        self.send(request.body(body.to_owned().into()).unwrap()).await
    }

    /// The authorization request of a well-behaved client, with some parameters changed; empty ones are left out.
    pub(crate) async fn authorize(&self, changes: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("scope", ALL),
            ("state", "st&te"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        fields.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let query = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.get(&format!("/oauth/authorize?{query}")).await
    }

    pub(crate) async fn decide(&self, page: &Answer, user: &str, decision: &str) -> Answer {
        let (_, rest) = page.text().split_once("name=\"request\" value=\"").unwrap();
        let (id, _) = rest.split_once('"').unwrap();
        let fields = [("request", id), ("user", user), ("decision", decision)];
        self.form("/oauth/authorize/decision", &fields).await
    }

    /// An authorization code of this user for these scopes.
    pub(crate) async fn code(&self, user: &str, scope: &str) -> String {
        let page = self.authorize(&[("scope", scope)]).await;
        self.decide(&page, user, "allow").await.sent_back("code").unwrap()
    }

    /// A call of the token endpoint with the client's credentials in the body.
    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("client_id", "app"), ("client_secret", "s3cret+ /ü")];
        all.extend(fields);
        self.form("/oauth/token", &all).await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(&fields).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Access and refresh token of this user; the latter is empty without `offline`.
    pub(crate) async fn grant(&self, user: &str, scope: &str) -> (String, String) {
        let answer = self.exchange(&self.code(user, scope).await).await;
        assert_eq!(answer.status, StatusCode::OK);
        tokens(&answer)
    }
}

pub(crate) fn tokens(answer: &Answer) -> (String, String) {
    let json = answer.json();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    (text("access_token"), text("refresh_token"))
}
