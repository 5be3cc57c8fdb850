//! Section C: what can be done to the callback. Forged, repeated and hostile ones stand in `flow/callback.rs`.

use crate::support::stage::each;
use crate::support::walk::{BENCH, param};
use http::Method;
use keybearer::core::catalog::Catalog;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn c3_one_callback_at_two_replicas_is_exchanged_once() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let source = include_str!("../support/definitions/workbench.yaml")
            .replace("{{UPSTREAM}}", &stage.upstream.url)
            .replace("{{OTHER_HOST}}", stage.other.host());
        let other = stage.restarted(Catalog::load(None).with("test", &source)).await;
        for round in 1..=3 {
            let url = stage.bench_url("w1", &json!({})).await;
            let here = stage.bench_callback(&url, "abcdefgh");
            let there = here.replace(&stage.base, &other.base);
            let calls = (0..20).map(|number| stage.open(if number % 2 == 0 { &here } else { &there }));
            let replies = futures_util::future::join_all(calls).await;
            assert_eq!(replies.iter().filter(|reply| reply.status == 303).count(), 1);
            assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 303 | 400)));
            assert_eq!(stage.upstream.seen_at("/token").len(), round);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_parameters_given_twice_exchange_nothing() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        for extra in [
            "code=abcdefgh&code=abcdefgh",
            "code=abcdefgh&code=ABCDEFGH",
            "code=abcdefgh&co%64e=ABCDEFGH",
            "code=abcdefgh&iss=a&iss=b",
            "error=access_denied&error=access_denied",
            "code=abcdefgh&error=a&error=b",
            "code=&code=abcdefgh",
        ] {
            let url = stage.bench_url("w1", &json!({})).await;
            let state = param(&url, "state").unwrap();
            let home = stage
                .open(&format!("{}/oauth/callback/{BENCH}?state={state}&{extra}", stage.base))
                .await
                .location();
            assert_eq!(param(&home, "error").as_deref(), Some("invalid_state"), "{extra}");
        }
        let url = stage.bench_url("w1", &json!({})).await;
        let state = param(&url, "state").unwrap();
        for extra in [format!("state={state}"), "st%61te=x".to_owned(), "state=".to_owned()] {
            let twice = format!("{}/oauth/callback/{BENCH}?state={state}&code=abcdefgh&{extra}", stage.base);
            stage.open(&twice).await.is(400);
        }
        assert!(stage.upstream.seen().is_empty(), "no code was sent");
        // A state that came twice was not consumed.
        assert!(
            param(&stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location(), "secret_id")
                .is_some()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_huge_queries_are_refused_before_the_state_is_looked_at() {
    each(async |stage| {
        stage.put_bench_app().await;
        let url = stage.bench_url("w1", &json!({})).await;
        let good = stage.bench_callback(&url, "abcdefgh");
        stage.open(&format!("{good}&x={}", "x".repeat(8200))).await.is(414);
        stage.open(&format!("{good}{}", "&a=1".repeat(63))).await.is(400);
        stage.open(&format!("{good}{}", "&&&&".repeat(1500))).await.is(303);
        let url = stage.bench_url("w1", &json!({})).await;
        let long = "x".repeat(4097);
        let home = stage.open(&stage.bench_callback(&url, &long)).await.location();
        assert_eq!(param(&home, "error").as_deref(), Some("provider_error"), "a code of 4,097 bytes is none");
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_scanner_before_the_user_consumes_nothing() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let url = stage.bench_url("w1", &json!({})).await;
        let callback = stage.bench_callback(&url, "abcdefgh");
        for method in
            [Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE, Method::PATCH]
        {
            let reply = stage.http.call(method.clone(), &callback).send().await;
            assert_eq!(reply.status, 405, "{method}");
            assert!(reply.header("location").is_none());
        }
        assert!(stage.upstream.seen().is_empty());
        assert!(param(&stage.open(&callback).await.location(), "secret_id").is_some());
    })
    .await;
}
