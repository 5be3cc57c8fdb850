//! The flow as the contract tells it, in both callback modes and on both callback paths.

use crate::support::stage::each;
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
