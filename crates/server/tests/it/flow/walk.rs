//! The flow as the contract tells it, in both callback modes and on both callback paths.

use crate::support::stage::{Setup, each};
use crate::support::walk::{CRM, HOME, id, param};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn secret_id_mode_ends_in_a_connector_that_executes() {
    each(async |stage| {
        stage.put_crm_app().await;
        let consent_url = stage.consent_url("user 1", &json!({})).await;
        let callback = stage.agree(&consent_url, "alice").await;
        assert!(callback.starts_with(&format!("{}/oauth/callback/{CRM}?", stage.base)), "{callback}");
        let home = stage.open(&callback).await.location();
        assert!(home.starts_with(&format!("{HOME}&secret_id=")), "{home}");
        let secret_id = param(&home, "secret_id").unwrap();
        assert!(secret_id.len() >= 22, "at least 128 random bits: {}", secret_id.len());
        let connector = stage.redeem("user 1", &secret_id, &json!({})).await.ok();
        assert_eq!(connector["name"], "Harbour CRM (user 1)");
        assert_eq!(connector["status"], "active");
        assert_eq!(connector["source_template"]["connector_type"], CRM);
        assert_eq!(connector["account"], json!({"id": "user-alice", "name": "Alice Moreau"}));
        let answer = stage.execute(&id(&connector), "contacts", "list", &json!({"limit": 2})).await.ok();
        assert_eq!(answer["status"], "success");
        assert_eq!(answer["result"].as_array().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connector_id_mode_makes_the_connector_at_the_callback() {
    each(async |stage| {
        stage.put_crm_app().await;
        let more = json!({"callback_mode": "connector_id", "name": "Mine", "replication_config": {"a": 1}});
        let consent_url = stage.consent_url("user 1", &more).await;
        let callback = stage.agree(&consent_url, "bob").await;
        let home = stage.open(&callback).await.location();
        assert!(home.starts_with(&format!("{HOME}&connector_id=")), "{home}");
        let connector_id = param(&home, "connector_id").unwrap();
        let connector = stage.app.get(&format!("/integrations/connectors/{connector_id}")).await.ok();
        assert_eq!(connector["name"], "Mine");
        assert_eq!(connector["replication_config"], json!({"a": 1}));
        assert_eq!(connector["account"]["id"], "user-bob");
        stage.execute(&connector_id, "contacts", "list", &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_of_the_legacy_callback_flows_through_the_shared_path() {
    each(async |stage| {
        let configuration = json!({
            "client_id": "harbour client", "client_secret": "harbour:secret%1+2 é&=", "callback": "legacy",
        });
        stage.put_app(CRM, &configuration).await;
        let consent_url = stage.consent_url("w1", &json!({})).await;
        let shared = format!("{}/api/v1/integrations/connectors/oauth/callback", stage.base);
        assert_eq!(param(&consent_url, "redirect_uri").unwrap(), shared);
        let callback = stage.agree(&consent_url, "alice").await;
        assert!(callback.starts_with(&format!("{shared}?")));
        // A state of the shared path means nothing on the connector's own path, and nothing is called.
        let query = callback.split_once('?').unwrap().1;
        stage.open(&format!("{}/oauth/callback/{CRM}?{query}", stage.base)).await.is(400);
        assert_eq!(stage.peer.token_calls("authorization_code"), 0);
        let alias = callback.replace("/api/v1/", "/v1/");
        let home = stage.open(&alias).await.location();
        let secret_id = param(&home, "secret_id").unwrap();
        stage.redeem("w1", &secret_id, &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_callback_mode_is_a_setting() {
    Setup::new()
        .set("CALLBACK_MODE", "connector_id")
        .each(async |stage| {
            stage.put_crm_app().await;
            let consent_url = stage.consent_url("w1", &json!({})).await;
            let callback = stage.agree(&consent_url, "alice").await;
            let home = stage.open(&callback).await.location();
            assert!(param(&home, "connector_id").is_some() && param(&home, "secret_id").is_none(), "{home}");
            stage.secret_id("w1", &json!({"callback_mode": "secret_id"})).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_walks_the_whole_flow_of_its_workspace() {
    each(async |stage| {
        stage.put_crm_app().await;
        let scoped = stage.scoped(&stage.app, "w1").await;
        let consent_url = stage.initiate_as(&scoped, CRM, "w1", &json!({})).await.ok();
        let callback = stage.agree(consent_url["consent_url"].as_str().unwrap(), "bob").await;
        let home = stage.open(&callback).await.location();
        let body = json!({
            "workspace_name": "w1", "definition_id": "5d0f2b64-6d3e-4d8e-9a55-0c9b7a3f7c11",
            "server_side_oauth_secret_id": param(&home, "secret_id").unwrap(), "name": "Bob's",
        });
        let connector = scoped.post("/integrations/connectors", &body).await.ok();
        assert_eq!((&connector["name"], &connector["account"]["id"]), (&json!("Bob's"), &json!("user-bob")));
        let path = format!("/integrations/connectors/{}/execute", id(&connector));
        scoped.post(&path, &json!({"entity": "deals", "action": "list"})).await.ok();
    })
    .await;
}
