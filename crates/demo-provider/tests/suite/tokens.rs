//! The token and revocation endpoints: client authentication, single use, rotation, reuse, expiry.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::walk::{ALL, Walk, tokens};

#[tokio::test]
async fn the_client_authenticates_by_basic_or_body() {
    let walk = Walk::new();
    let basic = |credentials: &str| format!("Basic {}", STANDARD.encode(credentials));
    let good = "app:s3cret%2B+%2F%C3%BC";
    for (header, body, status, error) in [
        (basic(good), "", 400, "invalid_grant"),
        (basic(good), "&client_id=app", 400, "invalid_grant"),
        (basic(good), "&client_id=other", 401, "invalid_client"),
        (basic(good), "&client_id=app&client_secret=x", 400, "invalid_request"),
        (basic("app:wrong"), "", 401, "invalid_client"),
        (basic("other:s3cret"), "", 401, "invalid_client"),
        ("Basic ???".to_owned(), "", 401, "invalid_client"),
        ("Bearer x".to_owned(), "", 401, "invalid_client"),
    ] {
        let request = Request::post("/oauth/token")
            .header("authorization", &header)
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let body = format!("grant_type=refresh_token&refresh_token=x{body}");
        let answer = walk.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{header}");
        assert_eq!(answer.json()["error"], error, "{header}");
        assert_eq!(answer.header("www-authenticate").starts_with("Basic"), status == 401);
    }
    assert_eq!(walk.form("/oauth/token", &[("grant_type", "refresh_token")]).await.status, 401);
}

#[tokio::test]
async fn malformed_token_requests() {
    let walk = Walk::new();
    assert_eq!(walk.token(&[]).await.json()["error"], "invalid_request");
    assert_eq!(walk.token(&[("grant_type", "password")]).await.json()["error"], "unsupported_grant_type");
    let twice = walk.token(&[("grant_type", "refresh_token"), ("grant_type", "refresh_token")]).await;
    assert_eq!(twice.json()["error"], "invalid_request");
    let json = Request::post("/oauth/token").header("content-type", "application/json");
    assert_eq!(walk.send(json.body(Body::from("{}")).unwrap()).await.json()["error"], "invalid_request");
    let calls = walk.control.stats().token_calls;
    assert_eq!((calls["none"], calls["other"]), (3, 1));
}

#[tokio::test]
async fn a_code_lives_a_minute_and_once() {
    let walk = Walk::new();
    let code = walk.code("alice", ALL).await;
    walk.later(60);
    assert_eq!(walk.exchange(&code).await.json()["error"], "invalid_grant");

    let code = walk.code("alice", ALL).await;
    walk.later(59);
    let (access, refresh) = tokens(&walk.exchange(&code).await);
    assert_eq!(walk.exchange(&code).await.json()["error"], "invalid_grant");
    assert_eq!(walk.control.stats().reuse_events, 1);
    assert_eq!(walk.api("GET", "/crm/contacts", &access, "").await.status, 401);
    assert_eq!(walk.refresh(&refresh).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_reuse_ends_the_family() {
    let walk = Walk::new();
    let (_, first) = walk.grant("alice", ALL).await;
    let (_, other) = walk.grant("alice", ALL).await;
    let (access, second) = tokens(&walk.refresh(&first).await);
    assert_ne!(first, second);
    assert_eq!(walk.api("GET", "/crm/contacts", &access, "").await.status, 200);
    assert_eq!(walk.refresh(&first).await.json()["error"], "invalid_grant");
    assert_eq!(walk.refresh(&second).await.json()["error"], "invalid_grant");
    assert_eq!(walk.api("GET", "/crm/contacts", &access, "").await.status, 401);
    assert_eq!(walk.refresh(&other).await.status, 200);
    let stats = walk.control.stats();
    assert_eq!((stats.refreshes, stats.reuse_events, stats.token_calls["refresh_token"]), (2, 1, 4));
}

#[tokio::test]
async fn a_refresh_may_narrow_but_not_widen() {
    let walk = Walk::new();
    let (_, refresh) = walk.grant("alice", "crm.read offline").await;
    let ask = |token: String, scope: &'static str| {
        let walk = &walk;
        async move {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", scope)];
            walk.token(&fields).await
        }
    };
    assert_eq!(ask(refresh.clone(), "crm.write").await.json()["error"], "invalid_scope");
    let narrow = ask(refresh, "crm.read").await;
    assert_eq!(narrow.json()["scope"], "crm.read");
    assert_eq!(ask(tokens(&narrow).1, "crm.read offline").await.status, 200);
}

#[tokio::test]
async fn without_offline_there_is_no_refresh_token() {
    let walk = Walk::new();
    let answer = walk.exchange(&walk.code("bob", "crm.read").await).await.json();
    assert!(answer.get("refresh_token").is_none());
    let answer = walk.exchange(&walk.code("bob", "").await).await.json();
    assert_eq!(answer["scope"], "crm.read");
}

#[tokio::test]
async fn access_tokens_expire_by_time_or_by_hand() {
    let walk = Walk::new();
    let (access, refresh) = walk.grant("alice", ALL).await;
    walk.later(3599);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.status, 200);
    walk.later(1);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.status, 401);
    let (access, refresh) = tokens(&walk.refresh(&refresh).await);
    assert_eq!(walk.control.expire_access_tokens(), 1);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.status, 401);
    let (_, refresh) = tokens(&walk.refresh(&refresh).await);
    assert_eq!(walk.control.revoke_grants(), 1);
    assert_eq!(walk.refresh(&refresh).await.json()["error"], "invalid_grant");
    assert_eq!(walk.control.stats().reuse_events, 0);
}

#[tokio::test]
async fn revocation() {
    let walk = Walk::new();
    let (access, refresh) = walk.grant("alice", ALL).await;
    let revoke = |token: String| {
        let walk = &walk;
        async move {
            let fields = [("client_id", "app"), ("client_secret", "s3cret+ /ü"), ("token", &token)];
            walk.form("/oauth/revoke", &fields).await.status
        }
    };
    assert_eq!(walk.form("/oauth/revoke", &[("token", &refresh)]).await.status, 401);
    assert_eq!(revoke(String::new()).await, 400);
    assert_eq!(revoke("unknown".to_owned()).await, 200);
    assert_eq!(revoke(access.clone()).await, 200);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.status, 401);
    let (access, refresh) = tokens(&walk.refresh(&refresh).await);
    assert_eq!(revoke(refresh.clone()).await, 200);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.status, 401);
    assert_eq!(walk.refresh(&refresh).await.json()["error"], "invalid_grant");
    assert_eq!(walk.control.stats().revocations, 5);
}
