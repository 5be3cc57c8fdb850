//! Time, size and place: what a provider may take, and where requests may go.

use crate::support::stage::{Setup, Stage, each};
use crate::support::upstream::{endless, json as answer, late};
use crate::support::walk::{id, param};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

async fn get(
    stage: &Stage,
    connector: &str,
    respond: impl Fn() -> Response + Send + Sync + 'static,
) -> crate::support::http::Reply {
    stage.upstream.forget();
    stage.upstream.answers(move |_| respond());
    stage.execute(connector, "items", "get", &json!({"id": "1"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_answers_end_in_504() {
    Setup::new()
        .set("UPSTREAM_TIMEOUT", "700ms")
        .real_time()
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            let slow_head = || late(answer(200, &json!({"id": 1})), Duration::from_secs(5));
            let slow_body = || {
                let chunks = futures_util::stream::unfold(0, |count| async move {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    (count < 100).then_some((Ok::<_, std::io::Error>(" "), count + 1))
                });
                ([("content-type", "application/json")], Body::from_stream(chunks)).into_response()
            };
            for slow in [slow_head as fn() -> Response, slow_body] {
                // The timeout counts for the call with all its tries.
                let call = tokio::time::timeout(Duration::from_secs(4), get(stage, &connector, slow));
                call.await.unwrap().fails(504, "upstream_timeout");
            }
            let create = json!({"name": "n"});
            stage.upstream.forget();
            stage.upstream.answers(move |_| slow_head());
            stage.execute(&connector, "items", "create", &create).await.fails(504, "upstream_timeout");
            assert_eq!(stage.upstream.seen().len(), 1);
        })
        .await;
}

/// A gzip member of zeros, with Huffman codes of the fixed table (RFC 1951 section 3.2.6): 13 bits for 258 of them.
fn bomb(megabytes: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false]; // last block, fixed table
    bits.extend([false, false, true, true, false, false, false, false]); // literal 0
    for _ in 0..megabytes * 1_000_000 / 258 {
        bits.extend([true, true, false, false, false, true, false, true]); // length 258
        bits.extend([false; 5]); // distance 1
    }
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    [&[31, 139, 8, 0, 0, 0, 0, 0, 2, 255][..], &bytes.collect::<Vec<_>>()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_over_the_cap_are_refused() {
    Setup::new()
        .set("MAX_RESPONSE_BYTES", "100000")
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            let sized = |length: usize| move || answer(200, &json!({"t": "x".repeat(length - 8)}));
            get(stage, &connector, sized(100_000)).await.ok();
            get(stage, &connector, sized(100_001)).await.fails(502, "upstream_response_too_large");
            get(stage, &connector, endless).await.fails(502, "upstream_response_too_large");
            let bytes = bomb(5);
            assert!(bytes.len() < 100_000, "small on the wire: {}", bytes.len());
            let reply = get(stage, &connector, move || {
                ([("content-type", "application/json"), ("content-encoding", "gzip")], bytes.clone())
                    .into_response()
            })
            .await;
            reply.fails(502, "upstream_response_too_large");
            assert_eq!(stage.upstream.seen().len(), 1, "not tried again");
            let reply = get(stage, &connector, || {
                let mut response = endless();
                *response.status_mut() = http::StatusCode::BAD_REQUEST;
                response
            })
            .await;
            assert!(reply.status.as_u16() >= 400);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_blocked_unless_allowed() {
    Setup::new()
        .set("ALLOW_UPSTREAM_CIDRS", "10.99.0.0/16")
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            for action in ["list", "create"] {
                let params = if action == "list" { json!({}) } else { json!({"name": "n"}) };
                let reply = stage.execute(&connector, "items", action, &params).await;
                let body = reply.fails(502, "upstream_blocked");
                assert_eq!(body["errors"][0]["details"]["retryable"], false, "{body}");
            }
            stage.put_bench_app().await;
            let url = stage.bench_url("w1", &json!({})).await;
            let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
            assert_eq!(param(&home, "error").unwrap(), "token_exchange_failed");
            assert!(stage.upstream.seen().is_empty());
        })
        .await;
}

/// Plain keys at another address.
fn elsewhere(number: usize, url: &str) -> String {
    include_str!("../support/definitions/plain.yaml")
        .replace("{{UPSTREAM}}", url)
        .replace("name: plain-keys", &format!("name: elsewhere-{number}"))
        .replace("title: Plain Keys", &format!("title: Elsewhere {number}"))
        .replace(
            "9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e11",
            &format!("9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e{number:02}"),
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_machines_and_clouds_are_blocked() {
    const HOSTS: [&str; 12] = [
        "https://169.254.169.254",
        "https://100.100.100.200",
        "https://10.0.0.1",
        "https://192.168.1.1",
        "https://172.16.0.1",
        "https://[::1]",
        "https://[::ffff:10.0.0.1]",
        "https://[fd00::1]",
        "https://0.0.0.0",
        "https://127.0.0.1",
        "https://224.0.0.1",
        "https://[64:ff9b::a00:1]",
    ];
    let mut setup = Setup::new().set("ALLOW_UPSTREAM_CIDRS", "").set("UPSTREAM_TIMEOUT", "2s");
    for (number, host) in HOSTS.iter().enumerate() {
        setup = setup.definition(elsewhere(number, host));
    }
    setup
        .each(async |stage| {
            let key = json!({"api_key": stage.secrets.fresh("key")});
            for (number, host) in HOSTS.iter().enumerate() {
                let more = json!({"environment": {"tenant": "t"}});
                let reply = stage.import(&format!("elsewhere-{number}"), "w1", &key, &more).await;
                let made = reply.ok();
                let reply = stage.execute(&id(&made), "notes", "list", &json!({})).await;
                assert_eq!(reply.status.as_u16(), 502, "{host}: {}", reply.text());
                reply.fails(502, "upstream_blocked");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_not_there_is_an_upstream_error() {
    let setup = Setup::new().definition(elsewhere(1, "http://127.0.0.1:9"));
    setup
        .each(async |stage| {
            let key = json!({"api_key": stage.secrets.fresh("key")});
            let made =
                stage.import("elsewhere-1", "w1", &key, &json!({"environment": {"tenant": "t"}})).await.ok();
            let body =
                stage.execute(&id(&made), "notes", "list", &json!({})).await.fails(502, "upstream_error");
            assert!(!body.to_string().contains("127.0.0.1"), "no address in an error: {body}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_provider_does_not_hold_others() {
    each(async |stage| {
        let (slow, fast) = (stage.bench("w1").await, stage.bench("w2").await);
        stage.upstream.answers(|asked| {
            let response = answer(200, &json!({"id": 1}));
            if asked.target.ends_with("/slow") {
                late(response, Duration::from_millis(1500))
            } else {
                response
            }
        });
        let (slow_params, fast_params) = (json!({"id": "slow"}), json!({"id": "fast"}));
        let slow = futures_util::future::join_all(
            (0..100).map(|_| stage.execute(&slow, "items", "get", &slow_params)),
        );
        let fast = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            for _ in 0..10 {
                stage.execute(&fast, "items", "get", &fast_params).await.ok();
            }
            stage.upstream.seen().iter().filter(|asked| asked.target.ends_with("/fast")).count()
        };
        let (slow, fast) = futures_util::future::join(slow, fast).await;
        assert_eq!(fast, 10);
        for reply in slow {
            reply.ok();
        }
    })
    .await;
}
