//! The callback: forged, repeated, polluted and hostile ones, and what a browser is told.

use crate::support::http::Reply;
use crate::support::stage::{Setup, Stage, each};
use crate::support::walk::{BENCH, CRM, HOME, param};
use http::Method;
use serde_json::json;

/// A page without a redirect, and no token call.
fn refused(stage: &Stage, reply: &Reply) {
    reply.is(400);
    assert!(
        reply.header("location").is_none() && reply.header("content-type").unwrap().starts_with("text/html")
    );
    assert_eq!(stage.upstream.seen_at("/token").len(), 0, "no token call");
    guarded(reply);
}

/// Headers that keep code and secret from leaking (RFC 9700 section 4.2).
fn guarded(reply: &Reply) {
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let page = reply.text();
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_states_get_one_page_and_call_nobody() {
    each(async |stage| {
        stage.put_bench_app().await;
        let url = stage.bench_url("w1", &json!({})).await;
        let state = param(&url, "state").unwrap();
        let base = format!("{}/oauth/callback/{BENCH}", stage.base);
        let mut pages = std::collections::BTreeSet::new();
        for query in [
            String::new(),
            "code=abcdefgh".to_owned(),
            "state=&code=abcdefgh".to_owned(),
            "state=forged&code=abcdefgh".to_owned(),
            format!("state={}&code=abcdefgh", state.to_lowercase()),
            format!("state={state}x&code=abcdefgh"),
            format!("state=%20{state}&code=abcdefgh"),
            format!("State={state}&code=abcdefgh"),
            format!("state={state}&state={state}&code=abcdefgh"),
            format!("state={state}&state=other&code=abcdefgh"),
            format!("state={state}&code=abcdefgh&{}", "x=1&".repeat(100)),
            "error=access_denied".to_owned(),
        ] {
            let reply = stage.open(&format!("{base}?{query}")).await;
            refused(stage, &reply);
            pages.insert(reply.text());
        }
        let long = format!("{base}?state={state}&code={}", "x".repeat(9000));
        stage.open(&long).await.is(414);
        for path in [CRM, "plain-keys", "nope", "hubspot", "WORK BENCH"] {
            let url = format!(
                "{}/oauth/callback/{}?state={state}&code=abcdefgh",
                stage.base,
                path.replace(' ', "%20")
            );
            let reply = stage.open(&url).await;
            refused(stage, &reply);
            pages.insert(reply.text());
        }
        let legacy = format!(
            "{}/api/v1/integrations/connectors/oauth/callback?state={state}&code=abcdefgh",
            stage.base
        );
        refused(stage, &stage.open(&legacy).await);
        assert_eq!(pages.len(), 1, "one page for all");
        // None of that consumed the state.
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let home = stage.open(&format!("{base}?state={state}&code=abcdefgh")).await.location();
        assert!(param(&home, "secret_id").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_callbacks_make_one_token_call_and_one_secret() {
    each(async |stage| {
        stage.put_bench_app().await;
        let token = stage.secrets.fresh("at");
        stage.upstream.says(json!({"access_token": token}));
        let url = stage.bench_url("w1", &json!({})).await;
        let callback = stage.bench_callback(&url, "abcdefgh");
        let replies = futures_util::future::join_all((0..20).map(|_| stage.open(&callback))).await;
        let winners = replies.iter().filter(|reply| reply.status == 303).count();
        assert_eq!(winners, 1);
        assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 303 | 400)));
        assert_eq!(stage.upstream.seen_at("/token").len(), 1);
        stage.open(&callback).await.is(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_get_consumes_the_state() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let url = stage.bench_url("w1", &json!({})).await;
        let callback = stage.bench_callback(&url, "abcdefgh");
        for method in [Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::DELETE] {
            let reply = stage.http.call(method.clone(), &callback).send().await;
            assert!(reply.status.as_u16() >= 400, "{method}: {}", reply.status);
        }
        assert!(stage.upstream.seen().is_empty());
        stage.open(&callback).await.location();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_parameters_never_reach_the_token_endpoint() {
    each(async |stage| {
        stage.put_bench_app().await;
        for extra in [
            "code=a1234567&code=b1234567",
            "code=a1234567&iss=x&iss=y",
            "error=access_denied&error=server_error",
            "",
        ] {
            let url = stage.bench_url("w1", &json!({})).await;
            let state = param(&url, "state").unwrap();
            let home = stage
                .open(&format!("{}/oauth/callback/{BENCH}?state={state}&{extra}", stage.base))
                .await
                .location();
            assert!(
                param(&home, "error").is_some() && param(&home, "secret_id").is_none(),
                "{extra}: {home}"
            );
        }
        let url = stage.bench_url("w1", &json!({})).await;
        let both = format!("{}&error=access_denied", stage.bench_callback(&url, "abcdefgh"));
        let home = stage.open(&both).await.location();
        assert_eq!(param(&home, "error").unwrap(), "access_denied", "error wins over code");
        assert_eq!(stage.upstream.seen().len(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_providers_refusal_is_told_by_code_and_not_by_its_text() {
    each(async |stage| {
        stage.put_bench_app().await;
        let hostile =
            ["<script>alert(1)</script>", "a\r\nSet-Cookie: x=y", "https://evil.example/", &"x".repeat(5000)];
        for (error, told) in [
            ("access_denied", "access_denied"),
            ("invalid_scope", "invalid_scope"),
            ("server_error", "server_error"),
            ("temporarily_unavailable", "temporarily_unavailable"),
            ("user_cancelled_login", "provider_error"),
            ("<script>", "provider_error"),
            ("access_denied\u{0}", "provider_error"),
            ("", "provider_error"),
        ] {
            for text in hostile {
                let url = stage.bench_url("w1", &json!({})).await;
                let query = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([
                        ("state", param(&url, "state").unwrap().as_str()),
                        ("error", error),
                        ("error_description", text),
                    ])
                    .extend_pairs([("error_uri", "https://evil.example/")])
                    .finish();
                let reply = stage.open(&format!("{}/oauth/callback/{BENCH}?{query}", stage.base)).await;
                let home = reply.location();
                assert!(home.starts_with(HOME), "{home}");
                assert_eq!(param(&home, "error").as_deref(), Some(told), "{error:?}");
                let description = param(&home, "error_description").unwrap();
                assert!(
                    !description.contains("script")
                        && !description.contains("evil")
                        && description.len() < 200
                );
                assert!(
                    param(&home, "secret_id").is_none() && !home.contains("evil") && !home.contains("Cookie")
                );
                guarded(&reply);
                assert!(reply.body.is_empty(), "no content beside the redirect");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_consent_returns_to_the_application() {
    each(async |stage| {
        stage.put_crm_app().await;
        let consent_url = stage.consent_url("w1", &json!({})).await;
        let callback = crate::support::provider::decide(&stage.http, &consent_url, "alice", "deny").await;
        let home = stage.open(&callback).await.location();
        assert_eq!(param(&home, "error").unwrap(), "access_denied");
        assert_eq!(stage.peer.token_calls("authorization_code"), 0);
        stage.open(&callback).await.is(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_state_is_told_once() {
    Setup::new()
        .set("OAUTH_SESSION_TTL", "2m")
        .each(async |stage| {
            stage.put_bench_app().await;
            stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
            let (late, just) =
                (stage.bench_url("w1", &json!({})).await, stage.bench_url("w1", &json!({})).await);
            stage.advance(119);
            stage.open(&stage.bench_callback(&just, "abcdefgh")).await.location();
            stage.advance(1);
            stage.upstream.forget();
            let callback = stage.bench_callback(&late, "abcdefgh");
            let home = stage.open(&callback).await.location();
            assert_eq!(param(&home, "error").unwrap(), "session_expired");
            assert!(param(&home, "secret_id").is_none());
            stage.open(&callback).await.is(400);
            assert!(stage.upstream.seen().is_empty());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_own_query_is_kept() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        for (redirect_url, kept) in [
            ("https://app.example.com/cb", "https://app.example.com/cb?"),
            ("https://app.example.com", "https://app.example.com?"),
            ("https://app.example.com/cb?", "https://app.example.com/cb?"),
            ("https://app.example.com/cb?a=%26&b=x+y&b=%20", "https://app.example.com/cb?a=%26&b=x+y&b=%20&"),
            ("https://app.example.com/cb?secret_id=evil&x=1", "https://app.example.com/cb?x=1&"),
            (
                "https://app.example.com/cb?x=1&secret_id=evil&secret%5Fid=evil",
                "https://app.example.com/cb?x=1&",
            ),
            (
                "https://app.example.com/cb?user_id=7&connector_id=x%26y&error=old",
                "https://app.example.com/cb?user_id=7&connector_id=x%26y&error=old&",
            ),
        ] {
            let url = stage.bench_url("w1", &json!({"redirect_url": redirect_url})).await;
            let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
            assert!(home.starts_with(&format!("{kept}secret_id=")), "{redirect_url} -> {home}");
            assert!(param(&home, "secret_id").unwrap().len() >= 22);
            let url = stage.bench_url("w1", &json!({"redirect_url": redirect_url})).await;
            let callback = stage.bench_callback(&url, "abcdefgh").replace("code=", "error=access_denied&x=");
            let home = stage.http.call(Method::GET, callback).send().await.location();
            assert!(home.contains("error=access_denied&error_description="), "{home}");
            assert!(!home.contains("evil"), "nobody else's secret_id comes along: {home}");
        }
    })
    .await;
}
