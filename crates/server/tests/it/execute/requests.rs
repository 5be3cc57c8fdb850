//! The provider's request: values are data, encoded where they stand, and never change where the request goes.

use crate::support::stage::each;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn path_values_stay_one_segment_or_are_refused() {
    each(async |stage| {
        stage.upstream.says(json!({"id": 1}));
        let connector = stage.bench("w1").await;
        for value in [
            ".",
            "..",
            "%2e",
            "%2e%2e",
            "%2E%2e",
            ".%2e",
            "%252e%252e",
            "..%2f",
            "../..",
            "a/../admin",
            "..\\",
            "..;/x",
            ".%09.",
            "..\t",
            ".\n.",
        ] {
            let reply = stage.execute(&connector, "items", "get", &json!({"id": value})).await;
            if reply.status == 200 {
                let target = &stage.upstream.seen().last().unwrap().target.clone();
                let segment =
                    target.strip_prefix("/base/items/").unwrap_or_else(|| panic!("{value:?} -> {target}"));
                assert!(!segment.contains(['/', '\\', '?', '#', ';']), "{value:?} -> {target}");
                let once = percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned();
                assert_eq!(once, value, "{target}");
                assert!(!matches!(once.as_str(), "." | ".."), "{value:?}");
            } else {
                reply.fails(422, "invalid_params");
            }
        }
        for value in [".", "..", "%2e%2e", "%2E."] {
            stage
                .execute(&connector, "items", "get", &json!({"id": value}))
                .await
                .fails(422, "invalid_params");
        }
        stage.upstream.forget();
        for (value, sent) in [
            ("a b", "a%20b"),
            ("a/b", "a%2Fb"),
            ("x?y=z", "x%3Fy%3Dz"),
            ("x#y", "x%23y"),
            ("50%", "50%25"),
            ("a+b", "a%2Bb"),
            ("é", "%C3%A9"),
            ("a@b:c", "a%40b%3Ac"),
            ("//evil.example/x", "%2F%2Fevil.example%2Fx"),
            ("https://evil.example", "https%3A%2F%2Fevil.example"),
            ("\\\\evil.example", "%5C%5Cevil.example"),
            ("{{ token }}", "%7B%7B%20token%20%7D%7D"),
            ("...", "..."),
        ] {
            stage.execute(&connector, "items", "get", &json!({"id": value})).await.ok();
            assert_eq!(stage.upstream.seen().last().unwrap().target, format!("/base/items/{sent}"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn query_body_and_header_values_are_never_evaluated() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let connector = stage.bench("w1").await;
        let hostile = [
            "{{ token }}",
            "${token}",
            "{% include 'x' %}",
            "a&state=closed",
            "a=b#c",
            "x\" OR 1=1",
            "\u{202e}",
            "a\u{0}b",
            "%00",
            "+ +",
        ];
        for value in hostile {
            stage.upstream.forget();
            stage.execute(&connector, "items", "list", &json!({"after": value})).await.ok();
            assert_eq!(stage.upstream.seen()[0].query(), [("after".to_owned(), value.to_owned())]);
            stage
                .execute(&connector, "items", "create", &json!({"name": value, "more": {"deep": [value]}}))
                .await
                .ok();
            assert_eq!(stage.upstream.seen()[1].json(), json!({"name": value, "more": {"deep": [value]}}));
        }
        stage.upstream.forget();
        stage.execute(&connector, "items", "list", &json!({"X-Note": "plain text"})).await.ok();
        assert_eq!(stage.upstream.seen()[0].header("x-note"), Some("plain text"));
        for value in ["a\r\nAuthorization: Bearer x", "a\nb", "a\rb", "a\u{0}b"] {
            stage
                .execute(&connector, "items", "list", &json!({"X-Note": value}))
                .await
                .fails(422, "invalid_params");
        }
        assert_eq!(stage.upstream.seen().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_carries_what_it_needs_and_nothing_of_ours() {
    each(async |stage| {
        stage.upstream.says(json!({"id": 1}));
        let connector = stage.bench("w1").await;
        let call =
            stage.app.call(http::Method::POST, &format!("/integrations/connectors/{connector}/execute"));
        let call =
            call.header("cookie", "a=b").header("x-forwarded-for", "1.2.3.4").header("x-bench-key", "mine");
        let body = json!({"entity": "items", "action": "update", "params": {"id": "7", "name": "ü"}});
        call.json(&body).send().await.ok();
        let seen = &stage.upstream.seen()[0];
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", "/base/items/7"));
        assert_eq!(seen.body, r#"{"name":"ü"}"#.as_bytes());
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(seen.header("host"), Some(stage.upstream.host()));
        assert_eq!(seen.headers.get_all("authorization").iter().count(), 1);
        for name in
            ["cookie", "x-forwarded-for", "x-bench-key", "x-request-id", "referer", "proxy-authorization"]
        {
            assert!(seen.header(name).is_none(), "{name}");
        }
        stage.upstream.forget();
        stage.execute(&connector, "items", "delete", &json!({"id": "7"})).await.ok();
        let seen = &stage.upstream.seen()[0];
        assert_eq!((seen.method.as_str(), seen.body.len()), ("DELETE", 0));
        assert!(seen.header("content-type").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_search_is_an_old_name_of_search() {
    each(async |stage| {
        stage.upstream.says(json!({"items": [{"id": 1}]}));
        let connector = stage.bench("w1").await;
        for action in ["search", "api_search"] {
            let answer = stage.execute(&connector, "items", action, &json!({"q": "a b"})).await.ok();
            assert_eq!(answer["result"], json!([{"id": 1}]));
            assert_eq!(stage.upstream.seen().last().unwrap().query(), [("q".to_owned(), "a b".to_owned())]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_calls_of_two_accounts_do_not_mix() {
    each(async |stage| {
        stage.put_crm_app().await;
        let alice = stage.connect("w1").await;
        let secret = {
            let url = stage.consent_url("w2", &json!({})).await;
            let callback = stage.agree(&url, "bob").await;
            crate::support::walk::param(&stage.open(&callback).await.location(), "secret_id").unwrap()
        };
        let bob = crate::support::walk::id(&stage.redeem("w2", &secret, &json!({})).await.ok());
        let nothing = json!({});
        let calls = (0..40).map(|number| {
            let connector = if number % 2 == 0 { &alice } else { &bob };
            stage.execute(connector, "user", "get", &nothing)
        });
        for (number, reply) in futures_util::future::join_all(calls).await.iter().enumerate() {
            let wanted = if number % 2 == 0 { "user-alice" } else { "user-bob" };
            assert_eq!(reply.ok()["result"]["id"], wanted);
        }
    })
    .await;
}
