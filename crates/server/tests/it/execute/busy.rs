//! Many operations of one connector at once: so many run, the others wait, and other connectors do not notice.

use crate::support::stage::{Setup, Stage};
use crate::support::upstream::{json as answer, late};
use crate::support::walk::id;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The plain definition, two operations at once.
fn narrow() -> String {
    let source = include_str!("../support/definitions/plain.yaml");
    source
        .replace("name: plain-keys", "name: narrow-keys")
        .replace("title: Plain Keys", "title: Narrow Keys")
        .replace("9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e11", "9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e99")
        + "\nx-keybearer-concurrency: 2\n"
}

async fn connector(stage: &Stage) -> String {
    let key = json!({"api_key": stage.secrets.fresh("key")});
    let more = json!({"environment": {"tenant": "t"}});
    id(&stage.import("narrow-keys", "w1", &key, &more).await.ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_run_at_once_and_the_others_follow() {
    let setup = Setup::new().definition(narrow()).real_time();
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
    let setup = Setup::new().definition(narrow()).set("UPSTREAM_TIMEOUT", "1s").real_time();
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
