//! `secret_id`: useless alone, spent once, never burnt by a guess, and gone with its time.

use crate::support::http::Reply;
use crate::support::secrets::row_counts;
use crate::support::stage::{Setup, each};
use crate::support::walk::{BENCH, CRM, id, with};
use keybearer_connector::oauth::code_challenge;
use serde_json::{Value, json};

fn invalid(reply: &Reply) -> Value {
    let body = reply.fails(400, "invalid_secret_id");
    assert_eq!(body["message"], "Invalid secret_id");
    reply.error_without_id().1
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_attempts_get_one_body_and_burn_nothing() {
    each(async |stage| {
        stage.put_crm_app().await;
        let secret = stage.secret_id("w1", &json!({})).await;
        let stranger = stage.organization("second").await;
        let stranger = stage.sign_in(&stranger).await;
        let scoped = stage.scoped(&stage.app, "w2").await;
        let good =
            json!({"external_user_id": "w1", "connector_type": CRM, "server_side_oauth_secret_id": secret});
        let before = row_counts(&stage.database).await;
        let path = "/integrations/connectors";
        let mut bodies = Vec::new();
        for _ in 0..3 {
            for more in [
                json!({"server_side_oauth_secret_id": "guess"}),
                json!({"server_side_oauth_secret_id": format!("{secret}x")}),
                json!({"server_side_oauth_secret_id": format!(" {secret}")}),
                json!({"connector_type": BENCH}),
                json!({"connector_type": "github"}),
            ] {
                bodies.push(invalid(&stage.app.post(path, &with(good.clone(), &more)).await));
            }
            bodies.push(invalid(&stranger.post(path, &good).await));
            // Another workspace: known or not, one answer, and not the one above.
            let other = stage.app.post(path, &with(good.clone(), &json!({"external_user_id": "w2"}))).await;
            assert_eq!(other.fails(404, "not_found")["message"], "Workspace not found");
            let nobody =
                stage.app.post(path, &with(good.clone(), &json!({"external_user_id": "nobody"}))).await;
            assert_eq!(nobody.error_without_id(), other.error_without_id());
            scoped.post(path, &good).await.fails(403, "forbidden");
            let mine = scoped.post(path, &with(good.clone(), &json!({"external_user_id": "w2"}))).await;
            assert_eq!(mine.error_without_id(), other.error_without_id());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:#?}");
        assert_eq!(row_counts(&stage.database).await, before, "nothing was stored");
        let connector = stage.app.post(path, &good).await.ok();
        assert_eq!(invalid(&stage.app.post(path, &good).await), bodies[0], "used is like unknown");
        stage.execute(&id(&connector), "contacts", "list", &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_is_checked_before_it_is_spent() {
    each(async |stage| {
        stage.put_crm_app().await;
        let secret = stage.secret_id("w1", &json!({})).await;
        for more in [
            json!({"name": ""}),
            json!({"name": "x".repeat(300)}),
            json!({"name": 1}),
            json!({"environment": {"nope": "x"}}),
            json!({"environment": []}),
            json!({"replication_config": "x"}),
            json!({"credentials": {"access_token": "both-at-once"}}),
            json!({"verify": "yes"}),
            json!({"code_verifier": 7}),
        ] {
            stage.redeem("w1", &secret, &more).await.is(422);
        }
        stage.redeem("w1", &secret, &json!({"name": "At last"})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_redemptions_make_one_connector() {
    each(async |stage| {
        stage.put_crm_app().await;
        let secret = stage.secret_id("w1", &json!({})).await;
        let nothing = json!({});
        let replies =
            futures_util::future::join_all((0..20).map(|_| stage.redeem("w1", &secret, &nothing))).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            invalid(reply);
        }
        let list = stage.app.get("/integrations/connectors").await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_time_and_its_grant_is_revoked() {
    Setup::new()
        .set("SECRET_TTL", "3m")
        .each(async |stage| {
            stage.put_crm_app().await;
            let (late, just) =
                (stage.secret_id("w1", &json!({})).await, stage.secret_id("w1", &json!({})).await);
            stage.advance(179);
            stage.redeem("w1", &just, &json!({})).await.ok();
            stage.advance(1);
            invalid(&stage.redeem("w1", &late, &json!({})).await);
            assert_eq!(stage.peer.control.stats().revocations, 0);
            stage.start_jobs().await;
            stage.until("revoked", async || stage.peer.control.stats().revocations > 0).await;
            invalid(&stage.redeem("w1", &late, &json!({})).await);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_one_needs_the_verifier() {
    each(async |stage| {
        stage.put_crm_app().await;
        let verifier = stage.secrets.fresh("verifier-that-is-43-characters-long");
        let challenge = code_challenge(&verifier);
        let secret = stage.secret_id("w1", &json!({"code_challenge": challenge})).await;
        invalid(&stage.redeem("w1", &secret, &json!({})).await);
        for wrong in ["", " ", &challenge, &verifier.to_uppercase(), &verifier[..20]] {
            let reply = stage.redeem("w1", &secret, &json!({"code_verifier": wrong})).await;
            invalid(&reply);
        }
        stage.redeem("w1", &secret, &json!({"code_verifier": verifier})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_cannot_be_used_before_it_is_redeemed() {
    each(async |stage| {
        stage.put_crm_app().await;
        let calls = stage.peer.api_calls();
        stage.secret_id("w1", &json!({})).await;
        let list = stage.app.get("/integrations/connectors").await.ok();
        assert_eq!(list["data"], json!([]));
        assert!(stage.peer.api_calls() <= calls + 1, "only whose account it is was asked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_checks_before_the_secret_is_spent() {
    each(async |stage| {
        stage.put_crm_app().await;
        let secret = stage.secret_id("w1", &json!({})).await;
        stage.peer.control.expire_access_tokens();
        let rows = row_counts(&stage.database).await;
        stage.redeem("w1", &secret, &json!({"verify": true})).await.fails(422, "check_failed");
        assert_eq!(row_counts(&stage.database).await, rows);
        stage.redeem("w1", &secret, &json!({})).await.ok();
    })
    .await;
}
