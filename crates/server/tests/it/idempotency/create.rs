//! Creating a connector with a key.

use super::{keys, post, replayed};
use crate::support::secrets::row_counts;
use crate::support::stage::{Stage, each};
use crate::support::upstream::json as answer;
use crate::support::walk::{BENCH, CRM, id};
use serde_json::{Value, json};

const PATH: &str = "/integrations/connectors";

fn by_token(user: &str, token: &str) -> Value {
    json!({"external_user_id": user, "connector_type": BENCH, "credentials": {"token": token}})
}

async fn connectors(stage: &Stage) -> i64 {
    row_counts(&stage.database).await["connectors"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_created_once() {
    each(async |stage| {
        let body = by_token("w1", &stage.secrets.fresh("pat"));
        let first = post(&stage.app, PATH, "k", &body).await;
        let again = post(&stage.app, PATH, "k", &body).await;
        assert_eq!((first.ok(), &first.body), (again.ok(), &again.body));
        assert!(replayed(&again) && !replayed(&first));
        assert_eq!(first.header("content-type"), again.header("content-type"));
        assert_eq!(connectors(stage).await, 1);
        let other = by_token("w1", &stage.secrets.fresh("pat"));
        post(&stage.app, PATH, "k", &other).await.fails(422, "idempotency_key_reused");
        // Another user's key of the same name is another key.
        assert!(!replayed(
            post(&stage.app, PATH, "k", &by_token("w2", &stage.secrets.fresh("pat"))).await.is(200)
        ));
        let scoped = stage.scoped(&stage.app, "w1").await;
        assert!(replayed(post(&scoped, PATH, "k", &body).await.is(200)));
        post(&scoped, PATH, "k", &by_token("w2", "whatever-it-is")).await.fails(403, "forbidden");
        assert_eq!(connectors(stage).await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_is_redeemed_once_and_its_answer_given_again() {
    each(async |stage| {
        stage.put_crm_app().await;
        let secret_id = stage.secret_id("w1", &json!({})).await;
        let body = json!({"external_user_id": "w1", "connector_type": CRM, "server_side_oauth_secret_id": secret_id});
        let calls = (0..10).map(|_| post(&stage.app, PATH, "k", &body));
        let replies = futures_util::future::join_all(calls).await;
        let good: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        let made = id(&good.first().unwrap().ok());
        assert_eq!(good.iter().filter(|reply| !replayed(reply)).count(), 1);
        assert!(good.iter().all(|reply| id(&reply.ok()) == made));
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            reply.fails(409, "idempotency_in_progress");
        }
        assert_eq!(id(&post(&stage.app, PATH, "k", &body).await.ok()), made);
        // Without the key the consent is used up.
        stage.app.post(PATH, &body).await.fails(400, "invalid_secret_id");
        assert_eq!(connectors(stage).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_the_key_free() {
    each(async |stage| {
        let token = stage.secrets.fresh("pat");
        post(&stage.app, PATH, "k", &json!({"external_user_id": "w1"})).await.fails(422, "invalid");
        let wrong =
            json!({"external_user_id": "w1", "connector_type": BENCH, "credentials": {"tokn": token}});
        post(&stage.app, PATH, "k", &wrong).await.fails(400, "credentials_mismatch");
        let mut checked = by_token("w1", &token);
        checked["verify"] = json!(true);
        stage.upstream.answers(|_| answer(401, &json!({})));
        post(&stage.app, PATH, "k", &checked).await.fails(422, "check_failed");
        assert_eq!((keys(stage).await, connectors(stage).await), (0, 0));
        stage.upstream.says(json!({"items": []}));
        assert!(!replayed(post(&stage.app, PATH, "k", &checked).await.is(200)));
    })
    .await;
}
