//! Token answers as providers really give them: odd ones are taken, useless ones end the flow.

use crate::support::stage::{Stage, each};
use crate::support::upstream::{Upstream, endless, json as answer};
use crate::support::walk::{BENCH, id, param};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};

/// The `error` of a flow that ends with this token answer; none when it ends with a grant.
async fn error_after(
    stage: &Stage,
    respond: impl Fn() -> Response + Send + Sync + 'static,
) -> Option<String> {
    stage.upstream.answers(move |_| respond());
    let url = stage.bench_url("w1", &json!({})).await;
    let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
    let error = param(&home, "error");
    assert_eq!(error.is_none(), param(&home, "secret_id").is_some(), "{home}");
    error
}

fn text(status: u16, kind: &'static str, body: impl Into<String>) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body.into()).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn useless_answers_end_the_flow() {
    each(async |stage| {
        stage.put_bench_app().await;
        let bodies = [
            (200, json!({"error": "bad_verification_code", "error_description": "The code passed is incorrect"})),
            (200, json!({"ok": false, "error": "invalid_code"})),
            (400, json!({"error": "invalid_grant"})),
            (401, json!({"error": "invalid_client"})),
            (403, json!({})),
            (429, json!({"error": "slow_down"})),
            (500, json!({"error": "server_error"})),
            (503, json!({"access_token": "some-token-in-an-error"})),
            (200, json!({})),
            (200, json!([])),
            (200, json!("token")),
            (200, json!(null)),
            (200, json!({"access_token": null})),
            (200, json!({"access_token": ""})),
            (200, json!({"access_token": 7})),
            (200, json!({"access_token": {"a": 1}})),
            (200, json!({"access_token": "line\nbreak-token"})),
            (200, json!({"access_token": "bound-to-a-key", "token_type": "DPoP"})),
            (200, json!({"access_token": "bound-to-a-key", "token_type": "mac"})),
            (200, json!({"token_type": "bearer", "refresh_token": "only-a-refresh-token"})),
        ];
        for (status, body) in bodies {
            let shown = body.clone();
            let error = error_after(stage, move || answer(status, &body)).await;
            assert_eq!(error.as_deref(), Some("token_exchange_failed"), "{status} {shown}");
        }
        for (status, kind, body) in [
            (200, "text/html", "<html>maintenance</html>".to_owned()),
            (200, "application/json", "{\"access_token\": \"cut-off-tok".to_owned()),
            (200, "application/json", String::new()),
            (204, "application/json", String::new()),
            (200, "application/json", format!("{{\"access_token\":\"deep-token-1\",\"x\":{}{}}}", "[".repeat(100), "]".repeat(100))),
            (200, "application/json", format!("{{\"access_token\":\"large-token-1\",\"x\":\"{}\"}}", "x".repeat(300_000))),
        ] {
            let error = error_after(stage, move || text(status, kind, body.clone())).await;
            assert_eq!(error.as_deref(), Some("token_exchange_failed"), "{status} {kind}");
        }
        let error = error_after(stage, endless).await;
        assert_eq!(error.as_deref(), Some("token_exchange_failed"));
        let list = stage.app.get("/integrations/connectors").await.ok();
        assert_eq!(list["data"], json!([]));
    })
    .await;
}

