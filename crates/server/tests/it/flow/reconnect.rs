//! Reconnect in place: the same connector, a new grant.

use crate::support::stage::each;
use crate::support::walk::{BENCH, CRM, param};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_keeps_the_id_and_uses_the_new_grant() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let first = stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
        stage.peer.control.revoke_grants();
        stage
            .execute(&connector, "contacts", "list", &json!({}))
            .await
            .fails(409, "reauthorization_required");
        assert_eq!(stage.status(&connector).await, "reauthorization_required");
        for mode in ["secret_id", "connector_id"] {
            stage.advance(1);
            let more =
                json!({"connector_id": connector, "callback_mode": mode, "allow_account_change": true});
            let consent_url = stage.consent_url("w1", &more).await;
            let callback = stage.agree(&consent_url, "bob").await;
            let home = stage.open(&callback).await.location();
            let again = if mode == "secret_id" {
                stage.redeem("w1", &param(&home, "secret_id").unwrap(), &json!({})).await.ok()
            } else {
                assert_eq!(param(&home, "connector_id").as_deref(), Some(connector.as_str()));
                stage.app.get(&format!("/integrations/connectors/{connector}")).await.ok()
            };
            assert_eq!((&again["id"], &again["created_at"]), (&first["id"], &first["created_at"]));
            assert_eq!(again["status"], "active");
            assert_eq!(again["account"]["id"], "user-bob");
            let answer = stage.execute(&connector, "user", "get", &json!({})).await.ok();
            assert_eq!(answer["result"]["id"], "user-bob");
        }
        let list = stage.app.get("/integrations/connectors").await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_initiate_leaves_no_workspace() {
    each(async |stage| {
        stage.put_crm_app().await;
        let unknown = "00000000-0000-4000-8000-000000000000";
        let reply = stage.initiate_as(&stage.app, CRM, "newcomer", &json!({"connector_id": unknown})).await;
        reply.fails(404, "not_found");
        let found = stage.app.get("/workspaces?name_contains=newcomer").await.ok();
        assert_eq!(found["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_live_connector_of_the_workspace_and_type_is_reconnected() {
    each(async |stage| {
        stage.put_crm_app().await;
        stage.put_bench_app().await;
        let bench = stage.bench("w1").await;
        let unknown = "00000000-0000-4000-8000-000000000000";
        let ask = async |kind: &str, user: &str, id: &str| {
            stage.initiate_as(&stage.app, kind, user, &json!({"connector_id": id})).await
        };
        let missing = ask(BENCH, "w1", unknown).await;
        missing.fails(404, "not_found");
        assert_eq!(ask(BENCH, "w2", &bench).await.error_without_id(), missing.error_without_id());
        ask(CRM, "w1", &bench).await.is(422);
        let stranger = stage.organization("second").await;
        let stranger = stage.sign_in(&stranger).await;
        let body = json!({"connector_type": BENCH, "configuration": {"client_id": "c", "client_secret": "some-secret", "developer_token": "d"}});
        stranger.put("/oauth/credentials", &body).await.ok();
        let foreign = stage.initiate_as(&stranger, BENCH, "w1", &json!({"connector_id": bench})).await;
        assert_eq!(foreign.error_without_id(), missing.error_without_id());
        let url = stage.bench_url("w1", &json!({"connector_id": bench, "callback_mode": "connector_id"})).await;
        stage.app.delete(&format!("/integrations/connectors/{bench}")).await.is(202);
        assert_eq!(ask(BENCH, "w1", &bench).await.error_without_id(), missing.error_without_id());
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at")}));
        let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        assert_eq!(param(&home, "error").unwrap(), "creation_failed", "the connector is gone meanwhile");
    })
    .await;
}
