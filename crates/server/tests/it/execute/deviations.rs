//! Faults of the published executor that are absent here. Each test says in its name what happens instead. Dropped
//! connections are in `retries`.

use crate::support::stage::{Setup, Stage};
use crate::support::upstream::{Asked, json as answer, redirect};
use crate::support::walk::{id, with};
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

const KIND: &str = "light-house";

async fn each(test: impl AsyncFn(&Stage)) {
    let setup = Setup::new().definition(include_str!("../support/definitions/lighthouse.yaml"));
    setup.each(test).await;
}

/// A connector with a header key.
async fn keyed(stage: &Stage) -> (String, String) {
    let key = stage.secrets.fresh("key");
    let credentials = json!({"api_key": key, "tenant": "t1"});
    let more = json!({"auth_scheme": "keyed", "environment": {"harbour": "north"}});
    (id(&stage.import(KIND, "w1", &credentials, &more).await.ok()), key)
}

/// A connector that can be refreshed.
async fn refreshable(stage: &Stage) -> String {
    let credentials = json!({
        "access_token": stage.secrets.fresh("at"), "refresh_token": stage.secrets.fresh("rt"),
        "client_id": "c", "client_secret": stage.secrets.fresh("cs"),
    });
    let more = json!({"auth_scheme": "oauth2", "environment": {"harbour": "north"}});
    id(&stage.import(KIND, "w1", &credentials, &more).await.ok())
}

