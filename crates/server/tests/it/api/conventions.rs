//! What holds of the whole API: prefixes, error bodies, status codes, headers.

use crate::support::stage::{Setup, each};
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn v1_is_an_alias_of_api_v1() {
    each(async |stage| {
        for prefix in ["/api/v1", "/v1"] {
            let url = format!("{}{prefix}/workspaces", stage.base);
            stage.http.call(Method::GET, url).bearer(&stage.app.token).send().await.ok();
        }
        let url = format!("{}/workspaces", stage.base);
        stage.http.call(Method::GET, url).bearer(&stage.app.token).send().await.fails(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_ready_answer_without_a_token() {
    each(async |stage| {
        for path in ["/health", "/ready"] {
            stage.http.call(Method::GET, format!("{}{path}", stage.base)).send().await.ok();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_the_framework_have_the_contracts_body() {
    each(async |stage| {
        let app = &stage.app;
        app.get("/nowhere").await.fails(404, "not_found");
        for path in ["/", "/api", "/api/v2/workspaces"] {
            stage
                .http
                .call(Method::GET, format!("{}{path}", stage.base))
                .send()
                .await
                .fails(404, "not_found");
        }
        let wrong = app.delete("/oauth/credentials").await;
        wrong.fails(405, "method_not_allowed");
        let allowed = wrong.header("allow").unwrap();
        assert!(allowed.contains("PUT") && allowed.contains("GET"), "{allowed}");
        app.call(Method::PATCH, "/workspaces").send().await.fails(405, "method_not_allowed");
        let long = "x".repeat(9000);
        app.get(&format!("/workspaces?name_contains={long}")).await.fails(414, "uri_too_long");
    })
    .await;
}

const POSTS: [(&str, &str); 9] = [
    ("POST", "/account/applications/token"),
    ("POST", "/account/applications/scoped-token"),
    ("POST", "/account/applications/widget-token"),
    ("PUT", "/oauth/credentials"),
    ("PUT", "/organizations/redirect-urls"),
    ("PUT", "/organizations/settings"),
    ("POST", "/integrations/connectors/oauth/initiate"),
    ("POST", "/integrations/connectors"),
    ("POST", "/integrations/connectors/check"),
];

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_object_are_400_and_other_types_415() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let workspaces = stage.app.get("/workspaces").await.ok();
        let workspace = workspaces["data"][0]["id"].as_str().unwrap();
        let mut all: Vec<(&str, String)> = POSTS.map(|(method, path)| (method, path.to_owned())).to_vec();
        all.push(("PUT", format!("/integrations/connectors/{connector}")));
        all.push(("POST", format!("/integrations/connectors/{connector}/check")));
        all.push(("POST", format!("/integrations/connectors/{connector}/execute")));
        all.push(("PUT", format!("/workspaces/{workspace}")));
        stage.upstream.forget();
        for (method, path) in &all {
            let call = || stage.app.call(method.parse().unwrap(), path);
            for bad in ["{", "[]", "null", "1", "\"x\"", "{}{}", "{\"a\":}", "\u{feff}{", "nope"] {
                call().raw("application/json", bad).send().await.fails(400, "bad_request");
            }
            call().raw("application/json", vec![b'{', 0xff, b'}']).send().await.fails(400, "bad_request");
            let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
            call().raw("application/json", deep).send().await.fails(400, "bad_request");
            for kind in
                ["text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonx"]
            {
                call().raw(kind, "{}").send().await.fails(415, "unsupported_media_type");
            }
            let big = format!("{{\"a\":\"{}\"}}", "x".repeat(4 << 20));
            call().raw("application/json", big).send().await.fails(413, "payload_too_large");
        }
        assert!(stage.upstream.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_with_tokens_are_not_stored_by_caches() {
    each(async |stage| {
        stage.put_crm_app().await;
        let client = json!({"client_id": stage.organization.client_id, "client_secret": stage.organization.client_secret});
        let name = json!({"workspace_name": "w1"});
        let widget = json!({"workspace_name": "w1", "allowed_origin": "https://app.example.com"});
        let initiate =
            json!({"external_user_id": "w1", "connector_type": "harbour-crm", "redirect_url": "https://app.example.com/"});
        for (path, body) in [
            ("/account/applications/token", &client),
            ("/applications/token", &client),
            ("/account/applications/scoped-token", &name),
            ("/embedded/scoped-token", &name),
            ("/account/applications/widget-token", &widget),
            ("/embedded/widget-token", &widget),
            ("/integrations/connectors/oauth/initiate", &initiate),
        ] {
            let reply = stage.app.post(path, body).await;
            reply.ok();
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_differ() {
    each(async |stage| {
        let first = stage.app.get("/workspaces").await;
        let second = stage.app.get("/workspaces").await;
        assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_named_origins_may_call_with_a_bearer_only() {
    Setup::new()
        .set("CORS_ORIGINS", "https://app.example.com")
        .each(async |stage| {
            let preflight = async |origin: &str| {
                let call = stage.anonymous().call(Method::OPTIONS, "/workspaces").header("origin", origin);
                call.header("access-control-request-method", "GET").send().await
            };
            let allowed = preflight("https://app.example.com").await;
            assert!(allowed.status.is_success(), "{}", allowed.status);
            assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example.com"));
            for origin in
                ["https://evil.example", "null", "https://app.example.com.evil", "http://app.example.com"]
            {
                let reply = preflight(origin).await;
                assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
                let call = stage.app.call(Method::GET, "/workspaces").header("origin", origin);
                assert_eq!(call.send().await.header("access-control-allow-origin"), None, "{origin}");
            }
            let call = stage.app.call(Method::GET, "/workspaces").header("origin", "https://app.example.com");
            let reply = call.send().await;
            reply.ok();
            assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example.com"));
            assert_eq!(reply.header("access-control-allow-credentials"), None, "never cookies");
        })
        .await;
    each(async |stage| {
        let call = stage.app.call(Method::GET, "/workspaces").header("origin", "https://app.example.com");
        assert_eq!(call.send().await.header("access-control-allow-origin"), None, "off unless configured");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_are_made_of_the_configured_base_and_not_of_headers() {
    each(async |stage| {
        stage.put_crm_app().await;
        let body =
            json!({"external_user_id": "w1", "connector_type": "harbour-crm", "redirect_url": "https://app.example.com/"});
        let poisoned = stage
            .app
            .call(Method::POST, "/integrations/connectors/oauth/initiate")
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("forwarded", "host=evil.example")
            .json(&body)
            .send()
            .await
            .ok();
        let url = poisoned["consent_url"].as_str().unwrap();
        assert!(!url.contains("evil"), "{url}");
        let redirect_uri = crate::support::walk::param(url, "redirect_uri").unwrap();
        assert_eq!(redirect_uri, format!("{}/oauth/callback/harbour-crm", stage.base));
    })
    .await;
}
