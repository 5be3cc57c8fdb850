//! OAuth tokens that an application imports: with or without an access token, a lifetime, a client of their own.

use crate::support::stage::{Stage, each};
use crate::support::walk::{BENCH, CRM, id};
use serde_json::{Value, json};

/// Tokens of a consent that nobody redeems.
async fn tokens(stage: &Stage) -> (String, String) {
    stage.secret_id("elsewhere", &json!({})).await;
    (stage.peer.newest("at_"), stage.peer.newest("rt_"))
}

fn own_client(more: &Value) -> Value {
    crate::support::walk::with(
        json!({"client_id": "harbour client", "client_secret": "harbour:secret%1+2 é&="}),
        more,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_unknown_lifetime_is_refreshed_on_401_only() {
    each(async |stage| {
        stage.put_crm_app().await;
        let (access, refresh) = tokens(stage).await;
        let credentials = own_client(&json!({"access_token": access, "refresh_token": refresh}));
        let calls = stage.peer.control.log().len();
        let made = stage.import(CRM, "w1", &credentials, &json!({})).await.ok();
        assert_eq!(stage.peer.control.log().len(), calls, "no upstream call and no refresh at creation");
        assert!(!made.to_string().contains(&access) && !made.to_string().contains(&refresh));
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 0);
        stage.peer.control.expire_access_tokens();
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_alone_is_used_before_the_first_call() {
    each(async |stage| {
        stage.put_crm_app().await;
        let (_, refresh) = tokens(stage).await;
        let made =
            stage.import(CRM, "w1", &own_client(&json!({"refresh_token": refresh})), &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 0);
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
        let refused = stage.peer.control.api_log().len();
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.control.api_log().len(), refused + 1, "no call without a token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_without_a_client_are_refreshed_with_the_organizations_app() {
    each(async |stage| {
        stage.put_crm_app().await;
        let (access, refresh) = tokens(stage).await;
        let credentials = json!({"access_token": access, "refresh_token": refresh});
        let made = stage.import(CRM, "w1", &credentials, &json!({})).await.ok();
        stage.peer.control.expire_access_tokens();
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        assert_eq!(stage.peer.token_calls("refresh_token"), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_alone_ends_with_a_reconnect() {
    each(async |stage| {
        stage.put_crm_app().await;
        let (access, _) = tokens(stage).await;
        let made = stage.import(CRM, "w1", &json!({"access_token": access}), &json!({})).await.ok();
        stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
        stage.peer.control.expire_access_tokens();
        let refused = stage.execute(&id(&made), "contacts", "list", &json!({})).await;
        let body = refused.fails(409, "reauthorization_required");
        assert!(body["errors"][0]["details"]["reconnect"].is_object(), "{body}");
        assert_eq!(stage.peer.token_calls("refresh_token"), 0);
        assert_eq!(
            stage.status(&id(&made)).await,
            "active",
            "only a refused refresh token changes the status"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_end_is_honoured() {
    each(async |stage| {
        stage.put_crm_app().await;
        let now = stage.clock.now_ms() / 1000;
        for (expires_at, refreshes) in [
            (json!(now - 10), 1),
            (json!(now), 1),
            (json!(now + 600), 0),
            (json!("2026-05-01T00:00:00Z"), 1),
            (json!("2030-01-01T00:00:00+02:00"), 0),
            (json!(null), 0),
        ] {
            let (access, refresh) = tokens(stage).await;
            let credentials = own_client(
                &json!({"access_token": access, "refresh_token": refresh, "expires_at": expires_at}),
            );
            let made = stage.import(CRM, "w1", &credentials, &json!({})).await.ok();
            let before = stage.peer.token_calls("refresh_token");
            stage.execute(&id(&made), "contacts", "list", &json!({})).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token") - before, refreshes, "{expires_at}");
        }
        for bad in [
            json!("tomorrow"),
            json!(""),
            json!(true),
            json!([]),
            json!({}),
            json!(1e300),
            json!(9_223_372_036_854_775_807_i64),
            json!("2026-13-01T00:00:00Z"),
        ] {
            let credentials = json!({"access_token": "some-access-token", "expires_at": bad});
            let reply = stage.import(CRM, "w1", &credentials, &json!({})).await;
            reply.is(422);
            assert_eq!(reply.wrong_fields(), ["credentials.expires_at"], "{bad}");
        }
        let reply =
            stage.import(BENCH, "w1", &json!({"token": "some-token", "expires_at": now}), &json!({})).await;
        assert!(reply.status.is_success() || reply.status == 400, "{}", reply.text());
    })
    .await;
}
