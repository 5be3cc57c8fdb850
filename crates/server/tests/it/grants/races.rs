//! What happens to a grant while its refresh is under way.

use crate::support::stage::{Stage, each};
use crate::support::walk::param;
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::json;

/// A connector whose next refresh takes most of a second.
async fn slow(stage: &Stage) -> String {
    stage.put_crm_app().await;
    let connector = stage.connect("w1").await;
    stage.peer.control.expire_access_tokens();
    stage
        .peer
        .control
        .inject(Fault::once(At::Token, Effect::Hang { ms: 700 }).on_refresh().after_processing());
    connector
}

async fn refreshing(stage: &Stage) {
    stage.until("refreshing", async || stage.peer.control.stats().refreshes == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_refresh_does_not_bring_a_deleted_connector_back() {
    each(async |stage| {
        let connector = slow(stage).await;
        let nothing = json!({});
        let execute = stage.execute(&connector, "contacts", "list", &nothing);
        let delete = async {
            refreshing(stage).await;
            stage.app.delete(&format!("/integrations/connectors/{connector}")).await.is(202).json()
        };
        let (reply, job) = futures_util::future::join(execute, delete).await;
        assert!(reply.status.as_u16() >= 400, "{}", reply.text());
        stage.app.get(&format!("/integrations/connectors/{connector}")).await.fails(404, "not_found");
        stage.execute(&connector, "contacts", "list", &json!({})).await.fails(404, "not_found");
        stage.start_jobs().await;
        let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
        stage.until("job done", async || stage.app.get(&job).await.ok()["status"] == "succeeded").await;
        let newest = stage.peer.newest("at_");
        let call = stage.http.call(http::Method::GET, format!("{}/userinfo", stage.peer.url)).bearer(&newest);
        call.send().await.is(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_consent_wins_over_a_late_refresh() {
    each(async |stage| {
        let connector = slow(stage).await;
        let nothing = json!({});
        let execute = stage.execute(&connector, "user", "get", &nothing);
        let reconnect = async {
            refreshing(stage).await;
            let more = json!({"connector_id": connector, "callback_mode": "connector_id", "allow_account_change": true});
            let consent_url = stage.consent_url("w1", &more).await;
            let callback = stage.agree(&consent_url, "bob").await;
            assert!(param(&stage.open(&callback).await.location(), "connector_id").is_some());
        };
        futures_util::future::join(execute, reconnect).await;
        for _ in 0..2 {
            let answer = stage.execute(&connector, "user", "get", &json!({})).await.ok();
            assert_eq!(answer["result"]["id"], "user-bob");
        }
        assert_eq!(stage.status(&connector).await, "active");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_does_not_stop_the_refresh() {
    each(async |stage| {
        let connector = slow(stage).await;
        let nothing = json!({});
        let execute = stage.execute(&connector, "contacts", "list", &nothing);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(300), execute).await.is_err());
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 1, "its result was stored");
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}
