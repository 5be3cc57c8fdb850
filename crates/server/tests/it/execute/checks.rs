//! Checks of a saved connector: one light call, or one for each entity, and what each outcome is called.

use crate::support::stage::each;
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_a_bad_credential_from_a_provider_that_is_down() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let path = format!("/integrations/connectors/{connector}/check");
        let check = async |body: Value| stage.app.post(&path, &body).await.ok();
        let calls = stage.peer.api_calls();
        let good = check(json!({})).await;
        assert_eq!((&good["id"], &good["status"]), (&json!(connector), &json!("succeeded")));
        assert_eq!(stage.peer.api_calls(), calls + 1, "one light call");
        let faults = [
            (Effect::Status { status: 503, retry_after: None, body: None }, "inconclusive"),
            (Effect::Status { status: 429, retry_after: Some("60".to_owned()), body: None }, "inconclusive"),
            (Effect::Drop, "inconclusive"),
            (Effect::Status { status: 403, retry_after: None, body: None }, "failed"),
        ];
        for (effect, status) in faults {
            stage.peer.control.inject(Fault::once(At::Api, effect.clone()).times(10));
            let report = check(json!({})).await;
            assert_eq!(report["status"], status, "{effect:?}: {report}");
            assert!(report["error_message"].is_string());
            stage.peer.control.clear_faults();
        }
        stage.peer.control.expire_access_tokens();
        assert_eq!(check(json!({})).await["status"], "succeeded", "an expired token is renewed");
        let report = check(json!({"entities": ["contacts", "deals"]})).await;
        let results = report["entity_check_results"].as_array().unwrap();
        assert!(results.iter().all(|one| one["status"] == "succeeded") && results.len() == 2, "{report}");
        for bad in [json!({"entities": "contacts"}), json!({"entities": [1]}), json!({"entities": {}})] {
            stage.app.post(&path, &bad).await.is(422);
        }
        let empty = stage.app.call(http::Method::POST, &path).send().await;
        assert!(matches!(empty.status.as_u16(), 200 | 415), "an absent body is no body: {}", empty.text());
        stage.peer.control.revoke_grants();
        let report = check(json!({"entities": ["contacts", "user"]})).await;
        assert_eq!(report["status"], "failed");
        assert_eq!(report["entity_check_results"][0]["status"], "failed");
    })
    .await;
}
