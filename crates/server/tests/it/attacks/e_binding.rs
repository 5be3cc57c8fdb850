//! Section E, cross-user consents: who may finish a consent that somebody else started or agreed to. Mix-ups between
//! providers and flows stand in `mix_up.rs`.

use crate::support::stage::{Stage, each};
use crate::support::walk::{CRM, HOME, param, with};
use keybearer_connector::oauth::code_challenge;
use serde_json::{Value, json};

const ATTACKERS: &str = "attacker-verifier-0123456789-0123456789-0123456789";
const VICTIMS: &str = "victim-verifier-0123456789-0123456789-0123456789-0";

fn challenge(verifier: &str) -> Value {
    json!({"code_challenge": code_challenge(verifier)})
}

fn proof(verifier: &str) -> Value {
    json!({"code_verifier": verifier})
}

async fn require(stage: &Stage, on: bool) {
    let settings = json!({"require_binding": on});
    assert_eq!(stage.app.put("/organizations/settings", &settings).await.ok(), settings);
}

async fn nothing_was_made(stage: &Stage) {
    assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"], json!([]));
}

/// The attacker starts, the victim agrees: the grant of the victim's account must not end up with the attacker.
#[tokio::test(flavor = "multi_thread")]
async fn e5_a_consent_that_the_attacker_started_and_the_victim_gave_is_redeemed_by_nobody() {
    for required in [false, true] {
        each(async |stage| {
            stage.put_crm_app().await;
            require(stage, required).await;
            let started = stage.consent_url("attacker", &challenge(ATTACKERS)).await;
            // The victim's browser follows the link, agrees, and comes back to the application in its own session.
            let home = stage.open(&stage.agree(&started, "bob").await).await.location();
            let secret = param(&home, "secret_id").unwrap();
            // The application redeems for the session that it sees: the victim's, with the victim's verifier or none.
            for more in [proof(VICTIMS), json!({})] {
                stage.redeem("victim", &secret, &more).await.fails(400, "invalid_secret_id");
                stage.redeem("attacker", &secret, &more).await.fails(400, "invalid_secret_id");
            }
            let agent = stage.scoped(&stage.app, "victim").await;
            let body = json!({"external_user_id": "victim", "connector_type": CRM, "server_side_oauth_secret_id": secret});
            agent.post("/integrations/connectors", &body).await.fails(400, "invalid_secret_id");
            nothing_was_made(stage).await;
            assert_eq!(stage.peer.api_calls(), 1, "only whose account it is was asked");
            // Not redeemed, it is taken back at the provider.
            stage.advance(601);
            stage.start_jobs().await;
            stage.until("revoked", async || stage.peer.control.stats().revocations == 2).await;
        })
        .await;
    }
}

/// The victim's session is made to finish the attacker's flow: the victim would work in the attacker's account.
#[tokio::test(flavor = "multi_thread")]
async fn e6_the_victims_session_cannot_finish_the_attackers_flow() {
    for required in [false, true] {
        each(async |stage| {
            stage.put_crm_app().await;
            require(stage, required).await;
            let started = stage.consent_url("attacker", &challenge(ATTACKERS)).await;
            // The attacker agrees with an account of their own, and leads the victim's browser to the callback.
            let callback = stage.agree(&started, "bob").await;
            let home = stage.open(&callback).await.location();
            let secret = param(&home, "secret_id").unwrap();
            stage.redeem("victim", &secret, &proof(VICTIMS)).await.fails(400, "invalid_secret_id");
            stage.redeem("victim", &secret, &json!({})).await.fails(400, "invalid_secret_id");
            // Even an attacker who hands over the verifier gets the grant into no workspace but their own.
            stage.scoped(&stage.app, "victim").await;
            stage.redeem("victim", &secret, &proof(ATTACKERS)).await.fails(404, "not_found");
            nothing_was_made(stage).await;
            // None of that burnt it for its owner.
            stage.redeem("attacker", &secret, &proof(ATTACKERS)).await.ok();
        })
        .await;
    }
}

/// Without a challenge the workspace alone decides: what the organization's setting is there to end.
#[tokio::test(flavor = "multi_thread")]
async fn e5_unbound_the_workspace_alone_decides() {
    each(async |stage| {
        stage.put_crm_app().await;
        let started = stage.consent_url("attacker", &json!({})).await;
        let home = stage.open(&stage.agree(&started, "bob").await).await.location();
        let secret = param(&home, "secret_id").unwrap();
        stage.scoped(&stage.app, "victim").await;
        stage.redeem("victim", &secret, &json!({})).await.fails(404, "not_found");
        // The residual risk as docs/SECURITY.md tells it: an application that redeems for the name it is handed.
        stage.redeem("attacker", &secret, &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn required_binding_refuses_what_is_not_bound() {
    each(async |stage| {
        stage.put_crm_app().await;
        assert_eq!(stage.app.get("/organizations/settings").await.ok(), json!({"require_binding": false}));
        let pending = stage.consent_url("w1", &json!({})).await;
        let direct = stage.consent_url("w1", &json!({"callback_mode": "connector_id"})).await;
        let granted = stage.secret_id("w1", &json!({})).await;
        let bound = stage.secret_id("w1", &challenge(VICTIMS)).await;
        require(stage, true).await;
        // New ones.
        for more in [json!({}), json!({"callback_mode": "connector_id"})] {
            stage.initiate_as(&stage.app, CRM, "new", &more).await.fails(422, "binding_required");
        }
        let agent = stage.scoped(&stage.app, "w1").await;
        stage.initiate_as(&agent, CRM, "w1", &json!({})).await.fails(422, "binding_required");
        let both = with(challenge(VICTIMS), &json!({"callback_mode": "connector_id"}));
        stage.initiate_as(&stage.app, CRM, "w1", &both).await.fails(422, "binding_requires_secret_id");
        assert_eq!(stage.app.get("/workspaces?name_contains=new").await.ok()["data"], json!([]));
        // And those that were under way.
        let calls = stage.peer.token_calls("authorization_code");
        for url in [pending, direct] {
            let home = stage.open(&stage.agree(&url, "alice").await).await.location();
            assert_eq!(param(&home, "error").as_deref(), Some("binding_required"), "{home}");
            assert!(home.starts_with(HOME));
        }
        assert_eq!(stage.peer.token_calls("authorization_code"), calls, "no code was exchanged");
        stage.redeem("w1", &granted, &json!({})).await.fails(400, "invalid_secret_id");
        stage.redeem("w1", &granted, &proof(VICTIMS)).await.fails(400, "invalid_secret_id");
        nothing_was_made(stage).await;
        stage.redeem("w1", &bound, &proof(VICTIMS)).await.ok();
        // Another organization is not held to it.
        let stranger = stage.organization("stranger").await;
        let stranger = stage.sign_in(&stranger).await;
        assert_eq!(stranger.get("/organizations/settings").await.ok(), json!({"require_binding": false}));
        // A setting that is not given stays; a misspelt one is told.
        stage.app.put("/organizations/settings", &json!({})).await.ok();
        let wrong = stage.app.put("/organizations/settings", &json!({"require_bindings": false})).await;
        wrong.fails(422, "invalid");
        assert_eq!(stage.app.get("/organizations/settings").await.ok(), json!({"require_binding": true}));
        require(stage, false).await;
        stage.redeem("w1", &granted, &json!({})).await.ok();
    })
    .await;
}
