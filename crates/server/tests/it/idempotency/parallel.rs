//! Many calls with one key at the same time, on one server and on two: the provider sees exactly one.

use super::{create_item, execute, keys, replayed};
use crate::support::stage::Setup;
use crate::support::upstream::{json as answer, late};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_calls_on_two_servers_one_is_sent() {
    let setup = Setup::new().real_time();
    setup
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            let second = stage.replica().await;
            stage.upstream.answers(|_| late(answer(200, &json!({"id": 1})), Duration::from_millis(300)));
            let body = create_item("a");
            let calls = (0..50).map(|number| {
                let client = if number % 2 == 0 { &stage.app } else { &second.app };
                execute(client, &connector, "one-key", &body)
            });
            let replies = futures_util::future::join_all(calls).await;
            assert_eq!(stage.upstream.seen().len(), 1);
            let first = replies.iter().filter(|reply| reply.status == 200 && !replayed(reply)).count();
            assert_eq!(first, 1);
            for reply in &replies {
                if reply.status != 200 {
                    let error = reply.fails(409, "idempotency_in_progress");
                    assert_eq!(error["errors"][0]["details"]["retryable"], true);
                    assert_eq!(reply.header("retry-after"), Some("1"));
                }
            }
            for client in [&stage.app, &second.app] {
                assert!(replayed(execute(client, &connector, "one-key", &body).await.is(200)));
            }
            assert_eq!((stage.upstream.seen().len(), keys(stage).await), (1, 1));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_longer_than_a_hold_is_still_at_work() {
    let setup = Setup::new().real_time().set("UPSTREAM_TIMEOUT", "20s");
    setup
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            let second = stage.replica().await;
            stage.upstream.answers(|_| late(answer(200, &json!({"id": 1})), Duration::from_millis(7500)));
            let body = create_item("a");
            let first = execute(&stage.app, &connector, "slow", &body);
            let others = async {
                for _ in 0..7 {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    execute(&second.app, &connector, "slow", &body)
                        .await
                        .fails(409, "idempotency_in_progress");
                }
            };
            let (first, ()) = futures_util::future::join(first, others).await;
            first.ok();
            assert_eq!(stage.upstream.seen().len(), 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_goes_on_when_its_caller_goes_away() {
    let setup = Setup::new().real_time();
    setup
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            stage.upstream.answers(|_| late(answer(200, &json!({"id": 1})), Duration::from_millis(600)));
            let body = create_item("a");
            let impatient = execute(&stage.app, &connector, "k", &body);
            let gone = tokio::time::timeout(Duration::from_millis(300), impatient).await;
            assert!(gone.is_err());
            let seen = async || stage.upstream.seen().len() == 1;
            stage.until("the call arrives", seen).await;
            let kept = async || execute(&stage.app, &connector, "k", &body).await.status == 200;
            stage.until("its answer is kept", kept).await;
            assert_eq!(stage.upstream.seen().len(), 1);
        })
        .await;
}
