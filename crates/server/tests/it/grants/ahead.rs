//! Refreshes that no call waits for: ahead of the end where a connector is in use, and of grants that nobody calls.

use crate::support::stage::{Setup, Stage};
use keybearer::core::call::renew_in_use;
use keybearer::core::grants::idle::renew_due;
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::json;
use std::time::Duration;

const DAY: u64 = 86_400;

fn ahead() -> Setup {
    Setup::new().set("REFRESH_AHEAD", "on").provider(|settings| settings.access_ttl = Duration::from_mins(1))
}

async fn list(stage: &Stage, connector: &str) {
    stage.execute(connector, "contacts", "list", &json!({})).await.ok();
}

/// The status, with a token that is good after days, too.
async fn status(stage: &Stage, connector: &str) -> String {
    let app = stage.sign_in(&stage.organization).await;
    let shown = app.get(&format!("/integrations/connectors/{connector}")).await.ok();
    shown["status"].as_str().unwrap().to_owned()
}

fn refreshes(stage: &Stage) -> u64 {
    stage.peer.token_calls("refresh_token")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_in_use_is_refreshed_before_the_end_and_left_alone_when_it_is_not_called_any_more() {
    ahead()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            list(stage, &connector).await;
            renew_in_use(&stage.deps).await;
            assert_eq!(refreshes(stage), 0, "it does not end soon");
            stage.advance(55);
            renew_in_use(&stage.deps).await;
            assert_eq!(refreshes(stage), 1);
            stage.advance(10);
            list(stage, &connector).await;
            assert_eq!(refreshes(stage), 1, "the new token was there before the old one ended");
            stage.advance(45);
            renew_in_use(&stage.deps).await;
            assert_eq!(refreshes(stage), 2, "it was called since");
            stage.advance(55);
            renew_in_use(&stage.deps).await;
            assert_eq!(refreshes(stage), 2, "nobody called it since");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_ahead_of_the_end_is_not_repeated_at_each_call() {
    ahead()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            list(stage, &connector).await;
            stage.advance(52);
            stage.peer.control.inject(
                Fault::once(At::Token, Effect::Status { status: 503, retry_after: None, body: None })
                    .on_refresh()
                    .times(50),
            );
            renew_in_use(&stage.deps).await;
            for _ in 0..5 {
                list(stage, &connector).await;
                renew_in_use(&stage.deps).await;
            }
            assert_eq!(refreshes(stage), 1);
            stage.peer.control.clear_faults();
            stage.advance(7);
            list(stage, &connector).await;
            assert_eq!(refreshes(stage), 1, "not yet");
            stage.advance(2);
            list(stage, &connector).await;
            assert_eq!(refreshes(stage), 2, "a call that needs a token asks");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_nobody_calls_is_refreshed_after_days_and_again_after_days() {
    ahead()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.advance(3 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 0);
            stage.advance(2 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 1);
            assert_eq!((refreshes(stage), renew_due(&stage.deps).await.unwrap()), (1, 0));
            stage.advance(5 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 1);
            assert_eq!(refreshes(stage), 2);
            stage.advance(5 * DAY);
            assert_eq!(stage.peer.control.stats().reuse_events, 0);
            let app = stage.sign_in(&stage.organization).await;
            app.delete(&format!("/integrations/connectors/{connector}")).await;
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 0, "a deleted one is left alone");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_refresh_that_fails_is_tried_again_later_and_a_refused_one_never() {
    ahead()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            stage.advance(5 * DAY);
            stage.peer.control.inject(
                Fault::once(At::Token, Effect::Status { status: 503, retry_after: None, body: None })
                    .on_refresh(),
            );
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 1);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 0, "not at once");
            assert_eq!(status(stage, &connector).await, "active");
            stage.advance(2 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 1);
            assert_eq!(refreshes(stage), 2);
            stage.peer.control.revoke_grants();
            stage.advance(5 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 1);
            assert_eq!(status(stage, &connector).await, "reauthorization_required");
            stage.advance(50 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_that_were_never_redeemed_and_static_credentials_are_left_alone() {
    ahead()
        .each(async |stage| {
            stage.put_crm_app().await;
            stage.bench("w1").await;
            stage.secret_id("w2", &json!({})).await;
            stage.advance(6 * DAY);
            assert_eq!(renew_due(&stage.deps).await.unwrap(), 0);
            assert_eq!(refreshes(stage), 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loops_renew_by_themselves() {
    ahead()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            list(stage, &connector).await;
            stage.advance(55);
            stage.start_jobs().await;
            stage.until("renewed", async || refreshes(stage) == 1).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_app_is_not_presented_at_each_call_and_a_new_secret_is_tried_at_once() {
    Setup::new()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            let app = json!({"connector_type": "harbour-crm", "configuration": {"client_id": "harbour client", "client_secret": "wrong"}});
            stage.app.put("/oauth/credentials", &app).await.ok();
            stage.peer.control.expire_access_tokens();
            for _ in 0..3 {
                let refused = stage.execute(&connector, "contacts", "list", &json!({})).await;
                refused.fails(409, "app_misconfigured");
            }
            assert_eq!(refreshes(stage), 1);
            stage.advance(31);
            let refused = stage.execute(&connector, "contacts", "list", &json!({})).await;
            refused.fails(409, "app_misconfigured");
            assert_eq!(refreshes(stage), 2, "the provider may have changed its mind");
            stage.put_crm_app().await;
            list(stage, &connector).await;
            assert_eq!((refreshes(stage), stage.status(&connector).await.as_str()), (3, "active"));
        })
        .await;
}
