//! The provider's failures: one row of the contract's table each, with its message and without any secret.

use crate::support::stage::{Stage, each};
use crate::support::upstream::json as answer;
use axum::response::Response;
use serde_json::{Value, json};

async fn get(
    stage: &Stage,
    connector: &str,
    respond: impl Fn() -> Response + Send + Sync + 'static,
) -> crate::support::http::Reply {
    stage.upstream.answers(move |_| respond());
    stage.execute(connector, "items", "get", &json!({"id": "1"})).await
}

fn details(body: &Value) -> &Value {
    &body["errors"][0]["details"]
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_map_as_the_contract_says() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for (upstream, ours, code) in [
            (400, 422, "upstream_rejected"),
            (422, 422, "upstream_rejected"),
            (403, 403, "upstream_forbidden"),
            (404, 404, "upstream_not_found"),
            (409, 409, "upstream_conflict"),
            (429, 429, "upstream_rate_limited"),
            (500, 502, "upstream_error"),
            (501, 502, "upstream_error"),
            (502, 502, "upstream_error"),
            (503, 502, "upstream_error"),
            (599, 502, "upstream_error"),
            (401, 409, "reauthorization_required"),
        ] {
            let reply =
                get(stage, &connector, move || answer(upstream, &json!({"message": "Said by the provider"})))
                    .await;
            let body = reply.fails(ours, code);
            assert_eq!(details(&body)["upstream_status"], upstream, "{upstream}: {body}");
            assert!(details(&body)["retryable"].is_boolean(), "{body}");
            assert!(body["message"].as_str().unwrap().contains("Said by the provider"), "{upstream}: {body}");
        }
        for other in [402, 405, 406, 410, 412, 413, 415, 418, 423, 451] {
            let reply = get(stage, &connector, move || answer(other, &json!({}))).await;
            assert!(reply.status.as_u16() >= 400, "{other}");
            let body = reply.error();
            assert!(body["error_code"].as_str().unwrap().starts_with("upstream_"), "{other}: {body}");
            assert_eq!(details(&body)["upstream_status"], other);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limits_tell_when_to_come_back() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let date = "Mon, 01 Jun 2026 00:02:00 GMT";
        assert_eq!(stage.clock.now_ms(), 1_780_272_000_000, "2026-06-01");
        for (header, told) in [
            ("120", Some("120")),
            (date, Some("120")),
            ("soon", None),
            ("-5", None),
            ("999999999999999999999", None),
        ] {
            let reply = get(stage, &connector, move || {
                let mut response = answer(429, &json!({"message": "slow down"}));
                response.headers_mut().insert("retry-after", header.parse().unwrap());
                response
            })
            .await;
            let body = reply.fails(429, "upstream_rate_limited");
            if let Some(told) = told {
                assert_eq!(reply.header("retry-after"), Some(told), "{header}");
                assert_eq!(details(&body)["retry_after_seconds"].to_string(), told);
            }
            assert_eq!(details(&body)["retryable"], true);
        }
        let reply = get(stage, &connector, || answer(429, &json!({}))).await;
        reply.fails(429, "upstream_rate_limited");
        assert!(reply.header("retry-after").is_some(), "429 with Retry-After");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_inside_2xx_are_errors() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for (said, ours, code) in [
            ("name_taken", 422, "upstream_rejected"),
            ("token_revoked", 409, "reauthorization_required"),
            ("ratelimited", 429, "upstream_rate_limited"),
            ("nothing_there", 404, "upstream_not_found"),
        ] {
            let reply =
                get(stage, &connector, move || answer(200, &json!({"ok": false, "error": said}))).await;
            let body = reply.fails(ours, code);
            assert!(body["message"].as_str().unwrap().contains(said), "{body}");
        }
        get(stage, &connector, || answer(200, &json!({"ok": true, "error": "none"}))).await.ok();
        get(stage, &connector, || answer(200, &json!({"ok": "false"}))).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_the_providers_bounded_and_plain() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for (body, part) in [
            (json!({"message": "one"}), "one"),
            (json!({"error": "two"}), "two"),
            (json!({"error": {"message": "three", "code": 3}}), "three"),
            (json!({"errors": [{"message": "four"}, {"message": "five"}]}), "five"),
            (json!({"error_description": "six", "error": "x"}), "x"),
            (json!({"detail": "seven"}), "seven"),
        ] {
            let shown = body.clone();
            let reply = get(stage, &connector, move || answer(400, &body)).await;
            let text = reply.fails(422, "upstream_rejected")["message"].to_string();
            assert!(text.contains(part), "{shown}: {text}");
        }
        for body in [
            json!({"message": "x".repeat(100_000)}),
            json!({"message": "a\u{0}\u{1b}[31m\r\nb"}),
            json!({"x": "y".repeat(100_000)}),
            json!([["x"]]),
            json!(null),
        ] {
            let reply = get(stage, &connector, move || answer(400, &body)).await;
            let message = reply.fails(422, "upstream_rejected")["message"].as_str().unwrap().to_owned();
            assert!(message.chars().count() <= 1000, "bounded: {}", message.len());
            assert!(!message.contains(['\u{0}', '\u{1b}', '\r', '\n']), "{message:?}");
        }
    })
    .await;
}

/// The harness looks for every secret in every error body when the test ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_echoes_the_credential_does_not_get_it_shown() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.bench("w1").await;
        for status in [400, 401, 403, 404, 409, 422, 429, 500] {
            stage.upstream.answers(move |asked| {
                let header = asked.header("authorization").unwrap_or_default();
                answer(
                    status,
                    &json!({"message": format!("bad header {header}"), "errors": [{"message": header}]}),
                )
            });
            let reply = stage.execute(&connector, "items", "get", &json!({"id": "1"})).await;
            reply.error();
        }
        stage
            .upstream
            .answers(|asked| answer(200, &json!({"ok": false, "error": asked.header("authorization")})));
        stage.execute(&connector, "items", "get", &json!({"id": "1"})).await.error();
        let key = json!({"api_key": stage.secrets.fresh("key with spaces&=")});
        let made = stage.import("work-bench", "w1", &key, &json!({"auth_scheme": "query_key"})).await.ok();
        stage.upstream.answers(|asked| {
            answer(400, &json!({"message": format!("cannot GET {}", asked.target), "url": asked.target}))
        });
        stage.execute(&crate::support::walk::id(&made), "items", "get", &json!({"id": "1"})).await.error();
    })
    .await;
}
