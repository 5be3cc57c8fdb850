//! Retries: which operations are tried again, on what, how often, and never when it could do harm.

use crate::support::stage::{Setup, Stage, each};
use crate::support::upstream::json as answer;
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn params(action: &str) -> Value {
    match action {
        "list" => json!({}),
        "search" => json!({"q": "x"}),
        "create" => json!({"name": "n"}),
        _ => json!({"id": "1"}),
    }
}

/// The first `failures` calls fail with that status, later ones succeed.
fn failing(stage: &Stage, failures: usize, status: u16) {
    let calls = AtomicUsize::new(0);
    stage.upstream.forget();
    stage.upstream.answers(move |_| {
        let failed = calls.fetch_add(1, Ordering::SeqCst) < failures;
        if failed {
            answer(status, &json!({"message": "not now"}))
        } else {
            answer(200, &json!({"items": []}))
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn repeatable_operations_are_tried_three_times() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for status in [429, 500, 502, 503, 504] {
            for action in ["list", "get", "search", "update", "delete"] {
                failing(stage, 2, status);
                stage.execute(&connector, "items", action, &params(action)).await.ok();
                assert_eq!(stage.upstream.seen().len(), 3, "{action} {status}");
            }
            failing(stage, 100, status);
            let reply = stage.execute(&connector, "items", "list", &json!({})).await;
            assert!(matches!(reply.status.as_u16(), 429 | 502));
            assert_eq!(stage.upstream.seen().len(), 3, "{status}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_do_harm_or_cannot_help_is_tried_once() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for status in [429, 500, 502, 503, 504] {
            failing(stage, 100, status);
            stage.execute(&connector, "items", "create", &params("create")).await.error();
            assert_eq!(stage.upstream.seen().len(), 1, "create {status}");
        }
        for status in [400, 403, 404, 409, 422, 501, 505] {
            failing(stage, 100, status);
            stage.execute(&connector, "items", "get", &params("get")).await.error();
            assert_eq!(stage.upstream.seen().len(), 1, "get {status}");
        }
        stage.upstream.forget();
        stage.upstream.says(json!({"ok": false, "error": "name_taken"}));
        stage.execute(&connector, "items", "get", &params("get")).await.error();
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_are_tried_again_only_where_that_is_safe() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        for effect in [Effect::Drop, Effect::Cut { after: 10 }] {
            stage.peer.control.inject(Fault::once(At::Api, effect.clone()).times(2));
            let calls = stage.peer.api_calls();
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.api_calls(), calls + 3, "{effect:?}");
            stage.peer.control.inject(Fault::once(At::Api, effect.clone()).after_processing());
            let (calls, email) = (stage.peer.api_calls(), format!("{}@example.com", calls_name(&effect)));
            let reply = stage.execute(&connector, "contacts", "create", &json!({"email": email})).await;
            reply.fails(502, "upstream_error");
            assert_eq!(stage.peer.api_calls(), calls + 1, "{effect:?}: never sent a second time");
            let found = stage.execute(&connector, "contacts", "list", &json!({"q": email})).await.ok();
            assert_eq!(found["result"].as_array().unwrap().len(), 1, "it had been carried out once");
        }
    })
    .await;
}

fn calls_name(effect: &Effect) -> &'static str {
    if matches!(effect, Effect::Drop) { "drop" } else { "cut" }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured_within_the_timeout() {
    Setup::new()
        .set("UPSTREAM_TIMEOUT", "4s")
        .real_time()
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            let wait = |seconds: &'static str| {
                let calls = AtomicUsize::new(0);
                stage.upstream.forget();
                stage.upstream.answers(move |_| {
                    if calls.fetch_add(1, Ordering::SeqCst) > 0 {
                        return answer(200, &json!({"items": []}));
                    }
                    let mut response = answer(429, &json!({}));
                    response.headers_mut().insert("retry-after", seconds.parse().unwrap());
                    response
                });
            };
            wait("1");
            let before = stage.clock.ticks();
            stage.execute(&connector, "items", "list", &json!({})).await.ok();
            assert!(stage.clock.ticks().saturating_sub(before) >= Duration::from_secs(1), "waited as told");
            wait("60");
            let nothing = json!({});
            let call = stage.execute(&connector, "items", "list", &nothing);
            let reply = tokio::time::timeout(Duration::from_secs(10), call).await.unwrap();
            reply.fails(429, "upstream_rate_limited");
            assert_eq!((stage.upstream.seen().len(), reply.header("retry-after")), (1, Some("60")));
        })
        .await;
}
