//! Section B: what whoever may start a consent could do with it.

use crate::support::secrets::row_counts;
use crate::support::stage::{Setup, each};
use crate::support::walk::{CRM, param};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn b2_the_verifier_goes_to_the_token_endpoint_and_nowhere_else() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let url = stage.bench_url("w1", &json!({})).await;
        let reply = stage.open(&stage.bench_callback(&url, "abcdefgh")).await;
        let form = stage.upstream.seen_at("/token")[0].form();
        let (_, verifier) = form.iter().find(|(name, _)| name == "code_verifier").unwrap();
        assert!(verifier.len() >= 43);
        assert_eq!(
            keybearer_connector::oauth::code_challenge(verifier),
            param(&url, "code_challenge").unwrap()
        );
        // Kept, so that the stage looks for it in the database, the log and all errors as well.
        stage.secrets.keep(verifier);
        let headers = format!("{:?}", reply.headers);
        let told = [url.clone(), headers, reply.text()];
        assert!(told.iter().all(|text| !text.contains(verifier.as_str())), "{told:?}");
        assert!(reply.header("set-cookie").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_flood_of_consents_is_capped_and_goes_away() {
    Setup::new()
        .set("MAX_PENDING_CONSENTS", "30")
        .set("MAX_PENDING_CONSENTS_PER_WORKSPACE", "10")
        .set("OAUTH_SESSION_TTL", "2m")
        .each(async |stage| {
            stage.put_crm_app().await;
            let stranger = stage.organization("stranger").await;
            let stranger = stage.sign_in(&stranger).await;
            let own = json!({"client_id": "harbour client", "client_secret": "harbour:secret%1+2 é&="});
            stranger
                .put("/oauth/credentials", &json!({"connector_type": CRM, "configuration": own}))
                .await
                .ok();
            let agent = stage.scoped(&stage.app, "w1").await;
            let early = stage.consent_url("w1", &json!({})).await;
            stage.advance(30);
            for _ in 0..9 {
                stage.initiate_as(&agent, CRM, "w1", &json!({})).await.ok();
            }
            for _ in 0..20 {
                let reply = stage.initiate_as(&agent, CRM, "w1", &json!({})).await;
                let told = reply.fails(429, "too_many_consents");
                assert_eq!(told["errors"][0]["details"]["retryable"], true);
                assert_eq!(reply.header("retry-after"), Some("91"), "when the oldest ends");
            }
            // Other users of the organization go on, until it is full itself.
            for user in 0..20 {
                stage.initiate_as(&stage.app, CRM, &format!("user-{user}"), &json!({})).await.ok();
            }
            let before = row_counts(&stage.database).await;
            for user in 20..60 {
                let reply = stage.initiate_as(&stage.app, CRM, &format!("user-{user}"), &json!({})).await;
                let told = reply.fails(429, "too_many_consents");
                assert!(told["message"].as_str().unwrap().contains("organization"), "{told}");
            }
            assert_eq!(row_counts(&stage.database).await, before, "no row is left, no workspace either");
            assert_eq!(before["flows"], 30);
            stage.initiate_as(&stranger, CRM, "w1", &json!({})).await.ok();
            // A consent that comes back makes room, and so does one that ends.
            let home = stage.open(&stage.agree(&early, "alice").await).await.location();
            assert!(param(&home, "secret_id").is_some());
            stage.initiate_as(&agent, CRM, "w1", &json!({})).await.ok();
            stage.initiate_as(&agent, CRM, "w1", &json!({})).await.fails(429, "too_many_consents");
            stage.advance(120);
            stage.initiate_as(&agent, CRM, "w1", &json!({})).await.ok();
            // And nothing of it stays.
            stage.advance(121);
            stage.start_jobs().await;
            let left = async || row_counts(&stage.database).await["flows"];
            let swept = async || {
                let (now, mut new_id) =
                    (stage.clock.now_ms(), || stage.deps.random.uuid_v7(&stage.deps.clock));
                stage.deps.store.sweep_flows(now, now, &mut new_id).await.unwrap()
            };
            stage.until("expired", async || swept().await.expired == 0).await;
            stage.advance(3601);
            stage
                .until("gone", async || {
                    swept().await;
                    left().await == 1
                })
                .await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_race_passes_the_cap_by_no_more_than_runs_at_once() {
    Setup::new()
        .set("MAX_PENDING_CONSENTS_PER_WORKSPACE", "10")
        .each(async |stage| {
            stage.put_crm_app().await;
            stage.scoped(&stage.app, "w1").await;
            let nothing = json!({});
            let mut accepted = 0;
            for _ in 0..5 {
                let all = (0..8).map(|_| stage.initiate_as(&stage.app, CRM, "w1", &nothing));
                let replies = futures_util::future::join_all(all).await;
                accepted += replies.iter().filter(|reply| reply.status == 200).count();
                assert!(replies.iter().all(|reply| matches!(reply.status.as_u16(), 200 | 429)));
            }
            assert!((10..10 + 8).contains(&accepted), "{accepted}");
        })
        .await;
}
