//! Mix-up and forced consents: codes and states that belong to another connector, another flow, another session.

use crate::support::stage::each;
use crate::support::upstream::json as answer;
use crate::support::walk::{BENCH, CRM, HOME, param};
use keybearer_connector::oauth::code_challenge;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_one_provider_is_never_sent_to_another() {
    each(async |stage| {
        stage.put_crm_app().await;
        stage.put_bench_app().await;
        let crm = stage.consent_url("w1", &json!({})).await;
        let bench = stage.bench_url("w1", &json!({})).await;
        let honest = stage.agree(&crm, "alice").await;
        let (code, crm_state) = (param(&honest, "code").unwrap(), param(&honest, "state").unwrap());
        let bench_state = param(&bench, "state").unwrap();
        // The honest provider's code and state on the other connector's callback.
        for (path, state) in [(BENCH, &crm_state), (CRM, &bench_state)] {
            let url = format!("{}/oauth/callback/{path}?state={state}&code={code}", stage.base);
            stage.open(&url).await.is(400);
        }
        assert!(stage.upstream.seen().is_empty(), "the other provider saw nothing");
        assert_eq!(stage.peer.token_calls("authorization_code"), 0);
        // Both flows are still what they were.
        assert!(param(&stage.open(&honest).await.location(), "secret_id").is_some());
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let home = stage.open(&stage.bench_callback(&bench, "abcdefgh")).await.location();
        assert!(param(&home, "secret_id").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_one_flow_does_not_fit_the_verifier_of_another() {
    each(async |stage| {
        stage.put_crm_app().await;
        let (mine, victims) =
            (stage.consent_url("w1", &json!({})).await, stage.consent_url("w2", &json!({})).await);
        let (mine, victims) = (stage.agree(&mine, "bob").await, stage.agree(&victims, "alice").await);
        // The attacker's code in the victim's session: PKCE stops it at the provider.
        let code = param(&mine, "code").unwrap();
        let forged = victims.replace(&param(&victims, "code").unwrap(), &code);
        let home = stage.open(&forged).await.location();
        assert_eq!(param(&home, "error").as_deref(), Some("token_exchange_failed"));
        stage.open(&victims).await.is(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_another_session_started_ends_in_nothing() {
    each(async |stage| {
        stage.put_crm_app().await;
        // The attacker starts with a challenge of their own and lets the victim consent; the victim's application
        // has no verifier, and the attacker's application is not handed the secret.
        let verifier = "attacker-verifier-0123456789-0123456789-0123456789";
        let more = json!({"code_challenge": code_challenge(verifier)});
        let secret = stage.secret_id("attacker", &more).await;
        stage.redeem("victim", &secret, &json!({})).await.fails(400, "invalid_secret_id");
        stage.redeem("attacker", &secret, &json!({})).await.fails(400, "invalid_secret_id");
        let guess = json!({"code_verifier": "victim-verifier-0123456789-0123456789-0123456789"});
        stage.redeem("victim", &secret, &guess).await.fails(400, "invalid_secret_id");
        assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_returns_only_to_where_the_application_said() {
    each(async |stage| {
        stage.put_bench_app().await;
        let token = stage.secrets.fresh("at");
        stage.upstream.answers(move |_| answer(200, &json!({"access_token": token})));
        for extra in [
            "redirect_url=https%3A%2F%2Fevil.example%2F",
            "redirect_uri=https%3A%2F%2Fevil.example%2F",
            "return_to=%2F%2Fevil.example",
            "connector_id=00000000-0000-4000-8000-000000000000",
            "secret_id=evil",
            "callback_mode=connector_id",
        ] {
            let url = stage.bench_url("w1", &json!({})).await;
            let home =
                stage.open(&format!("{}&{extra}", stage.bench_callback(&url, "abcdefgh"))).await.location();
            assert!(home.starts_with(&format!("{HOME}&secret_id=")), "{extra}: {home}");
            assert!(!home.contains("evil"), "{home}");
        }
        let list = json!({"data": ["https://elsewhere.example/"]});
        let url = stage.bench_url("w1", &json!({})).await;
        stage.app.put("/organizations/redirect-urls", &list).await.ok();
        let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        assert!(home.starts_with(HOME), "checked at initiate: {home}");
    })
    .await;
}
