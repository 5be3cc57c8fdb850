//! Each field of each body: missing, null, of another type, too long, hostile.

use super::endpoints::{Endpoint, Takes, endpoints};
use crate::support::http::Reply;
use crate::support::secrets::row_counts;
use crate::support::stage::{Stage, each};
use serde_json::{Value, json};

async fn send(stage: &Stage, endpoint: &Endpoint, body: &Value) -> Reply {
    stage.app.call(endpoint.method.parse().unwrap(), &endpoint.path).json(body).send().await
}

/// What is wrong with the refusal; none when nothing is.
fn complaint(reply: &Reply, shown: &str) -> Option<String> {
    let status = reply.status.as_u16();
    if !matches!(status, 400 | 404 | 422) {
        return Some(format!("{status} {}", reply.text()));
    }
    let body = reply.error();
    if body["error_code"].as_str().is_some_and(|code| code.starts_with("upstream_")) {
        return Some(format!("the provider was asked: {body}"));
    }
    if reply.body.len() > 20_000 {
        return Some(format!("the error is not bounded, it has {} bytes", reply.body.len()));
    }
    if status == 422 && body["error_code"] == "invalid" {
        let fields = reply.wrong_fields();
        let named = |field: &String| field == shown || field.starts_with(&format!("{shown}."));
        return (!fields.iter().any(named)).then(|| format!("names {fields:?}, not {shown}"));
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_values_are_refused_and_leave_no_trace() {
    each(async |stage| {
        let all = endpoints(stage).await;
        let rows = row_counts(&stage.database).await;
        stage.upstream.forget();
        let calls = stage.peer.control.log().len();
        let mut complaints = Vec::new();
        for endpoint in &all {
            for field in &endpoint.fields {
                for value in field.takes.refused() {
                    let mut body = endpoint.good.clone();
                    body[field.name] = value.clone();
                    let shown = if field.takes == Takes::Name { field.name } else { field.shown };
                    let shown_value: String = value.to_string().chars().take(60).collect();
                    let what = format!("{} {} {}={shown_value}", endpoint.method, endpoint.path, field.name);
                    let shown = if field.name == "server_side_oauth_secret_id" { field.name } else { shown };
                    let complaint = complaint(&send(stage, endpoint, &body).await, shown);
                    complaints.extend(complaint.map(|complaint| format!("{what}: {complaint}")));
                }
            }
        }
        assert!(complaints.is_empty(), "{complaints:#?}");
        assert_eq!(row_counts(&stage.database).await, rows, "nothing was stored");
        assert!(
            stage.upstream.seen().is_empty() && stage.peer.control.log().len() == calls,
            "nobody was called"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn required_fields_are_named_when_missing_or_null() {
    each(async |stage| {
        let all = endpoints(stage).await;
        let rows = row_counts(&stage.database).await;
        stage.upstream.forget();
        for endpoint in &all {
            for field in endpoint.fields.iter().filter(|field| field.required) {
                let mut missing = endpoint.good.clone();
                missing.as_object_mut().unwrap().shift_remove(field.name);
                let mut null = endpoint.good.clone();
                null[field.name] = json!(null);
                for body in [missing, null] {
                    let reply = send(stage, endpoint, &body).await;
                    assert_eq!(
                        reply.status.as_u16(),
                        422,
                        "{} without {}: {}",
                        endpoint.path,
                        field.name,
                        reply.text()
                    );
                    let fields = reply.wrong_fields();
                    assert!(fields.iter().any(|name| name == field.shown), "{}: {fields:?}", field.name);
                }
            }
            if endpoint.fields.iter().any(|field| field.required) {
                let reply = send(stage, endpoint, &json!({})).await;
                let required = endpoint.fields.iter().filter(|field| field.required).count();
                assert_eq!(reply.is(422).wrong_fields().len(), required, "all at once: {}", reply.text());
            }
        }
        assert_eq!(row_counts(&stage.database).await, rows, "nothing was stored");
        assert!(stage.upstream.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn optional_fields_may_be_null_and_unknown_ones_are_ignored() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        for endpoint in endpoints(stage).await {
            let mut body = endpoint.good.clone();
            for field in endpoint.fields.iter().filter(|field| !field.required) {
                body[field.name] = json!(null);
            }
            let strict = ["/oauth/credentials", "/organizations/settings", "/revocations"]
                .contains(&endpoint.path.as_str());
            if !strict {
                body["some_field_of_an_old_client"] = json!({"deep": [1, null, "x"]});
            }
            let reply = send(stage, &endpoint, &body).await;
            // The token endpoint's credentials are made up; everything else works.
            let wanted = if endpoint.path.ends_with("applications/token") { 401 } else { 200 };
            assert_eq!(
                reply.status.as_u16(),
                wanted,
                "{} {}: {}",
                endpoint.method,
                endpoint.path,
                reply.text()
            );
        }
    })
    .await;
}
