//! Many operations of one connector at once: so many run, the others wait, and other connectors do not notice.

use crate::support::stage::{Setup, Stage};
use crate::support::upstream::{json as answer, late};
use crate::support::walk::id;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The plain definition, so many operations at once.
fn narrow(at_once: usize) -> String {
    let source = include_str!("../support/definitions/plain.yaml");
    source
        .replace("name: plain-keys", "name: narrow-keys")
        .replace("title: Plain Keys", "title: Narrow Keys")
        .replace("9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e11", "9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e99")
        + &format!("\nx-keybearer-concurrency: {at_once}\n")
}

async fn connector(stage: &Stage) -> String {
    let key = json!({"api_key": stage.secrets.fresh("key")});
    let more = json!({"environment": {"tenant": "t"}});
    id(&stage.import("narrow-keys", "w1", &key, &more).await.ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_run_at_once_and_the_others_follow() {
    let setup = Setup::new().definition(narrow(2)).real_time();
    setup
        .each(async |stage| {
            let connector = connector(stage).await;
            let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (now, peak) = (Arc::clone(&running), Arc::clone(&most));
            // The answer is decided when the request arrives and leaves later: what arrives meanwhile runs beside it.
            stage.upstream.answers(move |_| {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let now = Arc::clone(&now);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
                late(answer(200, &json!([])), Duration::from_millis(60))
            });
            let none = json!({});
            let calls = (0..12).map(|_| stage.execute(&connector, "notes", "list", &none));
            for reply in futures_util::future::join_all(calls).await {
                reply.ok();
            }
            assert_eq!((stage.upstream.seen().len(), most.load(Ordering::SeqCst)), (12, 2));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_an_error_that_says_so() {
    let setup = Setup::new().definition(narrow(2)).set("UPSTREAM_TIMEOUT", "1s").real_time();
    setup
        .each(async |stage| {
            let (busy, bench) = (connector(stage).await, stage.bench("w1").await);
            stage.upstream.answers(|asked| {
                let pause = if asked.path().contains("items") { 0 } else { 900 };
                late(answer(200, &json!([])), Duration::from_millis(pause))
            });
            let none = json!({});
            let calls = (0..12).map(|_| stage.execute(&busy, "notes", "list", &none));
            let other = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                stage.execute(&bench, "items", "get", &json!({"id": "1"})).await
            };
            let (replies, other) =
                futures_util::future::join(futures_util::future::join_all(calls), other).await;
            other.ok();
            let (good, refused): (Vec<_>, Vec<_>) =
                replies.iter().partition(|reply| reply.status.is_success());
            assert!(!good.is_empty() && !refused.is_empty());
            for reply in refused {
                // Those that got in late may run into their own time limit instead.
                if reply.status.as_u16() == 503 {
                    let body = reply.fails(503, "connector_busy");
                    assert_eq!(body["errors"][0]["details"]["retryable"], true);
                    assert_eq!(reply.headers["retry-after"], "1");
                }
            }
            assert!(replies.iter().any(|reply| reply.status.as_u16() == 503));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_deleted_meanwhile_is_not_called_by_those_that_wait() {
    let setup = Setup::new().definition(narrow(1)).real_time();
    setup
        .each(async |stage| {
            let busy = connector(stage).await;
            stage.upstream.answers(|_| late(answer(200, &json!([])), Duration::from_millis(1500)));
            let none = json!({});
            let first = stage.execute(&busy, "notes", "list", &none);
            let second = async {
                stage.until("the first call arrives", async || stage.upstream.seen().len() == 1).await;
                stage.execute(&busy, "notes", "list", &none).await
            };
            let deletion = async {
                stage.until("the first call arrives", async || stage.upstream.seen().len() == 1).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                stage.app.delete(&format!("/integrations/connectors/{busy}")).await.is(202);
            };
            let (first, second, ()) = tokio::join!(first, second, deletion);
            first.ok();
            second.fails(404, "not_found");
            assert_eq!(stage.upstream.seen().len(), 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_view_of_the_connector_keeps_the_count() {
    let setup = Setup::new().definition(narrow(1)).real_time();
    setup
        .each(async |stage| {
            let busy = connector(stage).await;
            let running = Arc::new(AtomicUsize::new(0));
            let (now, overlapped) = (Arc::clone(&running), Arc::new(AtomicUsize::new(0)));
            let seen = Arc::clone(&overlapped);
            stage.upstream.answers(move |_| {
                seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let now = Arc::clone(&now);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
                late(answer(200, &json!([])), Duration::from_millis(300))
            });
            let none = json!({});
            let first = stage.execute(&busy, "notes", "list", &none);
            let second = async {
                stage.until("the first call arrives", async || running.load(Ordering::SeqCst) > 0).await;
                // As a refresh or any change of the row does.
                stage.deps.ready.clear();
                stage.execute(&busy, "notes", "list", &none).await
            };
            let (first, second) = tokio::join!(first, second);
            first.ok();
            second.ok();
            assert_eq!((stage.upstream.seen().len(), overlapped.load(Ordering::SeqCst)), (2, 1));
        })
        .await;
}
