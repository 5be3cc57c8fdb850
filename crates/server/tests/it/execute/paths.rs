//! The three paths of execute, their alias, both tokens, and the pseudo-actions.

use crate::support::stage::each;
use crate::support::walk::CRM;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn all_paths_answer_alike_for_both_tokens() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let scoped = stage.scoped(&stage.app, "w1").await;
        let body = json!({"entity": "contacts", "action": "list", "params": {"limit": 2}, "intent": "to look", "old_field": 1});
        let mut answers = Vec::new();
        for prefix in ["/api/v1", "/v1"] {
            for path in ["connectors/sources", "integrations/connectors", "connectors/instances"] {
                for client in [&stage.app, &scoped] {
                    let url = format!("{}{prefix}/{path}/{connector}/execute", stage.base);
                    let reply = stage.http.call(Method::POST, url).bearer(&client.token).json(&body).send().await;
                    let answer = reply.ok();
                    assert_eq!(reply.header("content-type"), Some("application/json"));
                    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
                    assert_eq!(keys, ["status", "result", "connector_metadata", "execution_metadata"]);
                    assert_eq!(answer["execution_metadata"]["connector_instance_id"], connector.as_str());
                    assert!(answer["execution_metadata"]["execution_time_ms"].is_u64());
                    answers.push(answer["result"].to_string() + &answer["connector_metadata"].to_string());
                }
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn null_params_are_none_and_other_types_are_refused() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let connector = stage.bench("w1").await;
        for params in [json!(null), json!({})] {
            stage.execute(&connector, "items", "list", &params).await.ok();
        }
        stage.execute_with(&connector, &json!({"entity": "items", "action": "list"})).await.ok();
        let calls = stage.upstream.seen().len();
        for bad in [
            json!({"entity": "items", "action": "list", "params": []}),
            json!({"entity": "items", "action": "list", "params": "x"}),
            json!({"entity": 1, "action": "list"}),
            json!({"entity": "items"}),
            json!({"action": "list"}),
            json!({"entity": null, "action": "list"}),
            json!({"entity": "items", "action": "x".repeat(2000)}),
            json!({"entity": "items", "action": "list", "select_fields": "id"}),
            json!({"entity": "items", "action": "list", "select_fields": [1]}),
            json!({"entity": "items", "action": "list", "exclude_fields": {}}),
            json!({"entity": "items", "action": "list", "skip_truncation": "no"}),
            json!({"entity": "items", "action": "list", "intent": 7}),
        ] {
            stage.execute_with(&connector, &bad).await.is(422);
        }
        assert_eq!(stage.upstream.seen().len(), calls, "no upstream call");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_describe_are_answered_by_execute_too() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let calls = stage.peer.api_calls();
        let described =
            stage.execute_with(&connector, &json!({"entity": "", "action": "describe"})).await.ok();
        assert_eq!(stage.peer.api_calls(), calls);
        let text = described["result"].to_string();
        for name in ["contacts", "deals", "files", "user"] {
            assert!(text.contains(name), "{name}: {text}");
        }
        let checked = stage.execute_with(&connector, &json!({"entity": "*", "action": "check"})).await.ok();
        assert_eq!(checked["result"]["status"], "succeeded");
        assert_eq!(stage.peer.api_calls(), calls + 1);
        for answer in [described, checked] {
            assert_eq!(answer["connector_metadata"]["has_next_page"], false);
            assert_eq!(answer["connector_metadata"]["pagination"], json!({"cursor": null}));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_and_entities_name_every_operation_with_its_params() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let path = format!("/integrations/connectors/{connector}");
        let inspected = stage.app.get(&format!("{path}/inspect")).await.ok();
        assert!(inspected["docs_skill_id"].as_str().is_some_and(|id| !id.is_empty()));
        let entities = stage.app.get(&format!("{path}/entities")).await.ok();
        assert_eq!(inspected["entities"], entities["entities"]);
        let contacts =
            entities["entities"].as_array().unwrap().iter().find(|one| one["entity"] == "contacts").unwrap();
        let list =
            contacts["actions"].as_array().unwrap().iter().find(|one| one["action"] == "list").unwrap();
        let params = &list["params"];
        assert_eq!((&params["type"], &params["additionalProperties"]), (&json!("object"), &json!(false)));
        for name in ["limit", "cursor", "after", "q"] {
            assert!(params["properties"][name].is_object(), "{name}: {params}");
        }
        let create =
            contacts["actions"].as_array().unwrap().iter().find(|one| one["action"] == "create").unwrap();
        assert_eq!(create["params"]["required"], json!(["email"]));
        let one = stage.app.get(&format!("{path}/entities?entity=deals")).await.ok();
        assert_eq!(one["entities"].as_array().unwrap().len(), 1);
        for format in ["openai", "anthropic", "mcp"] {
            let tools = stage.app.get(&format!("{path}/inspect?format={format}")).await.ok();
            assert!(tools.to_string().contains("contacts"), "{format}: {tools}");
        }
        let docs = format!("/skills/docs?id={}", inspected["docs_skill_id"].as_str().unwrap());
        let docs = stage.app.get(&docs).await.ok();
        assert!(docs["content"].is_array() && docs["outline"].is_array(), "{docs}");
        stage.app.get("/skills/docs?id=nope").await.fails(404, "not_found");
        stage.app.get("/skills/docs").await.is(422);
        assert!(docs.to_string().contains("contacts") && docs["id"].as_str().unwrap().contains(CRM));
    })
    .await;
}
