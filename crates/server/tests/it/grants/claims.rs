//! Several processes and one grant: a claim that another one holds is waited for, a dead one is taken over.

use crate::support::stage::{Setup, Stage};
use keybearer::store::{Claim, GrantRow};
use serde_json::json;
use std::time::Duration;

/// A connector with an expired token, and its grant.
async fn stale(stage: &Stage) -> (String, GrantRow) {
    stage.put_crm_app().await;
    let connector = stage.connect("w1").await;
    stage.peer.control.expire_access_tokens();
    let view = stage.deps.store.connector(&stage.organization.id, None, &connector).await.unwrap().unwrap();
    (connector, view.grant)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_elsewhere_is_waited_for_up_to_the_upstream_timeout() {
    Setup::new()
        .set("UPSTREAM_TIMEOUT", "1s")
        .real_time()
        .each(async |stage| {
            let (connector, grant) = stale(stage).await;
            let other = stage.database.replica().await;
            let org = &stage.organization.id;
            let claim =
                other.claim_grant(org, &grant.id, grant.version, "elsewhere", None, false, 1).await.unwrap();
            assert!(matches!(claim, Claim::Claimed { .. }));
            let reply = stage.execute(&connector, "contacts", "list", &json!({})).await;
            let body = reply.fails(503, "refresh_in_progress");
            assert!(reply.header("retry-after").is_some());
            assert_eq!(body["errors"][0]["details"]["retryable"], true);
            assert_eq!(stage.peer.token_calls("refresh_token"), 0);
            // It gives the claim back without a result: the next call refreshes itself.
            assert!(
                other.release_claim(org, &grant.id, "elsewhere", false, stage.clock.now_ms()).await.unwrap()
            );
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 1);
            other.close().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresher_that_died_is_replaced_within_three_seconds() {
    Setup::new()
        .set("UPSTREAM_TIMEOUT", "8s")
        .real_time()
        .each(async |stage| {
            let (connector, grant) = stale(stage).await;
            let other = stage.database.replica().await;
            other
                .claim_grant(&stage.organization.id, &grant.id, grant.version, "dead", None, false, 1)
                .await
                .unwrap();
            let nothing = json!({});
            let call = stage.execute(&connector, "contacts", "list", &nothing);
            tokio::time::timeout(Duration::from_secs(5), call).await.unwrap().ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 1);
            assert_eq!(stage.peer.control.stats().reuse_events, 0);
            other.close().await;
        })
        .await;
}
