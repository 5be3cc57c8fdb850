//! The token call of the exchange: what is sent, where to, and what is never done.

use crate::support::stage::each;
use crate::support::upstream::redirect;
use crate::support::walk::{BENCH, id, param};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_code_goes_with_verifier_redirect_uri_and_client() {
    each(async |stage| {
        let configuration = json!({"client_id": "bench:1", "client_secret": "a:b%c+d é&=", "developer_token": "developer-token"});
        stage.secrets.keep("a:b%c+d é&=");
        stage.put_app(BENCH, &configuration).await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at"), "token_type": "BEARER"}));
        let url = stage.bench_url("w1", &json!({})).await;
        let code = "c+d e/%é=";
        stage.secrets.keep(code);
        stage.open(&stage.bench_callback(&url, code)).await.location();
        let seen = stage.upstream.seen();
        assert_eq!(seen.len(), 1, "one token call and nothing else");
        let call = &seen[0];
        assert_eq!((call.method.as_str(), call.target.as_str()), ("POST", "/token"));
        assert_eq!(call.header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(call.header("accept"), Some("application/json"));
        assert!(call.header("authorization").is_none() && call.header("cookie").is_none() && call.header("referer").is_none());
        let form = call.form();
        let value = |name: &str| {
            let found: Vec<&str> = form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
            assert_eq!(found.len(), 1, "{name} in {form:?}");
            found[0].to_owned()
        };
        assert_eq!(value("grant_type"), "authorization_code");
        assert_eq!(value("code"), code);
        assert_eq!(value("redirect_uri"), format!("{}/oauth/callback/{BENCH}", stage.base));
        assert_eq!((value("client_id"), value("client_secret")), ("bench:1".to_owned(), "a:b%c+d é&=".to_owned()));
        let verifier = value("code_verifier");
        stage.secrets.keep(&verifier);
        assert!((43..=128).contains(&verifier.len()));
        assert_eq!(keybearer_connector::oauth::code_challenge(&verifier), param(&url, "code_challenge").unwrap());
        assert!(!url.contains(&verifier), "the verifier leaves the server only in the token call");
        assert_eq!(form.len(), 6, "{form:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_of_the_token_call_are_not_followed() {
    each(async |stage| {
        stage.put_bench_app().await;
        for status in [301, 302, 303, 307, 308] {
            for to in [format!("{}/steal", stage.other.url), format!("{}/elsewhere", stage.upstream.url)] {
                stage.upstream.answers(move |_| redirect(status, &to));
                let url = stage.bench_url("w1", &json!({})).await;
                let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
                assert_eq!(param(&home, "error").unwrap(), "token_exchange_failed");
            }
        }
        assert!(stage.other.seen().is_empty());
        assert!(stage.upstream.seen_at("/elsewhere").is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_authentication_encodes_both_parts_first() {
    // The demo provider takes HTTP Basic and has a client id with a space and a secret with `:`, `%`, `+`, a space and é.
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.expire_access_tokens();
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 1, "the refresh authenticates the same way");
        let log = stage.peer.control.log();
        let calls = log.iter().filter(|seen| seen.target == "/oauth/token");
        let basic = calls
            .filter(|seen| seen.header("authorization").is_some_and(|value| value.starts_with("Basic ")))
            .count();
        assert_eq!(basic, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_fails_the_exchange_only() {
    each(async |stage| {
        let wrong = stage.secrets.fresh("wrong");
        stage.put_app("harbour-crm", &json!({"client_id": "harbour client", "client_secret": wrong})).await;
        let url = stage.consent_url("w1", &json!({})).await;
        let callback = stage.agree(&url, "alice").await;
        let home = stage.open(&callback).await.location();
        assert_eq!(param(&home, "error").unwrap(), "token_exchange_failed");
        stage.open(&callback).await.is(400);
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_uses_the_app_that_its_consent_was_asked_with() {
    each(async |stage| {
        stage.put_app(BENCH, &json!({"client_id": "old", "client_secret": stage.secrets.fresh("app"), "developer_token": "developer-token"})).await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
        stage.put_app(BENCH, &json!({"client_id": "new", "client_secret": stage.secrets.fresh("app"), "developer_token": "developer-token"})).await;
        stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        let form = stage.upstream.seen_at("/token")[0].form();
        assert!(form.contains(&("client_id".to_owned(), "old".to_owned())), "{form:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_and_states_are_opaque() {
    each(async |stage| {
        stage.put_bench_app().await;
        let url = stage.bench_url("someone@example.com", &json!({})).await;
        let state = param(&url, "state").unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&state).unwrap();
        assert_eq!(bytes.len(), 32);
        assert!(!String::from_utf8_lossy(&bytes).contains("someone"));
        let bench = stage.bench("w1").await;
        assert_eq!(id(&stage.app.get(&format!("/integrations/connectors/{bench}")).await.ok()), bench);
    })
    .await;
}
