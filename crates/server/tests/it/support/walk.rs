//! The steps of the usual flow, as an application takes them.
//!
//! Knows routes and bodies of the contract. Must not know what a test expects beyond the step's success.

use super::http::Reply;
use super::provider::decide;
use super::stage::{Client, Stage};
use http::Method;
use serde_json::{Value, json};

/// Where users return to.
pub(crate) const HOME: &str = "https://app.example.com/connected?tab=2";
pub(crate) const CRM: &str = "harbour-crm";
pub(crate) const BENCH: &str = "work-bench";

/// A query parameter of a URL.
pub(crate) fn param(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let first = found.next();
    assert!(found.next().is_none(), "{name} twice in {url}");
    first
}

/// The object with more members, or others.
pub(crate) fn with(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name.as_str()] = value.clone();
    }
    base
}

impl Stage {
    /// The demo provider's client as the organization's OAuth app.
    pub(crate) async fn put_crm_app(&self) -> Value {
        let configuration = json!({"client_id": "harbour client", "client_secret": "harbour:secret%1+2 é&="});
        self.put_app(CRM, &configuration).await
    }

    /// An OAuth app of the programmable upstream.
    pub(crate) async fn put_bench_app(&self) -> Value {
        let secret = self.secrets.fresh("app");
        let configuration = json!({"client_id": "bench", "client_secret": secret, "developer_token": self.secrets.fresh("dev")});
        self.put_app(BENCH, &configuration).await
    }

    pub(crate) async fn put_app(&self, kind: &str, configuration: &Value) -> Value {
        let body = json!({"connector_type": kind, "configuration": configuration});
        self.app.put("/oauth/credentials", &body).await.ok()
    }

    /// An initiate for a user of a connector type, with more fields.
    pub(crate) async fn initiate_as(&self, caller: &Client, kind: &str, user: &str, more: &Value) -> Reply {
        let body = json!({"external_user_id": user, "connector_type": kind, "redirect_url": HOME});
        caller.post("/integrations/connectors/oauth/initiate", &with(body, more)).await
    }

    /// The consent URL of a CRM flow.
    pub(crate) async fn consent_url(&self, user: &str, more: &Value) -> String {
        let reply = self.initiate_as(&self.app, CRM, user, more).await.ok();
        self.kept_url(&reply)
    }

    /// The consent URL of a flow at the programmable upstream.
    pub(crate) async fn bench_url(&self, user: &str, more: &Value) -> String {
        let reply = self.initiate_as(&self.app, BENCH, user, more).await.ok();
        self.kept_url(&reply)
    }

    fn kept_url(&self, reply: &Value) -> String {
        let url = reply["consent_url"].as_str().unwrap().to_owned();
        self.secrets.keep(&param(&url, "state").unwrap());
        url
    }

    /// The user agrees; the callback URL that the provider redirects to, unopened.
    pub(crate) async fn agree(&self, consent_url: &str, user: &str) -> String {
        let url = decide(&self.http, consent_url, user, "allow").await;
        self.secrets.keep(&param(&url, "code").unwrap());
        url
    }

    /// Opens a callback URL, keeping what it hands out as a secret.
    pub(crate) async fn open(&self, url: &str) -> Reply {
        let reply = self.http.call(Method::GET, url).send().await;
        if let Some(secret) = reply.header("location").and_then(|to| param(to, "secret_id")) {
            self.secrets.keep(&secret);
        }
        reply
    }

    /// The callback of the bench connector with that state and code.
    pub(crate) fn bench_callback(&self, consent_url: &str, code: &str) -> String {
        let state = param(consent_url, "state").unwrap();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("state", state.as_str()), ("code", code)])
            .finish();
        format!("{}/oauth/callback/{BENCH}?{query}", self.base)
    }

    /// The CRM flow up to the `secret_id`.
    pub(crate) async fn secret_id(&self, user: &str, more: &Value) -> String {
        let consent_url = self.consent_url(user, more).await;
        let callback = self.agree(&consent_url, "alice").await;
        let home = self.open(&callback).await.location();
        param(&home, "secret_id").unwrap_or_else(|| panic!("no secret_id in {home}"))
    }

    /// Redeems a `secret_id` of the CRM.
    pub(crate) async fn redeem(&self, user: &str, secret_id: &str, more: &Value) -> Reply {
        let body = json!({"external_user_id": user, "connector_type": CRM, "server_side_oauth_secret_id": secret_id});
        self.app.post("/integrations/connectors", &with(body, more)).await
    }

    /// A CRM connector by the whole flow.
    pub(crate) async fn connect(&self, user: &str) -> String {
        let secret_id = self.secret_id(user, &json!({})).await;
        id(&self.redeem(user, &secret_id, &json!({})).await.ok())
    }

    /// A connector by credentials.
    pub(crate) async fn import(&self, kind: &str, user: &str, credentials: &Value, more: &Value) -> Reply {
        let body = json!({"external_user_id": user, "connector_type": kind, "credentials": credentials});
        self.app.post("/integrations/connectors", &with(body, more)).await
    }

    /// A bench connector with a personal token.
    pub(crate) async fn bench(&self, user: &str) -> String {
        let token = self.secrets.fresh("pat");
        id(&self.import(BENCH, user, &json!({"token": token}), &json!({})).await.ok())
    }

    pub(crate) async fn execute(&self, id: &str, entity: &str, action: &str, params: &Value) -> Reply {
        self.execute_with(id, &json!({"entity": entity, "action": action, "params": params})).await
    }

    pub(crate) async fn execute_with(&self, id: &str, body: &Value) -> Reply {
        self.app.post(&format!("/integrations/connectors/{id}/execute"), body).await
    }

    /// Status of a connector, as the API shows it.
    pub(crate) async fn status(&self, id: &str) -> String {
        let connector = self.app.get(&format!("/integrations/connectors/{id}")).await.ok();
        connector["status"].as_str().unwrap().to_owned()
    }
}

/// The `id` of an answer.
#[track_caller]
pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}
