//! Refreshes that bring no token: what is said, what is kept, and what is never sent again.

use crate::support::stage::{Setup, Stage, each};
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};

async fn stale(stage: &Stage) -> String {
    stage.put_crm_app().await;
    let connector = stage.connect("w1").await;
    stage.peer.control.expire_access_tokens();
    connector
}

async fn list(stage: &Stage, connector: &str) -> crate::support::http::Reply {
    stage.execute(connector, "contacts", "list", &json!({})).await
}

fn details(body: &Value) -> &Value {
    &body["errors"][0]["details"]
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_grant_ends_the_grant_and_nothing_is_called_any_more() {
    each(async |stage| {
        let connector = stale(stage).await;
        stage.peer.control.revoke_grants();
        let body = list(stage, &connector).await.fails(409, "reauthorization_required");
        assert!(
            details(&body)["reconnect"].is_object() && details(&body)["retryable"] == json!(false),
            "{body}"
        );
        let shown = stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
        assert_eq!(shown["status"], "reauthorization_required");
        assert!(shown["status_reason"].is_string());
        let log = stage.peer.control.log().len();
        for _ in 0..3 {
            let body = list(stage, &connector).await.fails(409, "reauthorization_required");
            assert!(details(&body)["reconnect"].is_object(), "{body}");
        }
        let checked =
            stage.app.post(&format!("/integrations/connectors/{connector}/check"), &json!({})).await.ok();
        assert_eq!(checked["status"], "failed");
        assert_eq!(stage.peer.control.log().len(), log, "no call for a dead grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_is_down_keeps_the_grant() {
    each(async |stage| {
        let connector = stale(stage).await;
        let faults = [
            Effect::Status { status: 500, retry_after: None, body: None },
            Effect::Status { status: 503, retry_after: Some("2".to_owned()), body: None },
            Effect::Status { status: 429, retry_after: Some("2".to_owned()), body: None },
            Effect::NotJson,
            Effect::Status {
                status: 400,
                retry_after: None,
                body: Some(json!({"error": "temporarily_unavailable"})),
            },
            Effect::Redirect { to: "/oauth/token".to_owned(), status: 307 },
        ];
        for effect in faults {
            stage.peer.control.inject(Fault::once(At::Token, effect.clone()).on_refresh().times(20));
            let reply = list(stage, &connector).await;
            assert_eq!(reply.status.as_u16(), 502, "{effect:?}: {}", reply.text());
            reply.fails(502, "token_endpoint_error");
            assert_eq!(stage.status(&connector).await, "active", "{effect:?}");
            stage.peer.control.clear_faults();
            // Some of them ask for a pause of two seconds.
            stage.advance(2);
        }
        list(stage, &connector).await.ok();
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_lifetimes_of_a_refresh_are_taken() {
    each(async |stage| {
        let connector = stale(stage).await;
        for lifetime in [
            json!(null),
            json!("3600"),
            json!(-5),
            json!(0),
            json!("soon"),
            json!(1e30),
            json!(9_000_000_000_000_000_000_i64),
        ] {
            let fields = serde_json::Map::from_iter([("expires_in".to_owned(), lifetime.clone())]);
            stage.peer.control.inject(Fault::once(At::Token, Effect::Merge { fields }).on_refresh());
            stage.peer.control.expire_access_tokens();
            list(stage, &connector).await.ok();
            list(stage, &connector).await.ok();
            assert_eq!(stage.status(&connector).await, "active", "{lifetime}");
        }
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_once_more_and_never_again() {
    each(async |stage| {
        // The provider rotated and the answer was lost: the second use of the token ends the family there.
        let connector = stale(stage).await;
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh().after_processing());
        list(stage, &connector).await.fails(502, "token_endpoint_error");
        assert_eq!(stage.status(&connector).await, "active", "nobody refused the token");
        list(stage, &connector).await.fails(409, "reauthorization_required");
        assert_eq!(stage.status(&connector).await, "reauthorization_required");
        for _ in 0..3 {
            list(stage, &connector).await.fails(409, "reauthorization_required");
        }
        assert_eq!(stage.peer.token_calls("refresh_token"), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_never_arrived_is_made_again() {
    each(async |stage| {
        let connector = stale(stage).await;
        stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh());
        list(stage, &connector).await.fails(502, "token_endpoint_error");
        list(stage, &connector).await.ok();
        assert_eq!(stage.status(&connector).await, "active");
        assert_eq!(stage.peer.control.stats().reuse_events, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_hangs_does_not_hold_callers() {
    Setup::new()
        .set("UPSTREAM_TIMEOUT", "1s")
        .real_time()
        .each(async |stage| {
            let connector = stale(stage).await;
            stage.peer.control.inject(Fault::once(At::Token, Effect::Hang { ms: 2500 }).on_refresh());
            let all = futures_util::future::join_all((0..5).map(|_| list(stage, &connector)));
            for reply in tokio::time::timeout(std::time::Duration::from_secs(8), all).await.unwrap() {
                match reply.status.as_u16() {
                    503 => {
                        let body = reply.fails(503, "refresh_in_progress");
                        assert!(
                            reply.header("retry-after").is_some()
                                && details(&body)["retryable"] == json!(true)
                        );
                    }
                    504 => {
                        reply.error();
                    }
                    _ => {
                        reply.fails(502, "token_endpoint_error");
                    }
                }
            }
            assert_eq!(stage.peer.token_calls("refresh_token"), 1);
            assert_eq!(stage.status(&connector).await, "active");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_token_endpoint_asks_for_is_kept_and_passed_on() {
    each(async |stage| {
        let connector = stale(stage).await;
        let effect = Effect::Status { status: 503, retry_after: Some("30".to_owned()), body: None };
        stage.peer.control.inject(Fault::once(At::Token, effect).on_refresh().times(100));
        for _ in 0..5 {
            let refused = list(stage, &connector).await;
            let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
            assert!((29..=30).contains(&wait), "{wait}");
            let body = refused.fails(502, "token_endpoint_error");
            assert_eq!(details(&body)["retryable"], json!(true));
        }
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        stage.peer.control.clear_faults();
        stage.advance(31);
        list(stage, &connector).await.ok();
        assert_eq!(
            (stage.status(&connector).await.as_str(), stage.peer.token_calls("refresh_token")),
            ("active", 2)
        );
    })
    .await;
}
