//! The shape of every answer, as snapshots. Ids, times, tokens and ports are replaced.

use crate::support::stage::each;
use crate::support::walk::{BENCH, CRM, id, with};
use serde_json::{Value, json};

/// Not insta's JSON: with `arbitrary_precision` it shows numbers as objects.
macro_rules! assert_shape {
    ($name:literal, $value:expr $(,)?) => {
        insta::assert_snapshot!($name, serde_json::to_string_pretty(&$value).unwrap())
    };
}

/// Replaces what differs from run to run.
fn steady(value: &Value, base: &str, provider: &str) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(name, value)| (name.clone(), steady(value, base, provider))).collect()
        }
        Value::Array(items) => items.iter().map(|item| steady(item, base, provider)).collect(),
        Value::String(text) if uuid::Uuid::try_parse(text).is_ok_and(|id| id.get_version_num() == 7) => {
            json!("[id]")
        }
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => {
            assert!(text.ends_with('Z'), "{text}");
            json!("[time]")
        }
        Value::String(text) => json!(text.replace(base, "[server]").replace(provider, "[provider]")),
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_contracts_shapes() {
    each(async |stage| {
        let show = |value: &Value| steady(value, &stage.base, &stage.peer.url);
        let get = async |path: &str| show(&stage.app.get(path).await.ok());
        assert_shape!("oauth_app", show(&stage.put_crm_app().await));
        assert_shape!("oauth_apps", get("/oauth/credentials").await);
        assert_shape!("oauth_app_spec", get(&format!("/oauth/credentials/spec?connector_type={CRM}")).await);
        let secret_id = stage.secret_id("w1", &json!({})).await;
        let connector =
            stage.redeem("w1", &secret_id, &json!({"replication_config": {"start": "x"}})).await.ok();
        let id = id(&connector);
        assert_shape!("connector", show(&connector));
        assert_eq!(stage.app.get(&format!("/integrations/connectors/{id}")).await.ok(), connector);
        assert_shape!("connectors", get("/integrations/connectors?workspace_name=w1").await);
        let changed =
            stage.app.put(&format!("/integrations/connectors/{id}"), &json!({"name": "Renamed"})).await.ok();
        assert_eq!(changed["name"], "Renamed");
        assert_shape!("inspect", get(&format!("/integrations/connectors/{id}/inspect")).await);
        assert_shape!("entities", get(&format!("/integrations/connectors/{id}/entities")).await);
        let check = stage.app.post(&format!("/integrations/connectors/{id}/check"), &json!({})).await.ok();
        assert_shape!("check", show(&check));
        let check = json!({"entities": ["contacts", "user"]});
        let check = stage.app.post(&format!("/integrations/connectors/{id}/check"), &check).await.ok();
        assert_shape!("check_entities", show(&check));
        let list = stage.execute(&id, "contacts", "list", &json!({"limit": 1})).await.ok();
        assert_shape!("execute_list", show(&list));
        let one = stage.execute(&id, "user", "get", &json!(null)).await.ok();
        assert_shape!("execute_get", show(&one));
        let describe = stage.execute_with(&id, &json!({"entity": "", "action": "describe"})).await.ok();
        assert_shape!("execute_describe", show(&describe));
        let checked = stage.execute_with(&id, &json!({"entity": "*", "action": "check"})).await.ok();
        assert_shape!("execute_check", show(&checked));
        assert_shape!("workspaces", get("/workspaces").await);
        assert_shape!("workspace_stats", get("/workspaces/stats").await);
        let job = stage.app.delete(&format!("/integrations/connectors/{id}")).await.is(202).json();
        assert_shape!("deleted", show(&job));
        let job = job["job_id"].as_str().unwrap();
        assert_shape!("job_pending", get(&format!("/jobs/{job}")).await);
        stage.start_jobs().await;
        let path = format!("/jobs/{job}");
        stage.until("job done", async || stage.app.get(&path).await.ok()["status"] == "succeeded").await;
        assert_shape!("job_done", get(&path).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_has_the_contracts_shapes() {
    each(async |stage| {
        let show = |value: &Value| steady(value, &stage.base, &stage.peer.url);
        let get = async |path: &str| show(&stage.app.get(path).await.ok());
        assert_shape!("definitions", get("/integrations/definitions/sources?name=harbour").await);
        let one = "/integrations/definitions/sources/0b6a2a51-5f0e-4c38-9c77-6a1f9ee1f0d2";
        assert_shape!("definition", get(one).await);
        let all = get("/integrations/definitions/sources").await;
        let names: Vec<&str> = all["definitions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|entry| entry["name"].as_str())
            .collect();
        for name in ["GitHub", "HubSpot", "Intercom", "Salesforce", "Slack", "Workbench"] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        assert_eq!(
            get("/integrations/definitions/sources?name=HUBS").await["definitions"][0]["name"],
            "HubSpot"
        );
        let templates = get("/integrations/templates/sources").await;
        assert_eq!(templates, get("/integrations/templates/sources/global").await);
        let bench =
            templates["data"].as_array().unwrap().iter().find(|one| one["connector_type"] == BENCH).unwrap();
        let template =
            get(&format!("/integrations/templates/sources/{}", bench["id"].as_str().unwrap())).await;
        assert_shape!("template", template);
        for path in ["/integrations/definitions/sources/", "/integrations/templates/sources/"] {
            let unknown = format!("{path}00000000-0000-4000-8000-000000000000");
            stage.app.get(&unknown).await.fails(404, "not_found");
        }
        let scoped = stage.scoped(&stage.app, "w1").await;
        assert_eq!(show(&scoped.get("/integrations/templates/sources").await.ok()), templates);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_contracts_shape() {
    each(async |stage| {
        let show = |value: &Value| {
            let mut value = value.clone();
            value["request_id"] = json!("[request]");
            steady(&value, &stage.base, &stage.peer.url)
        };
        let initiate = "/integrations/connectors/oauth/initiate";
        assert_shape!(
            "error_fields",
            show(&stage.app.post(initiate, &json!({"redirect_url": 1})).await.error())
        );
        let missing =
            json!({"external_user_id": "w1", "connector_type": CRM, "redirect_url": "https://a.example/"});
        assert_shape!("error_oauth_app_missing", show(&stage.app.post(initiate, &missing).await.error()));
        let unknown = with(missing, &json!({"connector_type": "nope"}));
        assert_shape!("error_unknown_type", show(&stage.app.post(initiate, &unknown).await.error()));
        assert_shape!("error_not_found", show(&stage.app.get("/jobs/x").await.error()));
        let bench = stage.bench("w1").await;
        let wrong =
            stage.execute(&bench, "items", "list", &json!({"stat": "open", "page_size": "ten"})).await;
        assert_shape!("error_params", show(&wrong.error()));
        assert_shape!("error_entity", show(&stage.execute(&bench, "item", "list", &json!({})).await.error()));
        assert_shape!("error_action", show(&stage.execute(&bench, "items", "lst", &json!({})).await.error()));
        let credentials = stage.import(BENCH, "w1", &json!({"username": "u"}), &json!({})).await;
        assert_shape!("error_credentials", show(&credentials.error()));
    })
    .await;
}