/// A bench connector from a flow with that token answer.
async fn connected(
    stage: &Stage,
    upstream: &Upstream,
    respond: impl Fn() -> Response + Send + Sync + 'static,
) -> Value {
    upstream.answers(move |asked| {
        if asked.path() == "/token" { respond() } else { answer(200, &json!({"items": [{"id": 1}]})) }
    });
    let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
    let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
    let id = param(&home, "connector_id").unwrap_or_else(|| panic!("{home}"));
    stage.app.get(&format!("/integrations/connectors/{id}")).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_lifetimes_are_taken() {
    each(async |stage| {
        stage.put_bench_app().await;
        let lifetimes = [
            json!(null),
            json!("3600"),
            json!(-5),
            json!(0),
            json!("0"),
            json!(1.5),
            json!(1e30),
            json!("soon"),
            json!(""),
            json!(9_223_372_036_854_775_807_i64),
            json!([]),
            json!({}),
            json!(true),
            json!("99999999999999999999"),
        ];
        for lifetime in lifetimes {
            let token = stage.secrets.fresh("at");
            let body = json!({"access_token": token, "expires_in": lifetime, "token_type": "bEaReR"});
            let connector = connected(stage, &stage.upstream, move || answer(200, &body)).await;
            stage.upstream.forget();
            // Without a refresh token there is nothing to renew: the token is used until the provider refuses it.
            stage.execute(&id(&connector), "items", "list", &json!({})).await.ok();
            let seen = stage.upstream.seen_at("/base/items");
            assert_eq!(seen.len(), 1, "{lifetime}");
            assert_eq!(
                seen[0].header("authorization"),
                Some(format!("Bearer {token}").as_str()),
                "{lifetime}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn form_encoded_and_wrongly_labelled_answers_are_read() {
    each(async |stage| {
        stage.put_bench_app().await;
        for (kind, is_form) in [
            ("application/x-www-form-urlencoded", true),
            ("text/plain", true),
            ("text/html; charset=utf-8", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/json", false),
            ("application/vnd.x+json", false),
        ] {
            let token = stage.secrets.fresh("at");
            let body = if is_form {
                format!("access_token={token}&scope=read%2Cwrite&token_type=bearer")
            } else {
                format!("\u{feff}{}", json!({"access_token": token, "scope": "read,write"}))
            };
            let connector = connected(stage, &stage.upstream, move || text(201, kind, body.clone())).await;
            assert_eq!(connector["granted_scopes"], json!(["read", "write"]), "{kind}");
            stage.execute(&id(&connector), "items", "list", &json!({})).await.ok();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn granted_scopes_are_what_the_provider_said_or_what_was_asked() {
    each(async |stage| {
        stage.put_crm_app().await;
        let scopes = async |user: &str| {
            let secret = stage.secret_id(user, &json!({})).await;
            stage.redeem(user, &secret, &json!({})).await.ok()
        };
        let connector = scopes("w1").await;
        assert_eq!(connector["granted_scopes"], json!(["crm.read", "crm.write", "offline"]));
        stage
            .peer
            .control
            .inject(Fault::once(At::Token, Effect::Scope { scope: "crm.read offline".to_owned() }));
        let connector = scopes("w2").await;
        assert_eq!(connector["granted_scopes"], json!(["crm.read", "offline"]));
        let created = json!({"email": "new@example.com"});
        let refused = stage.execute(&id(&connector), "contacts", "create", &created).await;
        let body = refused.fails(403, "upstream_forbidden");
        assert_eq!(body["errors"][0]["details"]["missing_scopes"], json!(["crm.write"]), "{body}");
        let mut none = serde_json::Map::new();
        none.insert("scope".to_owned(), json!(null));
        stage.peer.control.inject(Fault::once(At::Token, Effect::Merge { fields: none }));
        let connector = scopes("w3").await;
        assert_eq!(connector["granted_scopes"], json!(["crm.read", "crm.write", "offline"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_demo_providers_token_endpoint_end_the_flow() {
    each(async |stage| {
        stage.put_crm_app().await;
        let hidden = json!({"error": "server_error"});
        for effect in [
            Effect::NotJson,
            Effect::Drop,
            Effect::Cut { after: 20 },
            Effect::Status { status: 503, retry_after: Some("1".to_owned()), body: None },
            Effect::Status { status: 200, retry_after: None, body: Some(hidden.clone()) },
            Effect::Redirect { to: format!("{}/steal", stage.other.url), status: 307 },
        ] {
            stage.peer.control.inject(Fault::once(At::Token, effect.clone()));
            let url = stage.consent_url("w1", &json!({})).await;
            let callback = stage.agree(&url, "alice").await;
            let home = stage.open(&callback).await.location();
            assert_eq!(param(&home, "error").as_deref(), Some("token_exchange_failed"), "{effect:?}");
        }
        assert!(stage.other.seen().is_empty());
        stage.peer.control.inject(Fault::once(At::Token, Effect::FormEncoded));
        let connector = stage.connect("w1").await;
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_asked_for_does_not_lose_the_grant() {
    each(async |stage| {
        stage.put_crm_app().await;
        for effect in [
            Effect::Status { status: 500, retry_after: None, body: None },
            Effect::Status { status: 401, retry_after: None, body: None },
            Effect::NotJson,
            Effect::Drop,
        ] {
            stage.peer.control.inject(Fault { times: 5, ..Fault::once(At::Api, effect) }.on("GET /userinfo"));
            let secret = stage.secret_id("w1", &json!({})).await;
            let connector = stage.redeem("w1", &secret, &json!({})).await.ok();
            assert_eq!((&connector["account"], &connector["status"]), (&json!(null), &json!("active")));
            stage.peer.control.clear_faults();
            stage.execute(&id(&connector), "contacts", "list", &json!({})).await.ok();
        }
        let list = stage.app.get(&format!("/integrations/connectors?connector_type={BENCH}")).await.ok();
        assert_eq!(list["data"], json!([]));
    })
    .await;
}
