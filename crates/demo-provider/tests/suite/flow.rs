//! The authorization endpoint: consent, refusals, PKCE, and what never redirects.

use axum::body::Body;
use axum::http::Request;

use crate::walk::{ALL, CALLBACK, CHALLENGE, VERIFIER, Walk};

#[tokio::test]
async fn a_user_consents_and_the_client_reads() {
    let walk = Walk::new();
    let page = walk.authorize(&[]).await;
    assert_eq!(page.status, 200);
    for words in
        ["Fish &amp; &lt;Chips&gt;", "See your contacts", "Create, change", "http://localhost:8000", "Alice"]
    {
        assert!(page.text().contains(words), "{words}");
    }
    assert!(!page.text().contains("<script") && !page.text().contains("<Chips>"));
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(page.header("cache-control"), "no-store");

    let back = walk.decide(&page, "alice", "allow").await;
    assert_eq!(back.status, 303);
    assert!(back.header("location").starts_with(&format!("{CALLBACK}&code=ac_")));
    assert_eq!(back.sent_back("state").as_deref(), Some("st&te"));
    assert_eq!(back.sent_back("iss").as_deref(), Some("http://127.0.0.1:9000"));

    let tokens = walk.exchange(&back.sent_back("code").unwrap()).await;
    assert_eq!(tokens.status, 200);
    assert_eq!(tokens.header("cache-control"), "no-store");
    let json = tokens.json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 3600);
    assert_eq!(json["scope"], ALL);
    let me = walk.api("GET", "/userinfo", json["access_token"].as_str().unwrap(), "").await;
    assert_eq!(me.json()["name"], "Alice Moreau");
}

#[tokio::test]
async fn a_decision_counts_once() {
    let walk = Walk::new();
    let page = walk.authorize(&[]).await;
    let unclear = walk.decide(&page, "mallory", "allow").await;
    assert_eq!((unclear.status.as_u16(), unclear.header("location")), (400, ""));
    let denied = walk.decide(&page, "bob", "deny").await;
    assert_eq!(denied.sent_back("error").as_deref(), Some("access_denied"));
    assert_eq!(denied.sent_back("iss").as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!(walk.decide(&page, "bob", "allow").await.status, 400);

    let stale = walk.authorize(&[]).await;
    walk.later(601);
    assert_eq!(walk.decide(&stale, "bob", "allow").await.status, 400);
}

#[tokio::test]
async fn another_sites_form_is_refused() {
    let walk = Walk::new();
    for (origin, status) in [("http://evil.example", 403), ("null", 403), ("http://127.0.0.1:9000", 400)] {
        let request = Request::post("/oauth/authorize/decision")
            .header("host", "127.0.0.1:9000")
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = walk.send(request.body(Body::from("decision=deny&request=x")).unwrap()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}

#[tokio::test]
async fn an_untrusted_way_back_is_never_taken() {
    let walk = Walk::new();
    for change in [
        ("client_id", ""),
        ("client_id", "other"),
        ("redirect_uri", ""),
        ("redirect_uri", "http://localhost:8000/callback"),
        ("redirect_uri", "http://localhost:8000/callback?tenant=1#x"),
        ("redirect_uri", "http://LOCALHOST:8000/callback?tenant=1"),
    ] {
        let answer = walk.authorize(&[change]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{change:?}");
    }
    let twice = walk.authorize(&[("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)]).await;
    assert_eq!((twice.status.as_u16(), twice.header("location")), (400, ""));
}

#[tokio::test]
async fn other_mistakes_go_back_to_the_client() {
    let walk = Walk::new();
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("scope", "crm.read admin"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
    ] {
        let answer = walk.authorize(&[change]).await;
        assert_eq!(answer.status, 303, "{change:?}");
        assert_eq!(answer.sent_back("error").as_deref(), Some(error), "{change:?}");
        assert_eq!(answer.sent_back("state").as_deref(), Some("st&te"), "{change:?}");
    }
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_redirect_uri() {
    let walk = Walk::new();
    let code = walk.code("alice", ALL).await;
    let fields = |redirect_uri, verifier| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ]
    };
    for (redirect_uri, verifier, error) in [
        (CALLBACK, "", "invalid_request"),
        (CALLBACK, "too-short", "invalid_request"),
        (CALLBACK, CHALLENGE, "invalid_grant"),
        ("", VERIFIER, "invalid_request"),
        ("http://localhost:8000/", VERIFIER, "invalid_grant"),
    ] {
        let answer = walk.token(&fields(redirect_uri, verifier)).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["error"], error, "{redirect_uri} {verifier}");
    }
    assert_eq!(walk.exchange(&code).await.status, 200);
}

#[tokio::test]
async fn the_metadata_names_the_endpoints() {
    let walk = Walk::new();
    let json = walk.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(json["issuer"], "http://127.0.0.1:9000");
    assert_eq!(json["token_endpoint"], "http://127.0.0.1:9000/oauth/token");
    assert_eq!(json["code_challenge_methods_supported"][0], "S256");
}
