//! Faults, log and counters, in process and over HTTP.

use axum::body::Body;
use axum::http::Request;
use keybearer_demo_provider::{Area, At, Effect, Fault};
use serde_json::{Value, json};

use crate::walk::{ALL, Walk, tokens};

async fn control(walk: &Walk, method: &str, target: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("/_control{target}"));
    let answer = walk.send(request.body(Body::from(body.to_string())).unwrap()).await;
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
}

#[tokio::test]
async fn statuses_strike_as_often_as_asked() {
    let walk = Walk::new();
    let (access, refresh) = walk.grant("alice", ALL).await;
    let effect = Effect::Status { status: 429, retry_after: Some("7".to_owned()), body: None };
    walk.control.inject(Fault::once(At::Api, effect).times(2).on("GET /crm/contacts"));
    assert_eq!(walk.api("GET", "/crm/deals", &access, "").await.status, 200);
    for (status, retry_after) in [(429, "7"), (429, "7"), (200, "")] {
        let answer = walk.api("GET", "/crm/contacts/1001", &access, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (status, retry_after));
    }
    walk.control.inject(Fault::status(At::Token, 503).on_refresh());
    let code = walk.code("bob", ALL).await;
    assert_eq!(walk.exchange(&code).await.status, 200);
    assert_eq!(walk.refresh(&refresh).await.status, 503);
    assert_eq!(walk.refresh(&refresh).await.status, 200, "the refused call did not rotate");
    assert_eq!(walk.control.stats().faults, 3);
}

#[tokio::test]
async fn a_lost_answer_took_effect() {
    let walk = Walk::new();
    let (access, refresh) = walk.grant("alice", ALL).await;
    walk.control.inject(Fault::status(At::Token, 502).after_processing());
    assert_eq!(walk.refresh(&refresh).await.status, 502);
    assert_eq!(walk.refresh(&refresh).await.json()["error"], "invalid_grant");
    assert_eq!(walk.control.stats().reuse_events, 1);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.status, 401);
}

#[tokio::test]
async fn token_answers_bend() {
    let walk = Walk::new();
    let (_, mut refresh) = walk.grant("alice", ALL).await;
    for (fields, expected) in [
        (json!({"expires_in": null}), None),
        (json!({"expires_in": "60"}), Some(json!("60"))),
        (json!({"expires_in": -5}), Some(json!(-5))),
    ] {
        let Value::Object(fields) = fields else { unreachable!() };
        walk.control.inject(Fault::once(At::Token, Effect::Merge { fields }));
        let answer = walk.refresh(&refresh).await;
        assert_eq!(answer.json().get("expires_in"), expected.as_ref());
        refresh = tokens(&answer).1;
    }

    walk.control.inject(Fault::once(At::Token, Effect::NoRefreshToken));
    assert!(walk.refresh(&refresh).await.json().get("refresh_token").is_none());

    walk.control.inject(Fault::once(At::Token, Effect::Scope { scope: "crm.read".to_owned() }));
    let narrow = walk.refresh(&refresh).await;
    assert_eq!(narrow.json()["scope"], "crm.read");
    let (access, refresh) = tokens(&narrow);
    assert_eq!(walk.api("POST", "/crm/contacts", &access, "{}").await.status, 403);

    walk.control.inject(Fault::once(At::Token, Effect::FormEncoded));
    let encoded = walk.refresh(&refresh).await;
    assert_eq!(encoded.header("content-type"), "application/x-www-form-urlencoded");
    assert!(encoded.text().starts_with("access_token=at_") && encoded.text().contains("&expires_in=3600&"));

    walk.control.inject(Fault::once(At::Token, Effect::NotJson));
    assert_eq!(walk.refresh("x").await.header("content-type"), "text/html; charset=utf-8");

    let to = "http://elsewhere.example/token".to_owned();
    walk.control.inject(Fault::once(At::Token, Effect::Redirect { to: to.clone(), status: 308 }));
    let moved = walk.refresh("x").await;
    assert_eq!((moved.status.as_u16(), moved.header("location")), (308, to.as_str()));
}

#[tokio::test]
async fn the_log_shows_requests_without_credentials() {
    let walk = Walk::new();
    let (access, _) = walk.grant("alice", ALL).await;
    walk.control.reset();
    assert!(walk.control.log().is_empty());
    walk.api("GET", "/crm/contacts?q=a%20b", &access, "").await;
    walk.api("GET", "/nowhere", &access, "").await;
    walk.refresh("rt_leak").await;
    let log = walk.control.log();
    let areas: Vec<_> = log.iter().map(|seen| seen.area).collect();
    assert_eq!(areas, [Area::Api, Area::Other, Area::Oauth]);
    assert_eq!(log[0].target, "/crm/contacts?q=a%20b");
    assert!(log[0].header("authorization").unwrap().starts_with("Bearer sha256:"));
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains(&access) && !text.contains("rt_leak") && !text.contains("s3cret"));
    assert_eq!(walk.control.stats().api_calls["GET /crm/contacts"], 1);
    assert_eq!(walk.control.api_log().len(), 1);
}

#[tokio::test]
async fn control_over_http() {
    let walk = Walk::new();
    let (access, _) = walk.grant("alice", ALL).await;
    let fault =
        json!({"at": "api", "times": 2, "effect": {"status": {"status": 200, "body": {"ok": false}}}});
    assert_eq!(control(&walk, "POST", "/faults", fault).await.0, 204);
    assert_eq!(control(&walk, "POST", "/faults", json!({"at": "token", "effect": "drop"})).await.0, 204);
    assert_eq!(walk.api("GET", "/userinfo", &access, "").await.json(), json!({"ok": false}));
    let pending = control(&walk, "GET", "/faults", Value::Null).await.1;
    assert_eq!(pending["faults"][0]["times"], 1);
    assert_eq!(pending["faults"][1]["effect"], "drop");
    assert_eq!(control(&walk, "DELETE", "/faults", Value::Null).await.0, 204);
    for bad in [
        json!({"at": "nowhere", "effect": "drop"}),
        json!({"at": "api", "effect": {"status": {"status": 100}}}),
        json!({"at": "api", "effect": {"redirect": {"to": "/", "status": 200}}}),
        json!({"at": "api", "effect": "drop", "tines": 2}),
    ] {
        assert_eq!(control(&walk, "POST", "/faults", bad.clone()).await.0, 400, "{bad}");
    }
    assert_eq!(control(&walk, "POST", "/expire", Value::Null).await, (200, json!({"expired": 1})));
    assert_eq!(control(&walk, "POST", "/revoke", Value::Null).await, (200, json!({"revoked": 1})));
    let stats = control(&walk, "GET", "/stats", Value::Null).await.1;
    assert_eq!((&stats["api_calls"]["GET /userinfo"], &stats["faults"]), (&json!(1), &json!(1)));
    let log = control(&walk, "GET", "/log", Value::Null).await.1;
    assert_eq!(log["requests"].as_array().unwrap().len(), 4);
    assert_eq!(control(&walk, "POST", "/reset", Value::Null).await.0, 204);
    assert!(walk.control.log().is_empty());

    let uri = "http://localhost:1/other";
    assert_eq!(control(&walk, "POST", "/redirect-uris", json!({"redirect_uri": uri})).await.0, 204);
    assert_eq!(walk.authorize(&[("redirect_uri", uri)]).await.status, 200);
    let page = Request::post("/_control/expire").header("origin", "http://evil.example");
    assert_eq!(walk.send(page.body(Body::empty()).unwrap()).await.status, 403);
}
