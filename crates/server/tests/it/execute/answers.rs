//! Results: what providers answer with 2xx, from nothing to deep, wrong and huge, and what we hand on.

use crate::support::stage::{Stage, each};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

fn raw(status: u16, kind: Option<&'static str>, body: impl Into<Vec<u8>>) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body.into()).into_response();
    response.headers_mut().remove("content-type");
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind.parse().unwrap());
    }
    response
}

async fn result(
    stage: &Stage,
    connector: &str,
    action: &str,
    respond: impl Fn() -> Response + Send + Sync + 'static,
) -> Value {
    stage.upstream.answers(move |_| respond());
    let params = if action == "list" { json!({}) } else { json!({"id": "1"}) };
    stage.execute(connector, "items", action, &params).await.ok()["result"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_bodies_are_empty_objects_and_lists() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for (status, body) in [(200, ""), (200, "  \n"), (201, ""), (202, ""), (204, "")] {
            let got = result(stage, &connector, "get", move || raw(status, Some("text/html"), body)).await;
            assert_eq!(got, json!({}), "{status} {body:?}");
        }
        for body in ["{}", "{\"items\": null}", "{\"items\": []}", "{\"other\": [1]}"] {
            let got =
                result(stage, &connector, "list", move || raw(200, Some("application/json"), body)).await;
            assert!(got == json!([]) || (body.contains("null") && got == json!(null)), "{body}: {got}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_texts_and_order_come_through_exactly() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let body = r#"{"z":12345678901234567890123,"a":0.10000000000000000001,"e":1e400,"neg":-0,"t":"é\u00e9\ud83d\ude00\u0000","n":null,"deep":{"b":[1,[2,[3]]]}}"#;
        stage.upstream.answers(move |_| raw(200, Some("application/json"), body));
        let reply = stage.execute(&connector, "items", "get", &json!({"id": "1"})).await;
        reply.ok();
        assert!(reply.text().contains(body), "byte for byte: {}", reply.text());
        let list = format!(r#"{{"total":3,"items":[{body},{body}],"next":"n"}}"#);
        stage.upstream.answers(move |_| raw(200, Some("application/json"), list.clone()));
        let reply = stage.execute(&connector, "items", "list", &json!({})).await;
        assert!(reply.text().contains(&format!("\"result\":[{body},{body}]")), "{}", reply.text());
        assert_eq!(reply.ok()["connector_metadata"]["total"], 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_types_are_read_tolerantly() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for kind in [
            Some("application/json; charset=utf-8"),
            Some("application/problem+json"),
            None,
            Some("text/plain"),
            Some("application/octet-stream"),
            Some("text/javascript"),
        ] {
            let got = result(stage, &connector, "get", move || raw(200, kind, "\u{feff} {\"id\": 1} ")).await;
            assert_eq!(got, json!({"id": 1}), "{kind:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_the_providers_fault() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep_object = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
        for (kind, body) in [
            (Some("text/html"), b"<html>hello</html>".to_vec()),
            (Some("application/xml"), b"<a/>".to_vec()),
            (Some("application/json"), b"{\"id\": 1".to_vec()),
            (Some("application/json"), b"{\"id\": 1} {}".to_vec()),
            (Some("application/json"), b"{'id': 1}".to_vec()),
            (Some("application/json"), b"{\"id\": NaN}".to_vec()),
            (Some("application/json"), b"{\"id\": \"a\x01\"}".to_vec()),
            (Some("application/json"), deep.clone().into_bytes()),
            (Some("application/json"), format!("{{\"items\":{deep}}}").into_bytes()),
            (Some("application/json"), deep_object.into_bytes()),
        ] {
            for action in ["get", "list"] {
                let sent = body.clone();
                stage.upstream.answers(move |_| raw(200, kind, sent.clone()));
                let params = if action == "list" { json!({}) } else { json!({"id": "1"}) };
                let reply = stage.execute(&connector, "items", action, &params).await;
                reply.fails(502, "upstream_error");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_keep_odd_elements_as_objects() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let body = r#"{"items":[{"id":1},2,"x",null,[3]]}"#;
        let got = result(stage, &connector, "list", move || raw(200, Some("application/json"), body)).await;
        assert_eq!(got, json!([{"id": 1}, {"value": 2}, {"value": "x"}, {"value": null}, {"value": [3]}]));
    })
    .await;
}
