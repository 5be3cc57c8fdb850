//! Section D: what can be done with a `secret_id`, and what a grant must not become.

use crate::support::stage::{Setup, Stage, each};
use crate::support::walk::{CRM, param};
use http::Method;
use keybearer_demo_provider::{At, Fault};
use serde_json::{Value, json};

/// A consent of that user to reconnect a connector, up to where the browser comes back.
async fn reconnect(stage: &Stage, connector: &str, user: &str, more: &Value) -> String {
    let more = crate::support::walk::with(json!({"connector_id": connector}), more);
    let consent_url = stage.consent_url("w1", &more).await;
    stage.open(&stage.agree(&consent_url, user).await).await.location()
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_an_unredeemed_grant_is_revoked_even_when_the_provider_fails_first() {
    each(async |stage| {
        stage.put_crm_app().await;
        let secret = stage.secret_id("w1", &json!({})).await;
        let token = stage.peer.newest("at_");
        let works = async || {
            let call = stage.http.call(Method::GET, format!("{}/userinfo", stage.peer.url)).bearer(&token);
            call.send().await.status == 200
        };
        assert!(works().await);
        stage.peer.control.inject(Fault::status(At::Revoke, 503).times(2));
        stage.advance(601);
        stage.start_jobs().await;
        stage.until("tried", async || stage.peer.control.stats().revocations >= 2).await;
        assert!(works().await, "the provider refused to revoke");
        stage
            .until("tried again", async || {
                stage.advance(30);
                !works().await
            })
            .await;
        let app = stage.sign_in(&stage.organization).await;
        let body =
            json!({"external_user_id": "w1", "connector_type": CRM, "server_side_oauth_secret_id": secret});
        app.post("/integrations/connectors", &body).await.fails(400, "invalid_secret_id");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_reconnect_keeps_the_account() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let path = format!("/integrations/connectors/{connector}");
        let whose = async || stage.app.get(&path).await.ok()["account"]["id"].clone();
        assert_eq!(whose().await, "user-alice");
        stage.start_jobs().await;
        for (round, mode) in (1_u64..).zip(["secret_id", "connector_id"]) {
            let more = json!({"callback_mode": mode});
            let home = reconnect(stage, &connector, "bob", &more).await;
            assert_eq!(param(&home, "error").as_deref(), Some("account_mismatch"), "{home}");
            assert!(param(&home, "secret_id").is_none() && param(&home, "connector_id").is_none());
            assert!(!home.contains("alice") && !home.contains("bob"), "{home}");
            // Bob's new grant ends at the provider; Alice's stays.
            stage.until("revoked", async || stage.peer.control.stats().revocations == 2 * round).await;
            assert_eq!(whose().await, "user-alice");
            let answer = stage.execute(&connector, "user", "get", &json!({})).await.ok();
            assert_eq!(answer["result"]["id"], "user-alice");
            // The same account again is what a reconnect is for.
            let home = reconnect(stage, &connector, "alice", &more).await;
            match param(&home, "secret_id") {
                Some(secret) => stage.redeem("w1", &secret, &json!({})).await.ok(),
                None => stage.app.get(&path).await.ok(),
            };
            assert!(param(&home, "error").is_none(), "{home}");
            assert_eq!(whose().await, "user-alice");
        }
        let home = reconnect(stage, &connector, "bob", &json!({"allow_account_change": true})).await;
        stage.redeem("w1", &param(&home, "secret_id").unwrap(), &json!({})).await.ok();
        assert_eq!(whose().await, "user-bob");
        assert_eq!(stage.peer.control.stats().revocations, 4, "nothing else was revoked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_of_two_reconnects_under_way_the_second_cannot_bring_another_account() {
    each(async |stage| {
        stage.put_crm_app().await;
        // An imported token: nobody asked whose it is.
        let token = {
            let secret = stage.secret_id("w0", &json!({})).await;
            drop(secret);
            stage.peer.newest("at_")
        };
        let made = stage.import(CRM, "w1", &json!({"access_token": token}), &json!({})).await.ok();
        let connector = made["id"].as_str().unwrap().to_owned();
        let alice = reconnect(stage, &connector, "alice", &json!({})).await;
        let bob = reconnect(stage, &connector, "bob", &json!({})).await;
        stage.redeem("w1", &param(&alice, "secret_id").unwrap(), &json!({})).await.ok();
        let refused = stage.redeem("w1", &param(&bob, "secret_id").unwrap(), &json!({})).await;
        refused.fails(400, "invalid_secret_id");
        let connector = stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
        assert_eq!(connector["account"]["id"], "user-alice");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_a_change_is_allowed_only_for_a_reconnect() {
    each(async |stage| {
        stage.put_crm_app().await;
        let more = json!({"allow_account_change": true});
        let reply = stage.initiate_as(&stage.app, CRM, "w1", &more).await;
        reply.fails(422, "invalid");
        assert_eq!(reply.wrong_fields(), ["allow_account_change"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d9_an_identity_that_cannot_be_asked_is_not_compared() {
    Setup::new()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.peer.control.inject(Fault::status(At::Api, 500).times(100));
            let home = reconnect(stage, &connector, "alice", &json!({})).await;
            let again = stage.redeem("w1", &param(&home, "secret_id").unwrap(), &json!({})).await.ok();
            assert_eq!(again["id"], connector.as_str());
            assert_eq!(again["account"], Value::Null);
        })
        .await;
}
