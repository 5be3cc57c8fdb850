//! Initiate: every field, what the consent URL holds, and what is refused before anything is stored.

use crate::support::secrets::row_counts;
use crate::support::stage::each;
use crate::support::walk::{BENCH, CRM, HOME, id, param, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATH: &str = "/integrations/connectors/oauth/initiate";

#[tokio::test(flavor = "multi_thread")]
async fn the_consent_url_is_the_providers_with_each_core_parameter_once() {
    each(async |stage| {
        stage.put_crm_app().await;
        let reply = stage.initiate_as(&stage.app, CRM, "ann@example.com", &json!({})).await;
        let answer = reply.ok();
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
        let text = answer["consent_url"].as_str().unwrap();
        stage.secrets.keep(&param(text, "state").unwrap());
        let url = url::Url::parse(text).unwrap();
        assert!(text.starts_with(&format!("{}/oauth/authorize?", stage.peer.url)));
        let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        let set: BTreeSet<&String> = names.iter().collect();
        assert_eq!(set.len(), names.len(), "{names:?}");
        let get = |name: &str| param(text, name).unwrap();
        assert_eq!(get("response_type"), "code");
        assert_eq!(get("client_id"), "harbour client");
        assert_eq!(get("redirect_uri"), format!("{}/oauth/callback/{CRM}", stage.base));
        assert_eq!(get("scope"), "crm.read crm.write offline");
        assert_eq!(get("code_challenge_method"), "S256");
        assert_eq!(get("code_challenge").len(), 43);
        assert!(get("state").len() >= 43, "256 random bits");
        for private in ["ann", "example.com", &stage.organization.id] {
            assert!(!text.contains(private), "{private} in {text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn states_and_challenges_never_repeat() {
    each(async |stage| {
        stage.put_bench_app().await;
        let mut seen = BTreeSet::new();
        for number in 0..100 {
            let url = stage.bench_url(&format!("w{}", number % 4), &json!({})).await;
            assert!(
                seen.insert(param(&url, "state").unwrap())
                    && seen.insert(param(&url, "code_challenge").unwrap())
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_default_to_the_definitions_and_may_be_chosen() {
    each(async |stage| {
        stage.put_bench_app().await;
        let scope = async |more: Value| param(&stage.bench_url("w1", &more).await, "scope").unwrap();
        assert_eq!(scope(json!({})).await, "read write");
        assert_eq!(scope(json!({"scopes": null})).await, "read write");
        assert_eq!(scope(json!({"scopes": ["read"]})).await, "read");
        for bad in [
            json!([]),
            json!(["a b"]),
            json!(["a\"b"]),
            json!([""]),
            json!([1]),
            json!(7),
            json!({}),
            json!(vec!["s"; 1000]),
        ] {
            let reply = stage.initiate_as(&stage.app, BENCH, "w1", &json!({"scopes": bad})).await;
            reply.is(422);
            assert_eq!(reply.wrong_fields(), ["scopes"], "{bad}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_redirect_urls_are_refused() {
    each(async |stage| {
        stage.put_bench_app().await;
        let before = row_counts(&stage.database).await;
        for url in [
            "",
            " ",
            "app",
            "/cb",
            "//evil.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "ftp://app.example.com/",
            "myapp://callback",
            "http://app.example.com/cb",
            "http://127.0.0.1.evil.example/",
            "http://localhost.evil.example/",
            "http://[::ffff:10.0.0.1]/",
            "http://0.0.0.0/",
            "http://10.0.0.1/",
            "https://app.example.com@evil.example/",
            "https://user:pass@app.example.com/",
            "https://@app.example.com/",
            "https://app.example.com/cb#x",
            "https://app.example.com/cb#",
            "https:/\\evil.example",
            "https:\\\\evil.example",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example",
            "https://",
            "https://?x",
            "https://app.example.com\\@evil.example/",
            "https://app.example.com/\r\nSet-Cookie: a=b",
            "https://app.example.com/\t",
            "https://app.exa\nmple.com/",
            " https://app.example.com/",
            "https://app.example.com/ ",
            "https://app.example.com/\u{0}",
            "https://аpp.example.com/",
            "https://app。example.com/",
            "https://app.example.com:99999/",
            "https://app.example.com:0x50/",
            "https://[::1/",
            "https://%65vil.example%00/",
            "https://app.example.com./",
            "HTTPS://user@app.example.com/",
            "https://app.example.com/{{ client_secret }}\u{7f}",
        ] {
            let reply = stage.initiate_as(&stage.app, BENCH, "new user", &json!({"redirect_url": url})).await;
            reply.is(422);
            assert_eq!(reply.wrong_fields(), ["redirect_url"], "{url:?}");
        }
        let long = format!("https://app.example.com/{}", "x".repeat(4000));
        stage.initiate_as(&stage.app, BENCH, "new user", &json!({"redirect_url": long})).await.is(422);
        assert_eq!(row_counts(&stage.database).await, before, "nothing was stored");
        for url in [
            "https://app.example.com",
            "https://app.example.com:8443/cb?a=%26&b",
            "http://localhost:3000/cb",
            "http://127.0.0.1/",
            "http://[::1]:8080/cb",
        ] {
            stage.initiate_as(&stage.app, BENCH, "w1", &json!({"redirect_url": url})).await.ok();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn input_values_are_declared_ones_and_never_core_parameters() {
    each(async |stage| {
        stage.put_bench_app().await;
        for name in [
            "redirect_uri",
            "response_type",
            "client_id",
            "client_secret",
            "state",
            "scope",
            "code_challenge",
            "code_challenge_method",
            "request",
            "request_uri",
            "nonce",
            "prompt",
            "login_hint",
            "access_token",
            "refresh_token",
            "code",
            "grant_type",
            "__proto__",
            "constructor",
            "tenant",
            "is_sandbox ",
            "IS_SANDBOX",
            "",
            "{{ client_secret }}",
            "a\u{0}",
        ] {
            let more = json!({"oauth_input_configuration": {name: "x"}});
            let reply = stage.initiate_as(&stage.app, BENCH, "w1", &more).await;
            reply.is(422);
            assert!(
                reply.wrong_fields()[0].starts_with("oauth_input_configuration"),
                "{name}: {}",
                reply.text()
            );
        }
        for bad in [
            json!({"is_sandbox": "maybe"}),
            json!({"is_sandbox": []}),
            json!({"region": {}}),
            json!({"region": ["x"]}),
            json!("x"),
            json!([]),
            json!(1),
        ] {
            let reply =
                stage.initiate_as(&stage.app, BENCH, "w1", &json!({"oauth_input_configuration": bad})).await;
            reply.is(422);
        }
        for good in [
            json!({}),
            json!(null),
            json!({"is_sandbox": true, "region": "eu"}),
            json!({"region": "{{ 7777*7777 }}"}),
        ] {
            let reply = stage
                .initiate_as(&stage.app, BENCH, "w1", &json!({"oauth_input_configuration": good}))
                .await
                .ok();
            let url = reply["consent_url"].as_str().unwrap();
            assert!(
                url.starts_with(&format!("{}/authorize?", stage.upstream.url)) && !url.contains("60481729"),
                "{url}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_is_checked_and_unknown_ones_are_ignored() {
    each(async |stage| {
        stage.put_bench_app().await;
        let good = json!({"external_user_id": "w1", "connector_type": BENCH, "redirect_url": HOME});
        let before = row_counts(&stage.database).await;
        let cases = [
            ("external_user_id", json!(null), "workspace_name"),
            ("external_user_id", json!(""), "external_user_id"),
            ("external_user_id", json!("   "), "external_user_id"),
            ("external_user_id", json!(7), "external_user_id"),
            ("external_user_id", json!("x".repeat(251)), "external_user_id"),
            ("external_user_id", json!("a\u{0}"), "external_user_id"),
            ("customer_name", json!("another"), "external_user_id"),
            ("connector_type", json!(null), "connector_type"),
            ("connector_type", json!(7), "connector_type"),
            ("definition_id", json!("0b6a2a51-5f0e-4c38-9c77-6a1f9ee1f0d2"), "connector_type"),
            ("redirect_url", json!(null), "redirect_url"),
            ("redirect_url", json!(7), "redirect_url"),
            ("callback_mode", json!("both"), "callback_mode"),
            ("callback_mode", json!(1), "callback_mode"),
            ("name", json!(""), "name"),
            ("name", json!("x".repeat(251)), "name"),
            ("name", json!(true), "name"),
            ("environment", json!("x"), "environment"),
            ("environment", json!({"nope": "x"}), "environment.nope"),
            ("replication_config", json!([]), "replication_config"),
            ("code_challenge", json!("short"), "code_challenge"),
            ("code_challenge", json!("+".repeat(43)), "code_challenge"),
            ("code_challenge", json!(1), "code_challenge"),
            ("connector_id", json!("x"), "connector_id"),
            ("connector_id", json!(1), "connector_id"),
        ];
        for (field, value, wrong) in cases {
            let reply = stage.app.post(PATH, &with(good.clone(), &json!({field: value}))).await;
            reply.is(422);
            assert!(
                reply
                    .wrong_fields()
                    .iter()
                    .any(|name| name == wrong || (wrong == "external_user_id" && name == "customer_name")),
                "{field}={value}: {}",
                reply.text()
            );
        }
        assert_eq!(
            stage.app.post(PATH, &json!({})).await.is(422).wrong_fields(),
            ["workspace_name", "connector_type", "redirect_url"]
        );
        let unknown = with(good.clone(), &json!({"connector_type": "nope"}));
        stage.app.post(PATH, &unknown).await.fails(404, "not_found");
        let plain = with(good.clone(), &json!({"connector_type": "plain-keys"}));
        stage.app.post(PATH, &plain).await.fails(422, "oauth_not_supported");
        let missing = with(good.clone(), &json!({"connector_type": CRM}));
        stage.app.post(PATH, &missing).await.fails(422, "oauth_app_missing");
        let challenge = "x".repeat(43);
        let bound =
            with(good.clone(), &json!({"code_challenge": challenge, "callback_mode": "connector_id"}));
        stage.app.post(PATH, &bound).await.fails(422, "binding_requires_secret_id");
        assert_eq!(row_counts(&stage.database).await, before, "nothing was stored");
        let more = json!({"old_client_field": {"a": 1}, "code_challenge": challenge, "customer_name": "w1"});
        stage.app.post(PATH, &with(good, &more)).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn input_values_are_pinned_and_not_contradicted_later() {
    each(async |stage| {
        stage.put_bench_app().await;
        let token = stage.secrets.fresh("at");
        stage.upstream.says(json!({"access_token": token, "token_type": "bearer"}));
        let secret = async || {
            let url = stage.bench_url("w1", &json!({"oauth_input_configuration": {"region": "eu"}})).await;
            let home = stage.open(&stage.bench_callback(&url, "code-123456")).await.location();
            param(&home, "secret_id").unwrap()
        };
        let create = async |secret: &str, environment: Value| {
            let body = json!({"external_user_id": "w1", "connector_type": BENCH, "server_side_oauth_secret_id": secret, "environment": environment});
            stage.app.post("/integrations/connectors", &body).await
        };
        let one = secret().await;
        let reply = create(&one, json!({"region": "us"})).await;
        reply.is(422);
        assert_eq!(reply.wrong_fields(), ["environment.region"]);
        create(&one, json!({"nope": "us"})).await.is(422);
        let made = create(&one, json!({"region": "eu", "is_sandbox": true})).await.ok();
        let connector = stage.app.get(&format!("/integrations/connectors/{}", id(&made))).await.ok();
        assert_eq!(connector["environment"]["region"], "eu");
        let two = secret().await;
        assert_eq!(create(&two, json!({})).await.ok()["environment"]["region"], "eu");
        let contradiction = json!({"oauth_input_configuration": {"region": "eu"}, "environment": {"region": "us"}, "callback_mode": "connector_id"});
        stage.initiate_as(&stage.app, BENCH, "w1", &contradiction).await.is(422);
    })
    .await;
}
