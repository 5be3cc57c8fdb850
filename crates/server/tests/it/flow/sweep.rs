//! The sweep: flows that nobody finished, and what a crash leaves behind.

use crate::support::stage::each;
use crate::support::upstream::{json as answer, late};
use crate::support::walk::{BENCH, param};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_was_exchanging_when_the_process_died_is_failed() {
    each(async |stage| {
        stage.put_bench_app().await;
        let url = stage.bench_url("w1", &json!({})).await;
        let state = param(&url, "state").unwrap();
        // As a process that died right after it consumed the state left it.
        let hash = keybearer::vault::digest("state", &state);
        let taken = stage.deps.store.take_flow(&hash, BENCH, stage.clock.now_ms()).await.unwrap();
        assert!(matches!(taken, keybearer::store::Taken::Taken(_)));
        stage.open(&stage.bench_callback(&url, "abcdefgh")).await.is(400);
        assert!(stage.upstream.seen().is_empty(), "the code is not sent a second time");
        stage.advance(6 * 60);
        stage.start_jobs().await;
        let report = async || {
            let now = stage.clock.now_ms();
            let mut new_id = || stage.deps.random.uuid_v7(&stage.deps.clock);
            stage.deps.store.sweep_flows(now, now - 300_000, &mut new_id).await.unwrap()
        };
        stage.until("swept", async || report().await.failed == 0).await;
        stage.open(&stage.bench_callback(&url, "abcdefgh")).await.is(400);
        // The user starts again.
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let url = stage.bench_url("w1", &json!({})).await;
        let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        assert!(param(&home, "secret_id").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_is_swept_during_its_exchange_stores_no_grant() {
    each(async |stage| {
        stage.put_bench_app().await;
        let token = stage.secrets.fresh("at");
        let body = json!({"access_token": token});
        stage.upstream.answers(move |_| late(answer(200, &body), Duration::from_millis(600)));
        let url = stage.bench_url("w1", &json!({})).await;
        let callback = stage.bench_callback(&url, "abcdefgh");
        let sweep = async {
            stage.until("asked", async || !stage.upstream.seen().is_empty()).await;
            let now = stage.clock.now_ms() + 600_000;
            let mut new_id = || stage.deps.random.uuid_v7(&stage.deps.clock);
            let report = stage.deps.store.sweep_flows(now, now - 300_000, &mut new_id).await.unwrap();
            assert_eq!(report.failed, 1);
        };
        let (reply, ()) = futures_util::future::join(stage.open(&callback), sweep).await;
        let home = reply.location();
        assert!(param(&home, "secret_id").is_none() && param(&home, "error").is_some(), "{home}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_goes_away_does_not_stop_the_exchange() {
    each(async |stage| {
        stage.put_bench_app().await;
        let body = json!({"access_token": stage.secrets.fresh("at")});
        stage.upstream.answers(move |_| late(answer(200, &body), Duration::from_millis(400)));
        let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
        let callback = stage.bench_callback(&url, "abcdefgh");
        let gone = tokio::time::timeout(Duration::from_millis(150), stage.open(&callback)).await;
        assert!(gone.is_err(), "the browser left before the answer");
        stage
            .until("connector made", async || {
                let list = stage.app.get("/integrations/connectors").await.ok();
                list["data"].as_array().unwrap().len() == 1
            })
            .await;
    })
    .await;
}
