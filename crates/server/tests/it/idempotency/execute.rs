//! Execute with a key, one call after the other: what is kept, what leaves the key free, what the key counts for.

use super::{create_item, execute, keys, post, replayed};
use crate::support::stage::{Setup, each};
use crate::support::upstream::json as answer;
use http::Method;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_is_given_again_and_nothing_is_sent() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let number = AtomicU64::new(0);
        stage.upstream.answers(move |_| answer(200, &json!({"id": number.fetch_add(1, Ordering::SeqCst)})));
        let first = execute(&stage.app, &connector, "k-1", &create_item("a")).await;
        assert_eq!(first.ok()["result"]["id"], 0);
        assert!(!replayed(&first));
        // The members of the body in another order are the same body; all paths are one route.
        let body = json!({"params": {"name": "a"}, "action": "create", "entity": "items"});
        for path in ["/integrations/connectors", "/connectors/sources", "/connectors/instances"] {
            let again = post(&stage.app, &format!("{path}/{connector}/execute"), "k-1", &body).await;
            assert!(replayed(&again), "{path}");
            assert_eq!((again.status, &again.body), (first.status, &first.body));
            assert_eq!(again.header("content-type"), Some("application/json"));
            assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        }
        assert_eq!(stage.upstream.seen().len(), 1);
        // Other keys, and none.
        assert_eq!(execute(&stage.app, &connector, "k-2", &create_item("a")).await.ok()["result"]["id"], 1);
        let without = stage.execute_with(&connector, &create_item("a")).await;
        assert_eq!(without.ok()["result"]["id"], 2);
        assert_eq!(keys(stage).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_is_refused() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"id": 1}));
        execute(&stage.app, &connector, "k", &create_item("a")).await.ok();
        for body in [
            create_item("b"),
            json!({"entity": "items", "action": "create", "params": {"name": "a"}, "intent": "again"}),
            json!({"entity": "items", "action": "list"}),
            json!({"entity": "nothing", "action": "list"}),
        ] {
            let reply = execute(&stage.app, &connector, "k", &body).await;
            let error = reply.fails(422, "idempotency_key_reused");
            assert_eq!(error["errors"][0]["details"]["retryable"], false);
            assert!(!replayed(&reply));
        }
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_call_before_it_is_sent_leaves_the_key_free() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"id": 1}));
        let wrong = json!({"entity": "items", "action": "create", "params": {"nam": "a"}});
        execute(&stage.app, &connector, "k", &wrong).await.fails(422, "invalid_params");
        execute(&stage.app, &connector, "k", &json!({"entity": "itmes", "action": "list"}))
            .await
            .fails(422, "unknown_entity");
        execute(&stage.app, &connector, "k", &json!({"entity": 7})).await.fails(422, "invalid");
        execute(&stage.as_bearer("no-token-at-all"), &connector, "k", &create_item("a")).await.is(401);
        let unknown = "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005";
        execute(&stage.app, unknown, "k", &create_item("a")).await.fails(404, "not_found");
        assert_eq!((keys(stage).await, stage.upstream.seen().len()), (0, 0));
        execute(&stage.app, &connector, "k", &create_item("a")).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_grant_leaves_the_key_free() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let sql = "UPDATE grants SET status = 'reauthorization_required'";
        stage.database.run(sql).await;
        stage.deps.ready.clear();
        let body = json!({"entity": "contacts", "action": "list"});
        execute(&stage.app, &connector, "k", &body).await.fails(409, "reauthorization_required");
        assert_eq!(keys(stage).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_provider_are_kept() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for (key, status, code) in [
            ("k-400", 400, "upstream_rejected"),
            ("k-429", 429, "upstream_rate_limited"),
            ("k-500", 500, "upstream_error"),
        ] {
            stage.upstream.forget();
            stage.upstream.answers(move |_| answer(status, &json!({"message": "not so"})));
            let first = execute(&stage.app, &connector, key, &create_item("a")).await;
            assert_eq!(first.error()["error_code"], code);
            stage.upstream.says(json!({"id": 1}));
            let again = execute(&stage.app, &connector, key, &create_item("a")).await;
            assert!(replayed(&again) && !replayed(&first));
            // The request id as well: it finds the cause in the log.
            assert_eq!((again.status, again.error()), (first.status, first.error()));
            assert_eq!(again.header("retry-after"), first.header("retry-after"));
            assert_eq!(stage.upstream.seen().len(), 1, "{key}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_for_one_organization_workspace_and_connector() {
    each(async |stage| {
        stage.upstream.says(json!({"id": 1}));
        let (one, two) = (stage.bench("w1").await, stage.bench("w2").await);
        let beside = stage.bench("w1").await;
        for connector in [&one, &two, &beside] {
            assert!(!replayed(execute(&stage.app, connector, "k", &create_item("a")).await.is(200)));
        }
        // Tokens of the same workspace share it.
        let scoped = stage.scoped(&stage.app, "w1").await;
        assert!(replayed(execute(&scoped, &one, "k", &create_item("a")).await.is(200)));
        execute(&scoped, &two, "k", &create_item("a")).await.fails(404, "not_found");
        let other = stage.sign_in(&stage.organization("second").await).await;
        execute(&other, &one, "k", &create_item("a")).await.fails(404, "not_found");
        assert_eq!(stage.upstream.seen().len(), 3);
        // A connector that is gone answers nothing more.
        stage.app.delete(&format!("/integrations/connectors/{one}")).await.is(202);
        execute(&stage.app, &one, "k", &create_item("a")).await.fails(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_key_is_refused() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"id": 1}));
        for key in ["", "two words", "tab\tbed", "ümlaut", &"x".repeat(256)] {
            let reply = execute(&stage.app, &connector, key, &create_item("a")).await;
            reply.fails(422, "invalid");
            assert_eq!(reply.wrong_fields(), ["Idempotency-Key"], "{key:?}");
        }
        let path = format!("/integrations/connectors/{connector}/execute");
        let twice =
            stage.app.call(Method::POST, &path).header("idempotency-key", "a").header("idempotency-key", "b");
        twice.json(&create_item("a")).send().await.fails(422, "invalid");
        assert_eq!(stage.upstream.seen().len(), 0);
        for key in ["x", &"~".repeat(255), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"] {
            execute(&stage.app, &connector, key, &create_item("a")).await.ok();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_take_no_key() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let body = json!({"entity": "files", "action": "download", "params": {"id": "1"}});
        let reply = execute(&stage.app, &connector, "k", &body).await;
        reply.fails(422, "invalid");
        assert_eq!(reply.wrong_fields(), ["Idempotency-Key"]);
        assert_eq!((keys(stage).await, stage.upstream.seen().len()), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_large_answer_only_the_status_is_kept() {
    let limit = keybearer::core::idempotency::ANSWER_MAX;
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"text": "x".repeat(limit)}));
        execute(&stage.app, &connector, "large", &create_item("a")).await.ok();
        let reply = execute(&stage.app, &connector, "large", &create_item("a")).await;
        let error = reply.fails(409, "answer_not_kept");
        assert_eq!(error["errors"][0]["details"]["first_status"], 200);
        assert_eq!(stage.upstream.seen().len(), 1);
        // The largest one that is kept is kept whole.
        stage.upstream.says(json!({"text": "x".repeat(limit - 1000)}));
        let first = execute(&stage.app, &connector, "fits", &create_item("a")).await;
        assert!(first.body.len() > limit - 1000 && first.body.len() <= limit);
        let again = execute(&stage.app, &connector, "fits", &create_item("a")).await;
        assert!(replayed(&again) && again.body == first.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn describe_and_check_are_kept_too() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"items": []}));
        for (entity, action) in [("", "describe"), ("*", "check")] {
            let body = json!({"entity": entity, "action": action});
            let first = execute(&stage.app, &connector, action, &body).await;
            first.ok();
            let again = execute(&stage.app, &connector, action, &body).await;
            assert!(replayed(&again) && again.body == first.body, "{action}");
        }
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_send_the_key_and_see_that_an_answer_is_an_old_one() {
    let origin = "https://app.example.com";
    let setup = Setup::new().set("CORS_ORIGINS", origin);
    setup
        .each(async |stage| {
            let preflight = stage.app.call(Method::OPTIONS, "/integrations/connectors");
            let preflight =
                preflight.header("origin", origin).header("access-control-request-method", "POST");
            let allowed = preflight.send().await.header("access-control-allow-headers").unwrap().to_owned();
            assert!(allowed.contains("idempotency-key"), "{allowed}");
            let seen =
                stage.app.call(Method::GET, "/integrations/connectors").header("origin", origin).send().await;
            assert!(seen.header("access-control-expose-headers").unwrap().contains("idempotent-replayed"));
        })
        .await;
}
