//! Outcomes that were lost, keys that are old, and bytes that were moved.

use super::{create_item, execute, keys, replayed};
use crate::support::stage::each;
use serde_json::json;

/// As a crash between the provider's success and the storing of it leaves the row.
const LOSE: &str = "UPDATE idempotency_keys SET status = NULL, answer = NULL, held_until = 0";

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_outcome_is_said_and_never_sent_again() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"id": 1}));
        execute(&stage.app, &connector, "k", &create_item("a")).await.ok();
        stage.database.run(LOSE).await;
        for _ in 0..3 {
            let error =
                execute(&stage.app, &connector, "k", &create_item("a")).await.fails(409, "unknown_outcome");
            assert_eq!(error["errors"][0]["details"]["retryable"], false);
        }
        execute(&stage.app, &connector, "k", &create_item("b")).await.fails(422, "idempotency_key_reused");
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_after_a_day_and_not_before() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"id": 1}));
        execute(&stage.app, &connector, "k", &create_item("a")).await.ok();
        let age = |minutes: i64| {
            format!("UPDATE idempotency_keys SET created_at = created_at - {}", minutes * 60 * 1000)
        };
        stage.database.run(&age(24 * 60 - 1)).await;
        assert_eq!(stage.deps.store.sweep_idempotency_keys().await.unwrap(), 0);
        assert!(replayed(execute(&stage.app, &connector, "k", &create_item("a")).await.is(200)));
        stage.database.run(&age(2)).await;
        stage.start_jobs().await;
        stage.until("the key is swept", async || keys(stage).await == 0).await;
        assert!(!replayed(execute(&stage.app, &connector, "k", &create_item("b")).await.is(200)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_were_moved_do_not_open() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"id": 1}));
        execute(&stage.app, &connector, "k-1", &create_item("a")).await.ok();
        execute(&stage.app, &connector, "k-2", &create_item("a")).await.ok();
        let moved = "UPDATE idempotency_keys SET answer = (SELECT other.answer FROM idempotency_keys AS other
             WHERE other.key_hash <> idempotency_keys.key_hash) WHERE id = (SELECT MIN(id) FROM idempotency_keys)";
        stage.database.run(moved).await;
        let mut statuses = Vec::new();
        for key in ["k-1", "k-2"] {
            statuses.push(execute(&stage.app, &connector, key, &create_item("a")).await.status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 500]);
        // Nor under another claim.
        stage.database.run("UPDATE idempotency_keys SET id = 'another-' || id").await;
        execute(&stage.app, &connector, "k-2", &create_item("a")).await.fails(500, "internal");
        assert_eq!((keys(stage).await, stage.upstream.seen().len()), (2, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_keys_nor_bodies_nor_answers_are_stored_as_they_are() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let (key, name, said) =
            (stage.secrets.fresh("key"), stage.secrets.fresh("name"), stage.secrets.fresh("said"));
        let text = said.clone();
        stage.upstream.says(json!({ "id": text }));
        let reply = execute(&stage.app, &connector, &key, &create_item(&name)).await;
        assert!(reply.text().contains(&said));
        // The stage looks for them in the database and the log when the test ends.
        assert_eq!(keys(stage).await, 1);
    })
    .await;
}
