//! Redirects: followed for reading only, to known hosts only, three at most, with the credential decided anew.

use crate::support::stage::{Stage, each};
use crate::support::upstream::{json as answer, redirect};
use serde_json::{Value, json};

async fn get(stage: &Stage, connector: &str) -> crate::support::http::Reply {
    stage.execute(connector, "items", "get", &json!({"id": "1"})).await
}

/// Redirects operations to `to`; everything else is answered.
fn redirecting(stage: &Stage, status: u16, to: &str) {
    let to = to.to_owned();
    stage.upstream.forget();
    stage.other.forget();
    stage.other.says(json!({"from": "other"}));
    stage.upstream.answers(move |asked| {
        if asked.path().starts_with("/base/items") {
            redirect(status, &to)
        } else {
            answer(200, &json!({"from": "here"}))
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_origin_is_followed_with_the_credential() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for status in [301, 302, 303, 307, 308] {
            for to in ["/moved?x=1", "../moved?x=1", &format!("{}/moved?x=1", stage.upstream.url)] {
                redirecting(stage, status, to);
                assert_eq!(
                    get(stage, &connector).await.ok()["result"],
                    json!({"from": "here"}),
                    "{status} {to}"
                );
                let seen = stage.upstream.seen();
                assert_eq!(seen.len(), 2);
                assert!(seen[1].header("authorization").is_some());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_host_is_followed_without_any_credential() {
    each(async |stage| {
        let key = json!({"api_key": stage.secrets.fresh("key")});
        let mut connectors = vec![stage.bench("w1").await];
        for scheme in ["key", "query_key"] {
            let made = stage.import("work-bench", "w1", &key, &json!({"auth_scheme": scheme})).await.ok();
            connectors.push(crate::support::walk::id(&made));
        }
        for connector in &connectors {
            redirecting(stage, 302, &format!("{}/file", stage.other.url));
            assert_eq!(get(stage, connector).await.ok()["result"], json!({"from": "other"}));
            let seen = stage.other.seen();
            assert_eq!(seen[0].target, "/file");
            for name in ["authorization", "x-bench-key", "cookie", "referer"] {
                assert!(seen[0].header(name).is_none(), "{name}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_refused() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let port = stage.other.url.rsplit(':').next().unwrap().to_owned();
        for to in [
            format!("http://localhost:{port}/x"),
            format!("http://user:pass@127.0.0.1:{port}@evil.example/x"),
            "http://127.0.0.1:9/x".to_owned(),
            "https://evil.example/x".to_owned(),
            "//evil.example/x".to_owned(),
            "\\\\evil.example/x".to_owned(),
            "file:///etc/passwd".to_owned(),
            "javascript:alert(1)".to_owned(),
            "http://169.254.169.254/latest".to_owned(),
            "http://[::1]/".to_owned(),
            "http://".to_owned(),
        ] {
            redirecting(stage, 302, &to);
            let reply = get(stage, &connector).await;
            assert_eq!(reply.status.as_u16(), 502, "{to}: {}", reply.text());
            reply.fails(502, "upstream_redirect_refused");
            assert!(stage.other.seen().is_empty(), "{to}");
        }
        for (action, params) in
            [("create", json!({"name": "n"})), ("update", json!({"id": "1"})), ("delete", json!({"id": "1"}))]
        {
            for status in [301, 302, 303, 307, 308] {
                redirecting(stage, status, "/moved");
                let reply = stage.execute(&connector, "items", action, &params).await;
                reply.fails(502, "upstream_redirect_refused");
                assert_eq!(stage.upstream.seen().len(), 1, "{action} {status}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hops_are_followed_and_a_fourth_is_not() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let hops = |most: u32| {
            stage.upstream.forget();
            stage.upstream.answers(move |asked| {
                let at: u32 =
                    asked.path().strip_prefix("/hop").and_then(|number| number.parse().ok()).unwrap_or(0);
                if at < most {
                    redirect(302, &format!("/hop{}", at + 1))
                } else {
                    answer(200, &json!({"at": at}))
                }
            });
        };
        hops(3);
        assert_eq!(get(stage, &connector).await.ok()["result"], json!({"at": 3}));
        hops(4);
        get(stage, &connector).await.fails(502, "upstream_redirect_refused");
        assert_eq!(stage.upstream.seen().len(), 4);
        hops(u32::MAX);
        get(stage, &connector).await.fails(502, "upstream_redirect_refused");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_of_another_origin_does_not_spend_the_refresh() {
    each(async |stage| {
        stage.put_bench_app().await;
        let (access, refresh) = (stage.secrets.fresh("at"), stage.secrets.fresh("rt"));
        let other = stage.other.url.clone();
        stage.upstream.answers(move |asked| match asked.path() {
            "/token" => answer(200, &json!({"access_token": access, "refresh_token": refresh})),
            _ => redirect(302, &format!("{other}/file")),
        });
        stage.other.answers(|_| answer(401, &json!({"message": "who are you"})));
        let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
        let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        let connector = crate::support::walk::param(&home, "connector_id").unwrap();
        let reply = get(stage, &connector).await;
        assert!(reply.status.as_u16() >= 400);
        let refreshes: Vec<Value> =
            stage.upstream.seen_at("/token").iter().map(|asked| json!(asked.form())).collect();
        assert_eq!(refreshes.len(), 1, "the exchange only: {}", reply.text());
    })
    .await;
}
