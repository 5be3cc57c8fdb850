//! A grant goes on using the OAuth app that obtained it, whatever is set later.

use crate::support::stage::{Stage, each};
use crate::support::upstream::json as answer;
use crate::support::walk::{BENCH, CRM, param};
use serde_json::{Value, json};

/// A bench connector of the current app, with an access token that the provider refuses from then on.
async fn stale(stage: &Stage) -> String {
    let (access, refresh) = (stage.secrets.fresh("at"), stage.secrets.fresh("rt"));
    let body = json!({"access_token": access, "refresh_token": refresh});
    stage.upstream.answers(move |_| answer(200, &body));
    let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
    let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
    let fresh = stage.secrets.fresh("at");
    stage.upstream.answers(move |asked| match asked.path() {
        "/token" => answer(200, &json!({"access_token": fresh})),
        _ if asked.header("authorization") == Some(&format!("Bearer {fresh}")) => {
            answer(200, &json!({"items": []}))
        }
        _ => answer(401, &json!({})),
    });
    stage.upstream.forget();
    param(&home, "connector_id").unwrap()
}

fn app(client: &str, secret: &str) -> Value {
    json!({"client_id": client, "client_secret": secret, "developer_token": "developer-token"})
}

fn client_of(stage: &Stage) -> (String, String) {
    let calls = stage.upstream.seen_at("/token");
    assert_eq!(calls.len(), 1);
    let form = calls[0].form();
    let value = |name: &str| form.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!(value("grant_type"), "refresh_token");
    (value("client_id"), value("client_secret"))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_another_app_was_set_or_the_app_was_deleted() {
    each(async |stage| {
        let (one, two) = (stage.secrets.fresh("app"), stage.secrets.fresh("app"));
        for delete in [false, true] {
            stage.put_app(BENCH, &app("first", &one)).await;
            let connector = stale(stage).await;
            stage.put_app(BENCH, &app("second", &two)).await;
            if delete {
                stage.app.delete(&format!("/oauth/credentials/connector_type/{BENCH}")).await.is(204);
            }
            stage.execute(&connector, "items", "list", &json!({})).await.ok();
            assert_eq!(client_of(stage), ("first".to_owned(), one.clone()), "deleted: {delete}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_of_the_same_client_is_used_at_once() {
    each(async |stage| {
        let (one, two) = (stage.secrets.fresh("app"), stage.secrets.fresh("app"));
        stage.put_app(BENCH, &app("first", &one)).await;
        let connector = stale(stage).await;
        stage.put_app(BENCH, &app("first", &two)).await;
        stage.execute(&connector, "items", "list", &json!({})).await.ok();
        assert_eq!(client_of(stage), ("first".to_owned(), two));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_the_apps_fault_and_heals() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let wrong = stage.secrets.fresh("wrong");
        stage.put_app(CRM, &json!({"client_id": "harbour client", "client_secret": wrong})).await;
        stage.peer.control.expire_access_tokens();
        for _ in 0..3 {
            let refused = stage.execute(&connector, "contacts", "list", &json!({})).await;
            refused.fails(409, "app_misconfigured");
        }
        let shown = stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
        assert_eq!(shown["status"], "app_misconfigured");
        assert!(shown["status_reason"].is_string(), "{shown}");
        stage.put_crm_app().await;
        stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.status(&connector).await, "active");
        assert_eq!(stage.peer.control.stats().reuse_events, 0, "the refresh token was kept");
    })
    .await;
}
