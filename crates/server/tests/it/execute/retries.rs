//! Retries: which operations are tried again, on what, how often, and never when it could do harm.

use crate::support::stage::{Setup, Stage, each};
use crate::support::upstream::json as answer;
use crate::support::walk::id;
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

/// A refusal with that header, once; then success.
fn refuses_once(stage: &Stage, status: u16, header: &'static str, value: String) {
    let calls = AtomicUsize::new(0);
    stage.upstream.forget();
    stage.upstream.answers(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) > 0 {
            return answer(200, &json!({"items": []}));
        }
        let mut response = answer(status, &json!({"message": "not now"}));
        response.headers_mut().insert(header, value.parse().unwrap());
        response
    });
}

/// `Retry-After` as an HTTP date.
fn http_date(epoch_seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(epoch_seconds).unwrap();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured_within_the_timeout() {
    let setup = Setup::new().set("UPSTREAM_TIMEOUT", "6s").real_time();
    setup
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            let list = async || stage.execute(&connector, "items", "list", &json!({})).await;
            for status in [429, 503] {
                refuses_once(stage, status, "retry-after", "1".to_owned());
                let before = stage.clock.ticks();
                list().await.ok();
                assert!(stage.clock.ticks().saturating_sub(before) >= Duration::from_secs(1), "{status}");
                assert_eq!(stage.upstream.seen().len(), 2, "{status}");
            }
            // A point in time, as a date and as a number. The clock may stand just before a second: two are told.
            for form in [http_date, |seconds: i64| seconds.to_string()] {
                let then = stage.clock.now_ms() / 1000 + 2;
                refuses_once(stage, 429, "retry-after", form(then));
                list().await.ok();
                assert!(stage.clock.now_ms() >= then * 1000, "not before the time that was told");
                assert_eq!(stage.upstream.seen().len(), 2);
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_would_end_past_the_timeout_is_told_instead() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let now = stage.clock.now_ms() / 1000;
        for far in ["60".to_owned(), http_date(now + 60), (now + 60).to_string()] {
            refuses_once(stage, 429, "retry-after", far.clone());
            let reply = stage.execute(&connector, "items", "list", &json!({})).await;
            let body = reply.fails(429, "upstream_rate_limited");
            assert_eq!((stage.upstream.seen().len(), reply.header("retry-after")), (1, Some("60")), "{far}");
            assert_eq!(body["errors"][0]["details"]["retry_after_seconds"], 60, "{far}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn earlier_waits_count_against_the_timeout() {
    let setup = Setup::new().set("UPSTREAM_TIMEOUT", "3s").real_time();
    setup
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            stage.upstream.forget();
            stage.upstream.answers(|_| {
                let mut response = answer(503, &json!({"message": "not now"}));
                response.headers_mut().insert("retry-after", "2".parse().unwrap());
                response
            });
            let reply = stage.execute(&connector, "items", "list", &json!({})).await;
            reply.fails(502, "upstream_error");
            assert_eq!(stage.upstream.seen().len(), 2, "a third would have begun after four seconds");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_says_what_is_tried_again_and_where_the_pause_stands() {
    let config = "  x-airbyte-retry-config:\n    {max_attempts: 2, retry_on_status_codes: [418], retry_after_header: X-Come-Back, retry_after_format: milliseconds}\n";
    let source = include_str!("../support/definitions/plain.yaml")
        .replace("name: plain-keys", "name: patient-keys")
        .replace("title: Plain Keys", "title: Patient Keys")
        .replace("9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e11", "9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e77")
        .replacen("  x-airbyte-connector-name", &format!("{config}  x-airbyte-connector-name"), 1);
    Setup::new()
        .definition(source)
        .each(async |stage| {
            let key = json!({"api_key": stage.secrets.fresh("key")});
            let more = json!({"environment": {"tenant": "t"}});
            let connector = id(&stage.import("patient-keys", "w1", &key, &more).await.ok());
            let list = async || stage.execute(&connector, "notes", "list", &json!({})).await;
            for (status, requests) in [(418, 2), (503, 1)] {
                failing(stage, 100, status);
                list().await.error();
                assert_eq!(stage.upstream.seen().len(), requests, "{status}");
            }
            // Within the time limit as seconds would not be: it is milliseconds.
            refuses_once(stage, 418, "x-come-back", "900".to_owned());
            list().await.ok();
            assert_eq!(stage.upstream.seen().len(), 2);
        })
        .await;
}
