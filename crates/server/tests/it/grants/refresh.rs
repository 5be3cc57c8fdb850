//! Refresh: on expiry, once on 401, once for all who want it, and ahead of the end.

use crate::support::http::Reply;
use crate::support::stage::{Setup, Stage, each};
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::json;
use std::time::Duration;

fn short() -> Setup {
    Setup::new().provider(|settings| settings.access_ttl = Duration::from_mins(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_parallel_calls_at_expiry_make_one_refresh() {
    short()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.advance(59);
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 0);
            for round in 1..=3 {
                stage.advance(60);
                let calls = stage.peer.api_calls();
                let nothing = json!({});
                let all = (0..30).map(|_| stage.execute(&connector, "contacts", "list", &nothing));
                for reply in futures_util::future::join_all(all).await {
                    reply.ok();
                }
                assert_eq!(stage.peer.token_calls("refresh_token"), round);
                assert_eq!(stage.peer.api_calls(), calls + 30, "no call with the old token");
            }
            assert_eq!(stage.peer.control.stats().reuse_events, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_parallel_calls_that_get_401_make_one_refresh() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.expire_access_tokens();
        let nothing = json!({});
        let all = (0..30).map(|_| stage.execute(&connector, "contacts", "list", &nothing));
        for reply in futures_util::future::join_all(all).await {
            reply.ok();
        }
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}

/// Calls once; on the way the new token comes so late that it has ended, as after a long outage of the database.
async fn late(stage: &Stage, connector: &str) -> Reply {
    let refreshes = stage.peer.control.stats().refreshes;
    let slow = Fault::once(At::Token, Effect::Hang { ms: 700 }).on_refresh().after_processing();
    stage.peer.control.inject(slow);
    let nothing = json!({});
    let execute = stage.execute(connector, "contacts", "list", &nothing);
    let outage = async {
        stage.until("refreshing", async || stage.peer.control.stats().refreshes > refreshes).await;
        stage.advance(120);
    };
    futures_util::future::join(execute, outage).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_that_ended_before_it_was_stored_is_refreshed_once_more() {
    short()
        .set("UPSTREAM_TIMEOUT", "10m")
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.peer.control.expire_access_tokens();
            late(stage, &connector).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 2, "after 401");
            let calls = stage.peer.api_calls();
            stage.advance(61);
            late(stage, &connector).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 4, "after the token's end");
            assert_eq!(stage.peer.api_calls(), calls + 1, "no call with a token that has ended");
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 4);
            assert_eq!(stage.peer.control.stats().reuse_events, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_says_has_no_life_is_used_and_not_refreshed_twice() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.expire_access_tokens();
        for lifetime in [json!(0), json!(-5)] {
            let before = stage.peer.token_calls("refresh_token");
            let fields = serde_json::Map::from_iter([("expires_in".to_owned(), lifetime)]);
            stage.peer.control.inject(Fault::once(At::Token, Effect::Merge { fields }).on_refresh());
            stage.peer.control.expire_access_tokens();
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), before + 1);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_401_the_operation_is_repeated_once_whatever_its_method() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.expire_access_tokens();
        let calls = stage.peer.api_calls();
        let created =
            stage.execute(&connector, "contacts", "create", &json!({"email": "new@example.com"})).await.ok();
        assert_eq!(stage.peer.api_calls(), calls + 2);
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        let id = created["result"]["id"].as_str().unwrap();
        let found =
            stage.execute(&connector, "contacts", "list", &json!({"q": "new@example.com"})).await.ok();
        assert_eq!(found["result"].as_array().unwrap().len(), 1);
        for (action, params) in
            [("update", json!({"id": id, "title": "Chief"})), ("delete", json!({"id": id}))]
        {
            stage.peer.control.expire_access_tokens();
            stage.execute(&connector, "contacts", action, &params).await.ok();
        }
        assert_eq!(stage.peer.token_calls("refresh_token"), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_401_asks_for_a_reconnect_and_leaves_the_status() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.inject(Fault::status(At::Api, 401).times(100));
        let calls = stage.peer.api_calls();
        let refused = stage.execute(&connector, "contacts", "list", &json!({})).await;
        let body = refused.fails(409, "reauthorization_required");
        assert_eq!(stage.peer.api_calls(), calls + 2, "one call, one refresh, one repeat");
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        let details = &body["errors"][0]["details"];
        let reconnect = &details["reconnect"];
        assert_eq!(reconnect["method"], "POST");
        assert_eq!(reconnect["path"], "/api/v1/integrations/connectors/oauth/initiate");
        assert_eq!(reconnect["body"]["connector_id"], connector.as_str());
        // The hint is a call that works, with the application's own redirect URL.
        let mut ask = reconnect["body"].clone();
        ask["redirect_url"] = json!("https://app.example.com/cb");
        stage.app.post("/integrations/connectors/oauth/initiate", &ask).await.ok();
        assert_eq!(stage.status(&connector).await, "active");
        stage.peer.control.clear_faults();
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_new_refresh_token_keeps_the_old_one() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        for _ in 0..3 {
            stage.peer.control.inject(Fault::once(At::Token, Effect::NoRefreshToken).on_refresh());
            stage.peer.control.expire_access_tokens();
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
        }
        stage.peer.control.expire_access_tokens();
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 4);
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowed_scopes_of_a_refresh_are_shown() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage
            .peer
            .control
            .inject(Fault::once(At::Token, Effect::Scope { scope: "crm.read".to_owned() }).on_refresh());
        stage.peer.control.expire_access_tokens();
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
        let shown = stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
        assert_eq!(shown["granted_scopes"], json!(["crm.read"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shortly_before_the_end_a_call_uses_the_token_and_a_refresh_runs_beside_it() {
    short()
        .set("REFRESH_AHEAD", "on")
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.advance(40);
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(stage.peer.token_calls("refresh_token"), 0);
            stage.advance(15);
            stage.peer.control.inject(Fault::once(At::Token, Effect::Hang { ms: 400 }).on_refresh());
            for _ in 0..3 {
                stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            }
            stage.until("refreshed", async || stage.peer.control.stats().refreshes == 1).await;
            stage.advance(30);
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        })
        .await;
}
