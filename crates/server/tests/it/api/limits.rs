//! Limits on how often callers may call.

use crate::support::http::Http;
use crate::support::stage::{Client, Setup, Stage, each};
use http::Method;
use std::net::IpAddr;

const PATH: &str = "/integrations/definitions/sources";

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_its_rate_and_others_have_theirs() {
    Setup::new()
        .set("RATE_LIMIT", "5")
        .each(async |stage| {
            let stranger = stage.organization("stranger").await;
            let stranger = stage.sign_in(&stranger).await;
            let agent = stage.scoped(&stage.app, "w1").await;
            stage.advance(10);
            for _ in 0..5 {
                stage.app.get(PATH).await.ok();
            }
            for client in [&stage.app, &agent] {
                let reply = client.get(PATH).await;
                let told = reply.fails(429, "rate_limited");
                assert_eq!(reply.header("retry-after"), Some("1"));
                assert_eq!(told["errors"][0]["details"]["retryable"], true);
                assert!(told["message"].as_str().unwrap().contains("organization"), "{told}");
            }
            stranger.get(PATH).await.ok();
            // Refused calls do not count.
            stage.advance(1);
            for _ in 0..5 {
                agent.get(PATH).await.ok();
            }
            agent.get(PATH).await.fails(429, "rate_limited");
            // Nobody without a good token is let in by it, or told of it.
            stage.as_bearer("not-a-token-at-all").get(PATH).await.fails(401, "unauthorized");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_its_rate_beside_the_organizations() {
    Setup::new()
        .set("TOKEN_RATE_LIMIT", "2")
        .each(async |stage| {
            let agent = stage.scoped(&stage.app, "w1").await;
            stage.advance(10);
            for client in [&stage.app, &agent] {
                client.get(PATH).await.ok();
                client.get(PATH).await.ok();
                let told = client.get(PATH).await.fails(429, "rate_limited");
                assert!(told["message"].as_str().unwrap().contains("This token"), "{told}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_settings_good_tokens_are_not_limited() {
    each(async |stage| {
        for _ in 0..300 {
            stage.app.get("/organizations/redirect-urls").await.ok();
        }
    })
    .await;
}

/// Calls with a forged token from an address, until 429 comes; how often 401 came.
async fn flood(stage: &Stage, from: Option<&str>, forwarded: Option<&str>) -> usize {
    let http = Http::at(from.map(|address| address.parse::<IpAddr>().unwrap()));
    let url = format!("{}/api/v1{PATH}", stage.base);
    for count in 0..2000 {
        let mut call = http.call(Method::GET, &url).bearer(&format!("forged-token-{count}"));
        if let Some(forwarded) = forwarded {
            call = call.header("x-forwarded-for", forwarded);
        }
        let reply = call.send().await;
        if reply.status == 429 {
            let told = reply.fails(429, "rate_limited");
            assert!(told["message"].as_str().unwrap().contains("forged"), "{told}");
            assert!(reply.header("retry-after").is_some());
            return count;
        }
        reply.fails(401, "unauthorized");
    }
    panic!("never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn k10_a_flood_of_forged_tokens_is_refused_and_good_ones_go_on() {
    each(async |stage| {
        let agent = stage.scoped(&stage.app, "w1").await;
        let late = stage.scoped(&stage.app, "w2").await;
        assert_eq!(flood(stage, None, None).await, 100);
        // Good tokens of the same address: one that the server knows, and one that it has not seen yet.
        stage.app.get(PATH).await.ok();
        agent.get(PATH).await.ok();
        stage.sign_in(&stage.organization).await.get(PATH).await.ok();
        // One that was good is told so, flood or not: its client has to get a new one.
        stage.advance(20 * 60);
        flood(stage, None, None).await;
        late.get(PATH).await.fails(401, "unauthorized");
        // Another address is not held to it.
        assert_eq!(flood(stage, Some("127.0.0.2"), None).await, 100);
        // No token at all is no forged one.
        stage.anonymous().get(PATH).await.fails(401, "unauthorized");
        stage.advance(1);
        stage.as_bearer("forged-after-a-pause").get(PATH).await.fails(401, "unauthorized");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarding_headers_are_believed_from_listed_proxies_only() {
    each(async |stage| {
        assert_eq!(flood(stage, None, Some("203.0.113.7")).await, 100);
        // Whoever writes another address into the header is still the same.
        assert_eq!(flood(stage, None, Some("203.0.113.8")).await, 0);
    })
    .await;
    Setup::new()
        .set("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")
        .each(async |stage| {
            assert_eq!(flood(stage, None, Some("203.0.113.7")).await, 100);
            assert_eq!(flood(stage, None, Some("203.0.113.8")).await, 100);
            // What the client wrote before the proxy did counts for nothing, and further proxies are looked through.
            assert_eq!(flood(stage, None, Some("198.51.100.1, 203.0.113.7, 10.1.1.1")).await, 0);
            // An address that is not listed says nothing about others.
            assert_eq!(flood(stage, Some("127.0.0.2"), Some("203.0.113.9")).await, 100);
            assert_eq!(flood(stage, Some("127.0.0.2"), Some("203.0.113.10")).await, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_removed_credential_stays_ended() {
    each(async |stage| {
        let ended = Client { token: stage.app.token.clone(), ..stage.app.clone() };
        let added = keybearer::core::credentials::add(&stage.deps, &stage.organization.id).await.unwrap();
        drop(added);
        let credential = &stage.organization.credential_id;
        keybearer::core::credentials::remove(&stage.deps, &stage.organization.id, credential, false)
            .await
            .unwrap();
        for _ in 0..150 {
            ended.get(PATH).await.fails(401, "unauthorized");
        }
    })
    .await;
}