async fn get(stage: &Stage, connector: &str, params: &Value) -> Asked {
    stage.upstream.forget();
    stage.execute(connector, "lamps", "get", params).await.ok();
    let seen = stage.upstream.seen();
    assert_eq!(seen.len(), 1);
    seen[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_401_after_a_refresh_ends_the_call() {
    each(async |stage| {
        let connector = refreshable(stage).await;
        let token = stage.secrets.fresh("at");
        stage.upstream.answers(move |asked| match asked.path() {
            "/token" => answer(200, &json!({"access_token": token, "token_type": "Bearer"})),
            _ => answer(401, &json!({"message": "no"})),
        });
        let reply = stage.execute(&connector, "lamps", "get", &json!({"key": "a"})).await;
        reply.fails(409, "reauthorization_required");
        let paths: Vec<String> = stage.upstream.seen().iter().map(|asked| asked.path().to_owned()).collect();
        assert_eq!(paths, ["/base/lamps/a", "/token", "/base/lamps/a"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_obeyed() {
    // Longer than the whole time limit: no second request, and the caller learns the pause.
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.answers(|_| {
            let mut response = answer(429, &json!({"message": "slow down"}));
            response.headers_mut().insert("retry-after", "3600".parse().unwrap());
            response
        });
        let reply = stage.execute(&connector, "lamps", "list", &json!({})).await;
        reply.fails(429, "upstream_rate_limited");
        assert_eq!(reply.headers["retry-after"], "3600");
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_for_a_nullable_variable_is_sent_and_another_is_left_out() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.says(json!({"data": {}}));
        stage.execute(&connector, "lamps", "update", &json!({"keeper": null, "other": null})).await.ok();
        assert_eq!(stage.upstream.seen()[0].json()["variables"], json!({"keeper": null}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dots_in_a_path_are_refused_and_nothing_is_sent() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        for hostile in [".", "..", "%2e%2e", "%2E", ".%2e"] {
            let reply = stage.execute(&connector, "lamps", "get", &json!({"key": hostile})).await;
            // A percent sign is text and is encoded once more: it cannot climb.
            if hostile.contains('%') {
                assert!(stage.upstream.seen().iter().all(|asked| asked.target.contains("/base/lamps/")));
            } else {
                reply.fails(422, "invalid_params");
                assert!(stage.upstream.seen().is_empty());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_value_is_one_json_scalar() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.says(json!({}));
        for wrong in [json!({"a": 1}), json!([1])] {
            let reply = stage.execute(&connector, "lamps", "get", &json!({"key": wrong})).await;
            reply.fails(422, "invalid_params");
        }
        assert!(stage.upstream.seen().is_empty());
        assert_eq!(get(stage, &connector, &json!({"key": true})).await.path(), "/base/lamps/true");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maps_in_a_query_are_json_and_nested_ones_of_deep_objects_are_nested_keys() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.says(json!({}));
        let params = json!({"key": "a", "filter": {"a": true, "b": null}, "range": {"from": {"day": 1}, "to": [2, 3]}});
        let query = get(stage, &connector, &params).await.query();
        let values = |name: &str| -> Vec<&str> {
            query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!(values("filter"), [r#"{"a":true,"b":null}"#]);
        assert_eq!(values("range[from][day]"), ["1"]);
        assert_eq!(values("range[to]"), ["2", "3"]);
        assert!(!query.iter().any(|(_, value)| value.contains("True") || value.contains('\'')));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nan_is_no_json_and_a_byte_order_mark_is_harmless() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        let body = Arc::new(std::sync::Mutex::new(""));
        let said = Arc::clone(&body);
        stage.upstream.answers(move |_| {
            ([("content-type", "application/json")], *said.lock().unwrap()).into_response()
        });
        for bad in [r#"{"a":NaN}"#, r#"[{"a":-Infinity}]"#] {
            *body.lock().unwrap() = bad;
            let reply = stage.execute(&connector, "lamps", "get", &json!({"key": "a"})).await;
            reply.fails(502, "upstream_error");
        }
        *body.lock().unwrap() = "\u{feff}{\"a\":1}";
        let reply = stage.execute(&connector, "lamps", "get", &json!({"key": "a"})).await.ok();
        assert_eq!(reply["result"], json!({"a": 1}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_not_repeated_on_a_failure() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        for status in [429, 500, 502, 503, 504] {
            stage.upstream.forget();
            stage.upstream.answers(move |_| answer(status, &json!({})));
            stage.execute(&connector, "lamps", "create", &json!({"key": "a"})).await.error();
            assert_eq!(stage.upstream.seen().len(), 1, "{status}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_are_told_at_creation() {
    each(async |stage| {
        for credentials in
            [json!({}), json!({"tenant": "t1"}), json!({"api_key": ""}), json!({"api_key": null})]
        {
            let more = json!({"auth_scheme": "keyed", "environment": {"harbour": "north"}});
            let reply = stage.import(KIND, "w1", &credentials, &more).await;
            assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.text());
        }
        // An optional field that only a header uses: the header is left out, not sent empty.
        let key = stage.secrets.fresh("key");
        let more = json!({"auth_scheme": "keyed", "environment": {"harbour": "north"}});
        let made = id(&stage.import(KIND, "w1", &json!({"api_key": key}), &more).await.ok());
        stage.upstream.says(json!({}));
        assert_eq!(get(stage, &made, &json!({"key": "a"})).await.header("x-tenant").unwrap_or_default(), "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_knows_the_scope_that_calls_know() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.says(json!([]));
        let path = format!("/integrations/connectors/{connector}/check");
        let reply = stage.app.post(&path, &json!({})).await.ok();
        assert_eq!(reply["status"], "succeeded", "{reply}");
        assert_eq!(stage.upstream.seen()[0].path(), "/base/harbours/north/lamps");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_in_a_default_is_rendered() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.says(json!({}));
        let query = get(stage, &connector, &json!({"key": "a"})).await.query();
        let (_, since) = query.iter().find(|(name, _)| name == "since").unwrap();
        assert!(since.len() == 8 && since.bytes().all(|byte| byte.is_ascii_digit()), "{since}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_leaves_by_a_redirect() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        let other = stage.other.url.clone();
        stage.other.says(json!({"from": "other"}));
        stage.upstream.answers(move |_| redirect(302, &format!("{other}/elsewhere")));
        // A listed host may be visited, without the key and without the headers that hold secrets of the connector.
        stage.execute(&connector, "lamps", "get", &json!({"key": "a"})).await.ok();
        let asked = &stage.other.seen()[0];
        assert!(asked.header("x-lamp-key").is_none() && asked.header("authorization").is_none());
        assert!(asked.header("x-tenant").is_none());
        for hostile in ["http://127.0.0.1:9/", "https://evil.example/", "//evil.example/x"] {
            stage.upstream.answers(move |_| redirect(302, hostile));
            let reply = stage.execute(&connector, "lamps", "get", &json!({"key": "a"})).await;
            reply.fails(502, "upstream_redirect_refused");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_not_turned_into_a_get_and_a_loop_ends_after_three_hops() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.answers(|_| redirect(302, "/base/lamps/b"));
        let reply = stage.execute(&connector, "lamps", "create", &json!({"key": "a"})).await;
        reply.fails(502, "upstream_redirect_refused");
        assert_eq!(stage.upstream.seen().len(), 1);
        stage.upstream.forget();
        let reply = stage.execute(&connector, "lamps", "get", &json!({"key": "a"})).await;
        reply.fails(502, "upstream_redirect_refused");
        assert_eq!(stage.upstream.seen().len(), 4, "the first request and three hops");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_link_that_only_begins_like_the_base_gets_no_credential() {
    each(async |stage| {
        let (connector, key) = keyed(stage).await;
        let base = format!("{}/base", stage.upstream.url);
        for trick in
            [format!("{base}.evil.example/x"), format!("{base}@evil.example/x"), format!("{base}-x/y")]
        {
            stage.upstream.forget();
            let link = trick.clone();
            stage.upstream.answers(move |asked| match asked.path() {
                "/base/pictures/a" => answer(200, &json!({"url": link})),
                _ => (StatusCode::OK, "bytes").into_response(),
            });
            stage.execute(&connector, "pictures", "download", &json!({"key": "a"})).await;
            for asked in stage.upstream.seen().iter().filter(|asked| asked.path() != "/base/pictures/a") {
                assert!(!format!("{asked:?}").contains(&key), "{trick}: {asked:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_counts_as_not_given_and_a_list_for_a_text_is_refused() {
    each(async |stage| {
        let (connector, _) = keyed(stage).await;
        stage.upstream.says(json!({}));
        let asked = get(stage, &connector, &json!({"key": "a", "note": null})).await;
        assert!(asked.query().iter().all(|(name, _)| name != "note"));
        for wrong in [json!(["x"]), json!([]), json!({"x": 1})] {
            let params = with(json!({"key": "a"}), &json!({"note": wrong}));
            stage.execute(&connector, "lamps", "get", &params).await.fails(422, "invalid_params");
        }
    })
    .await;
}
