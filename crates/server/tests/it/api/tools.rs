//! Tool definitions for model providers and MCP clients, through HTTP.

use crate::support::stage::Setup;
use crate::support::walk::id;
use serde_json::{Value, json};

const ATLAS: &str = include_str!("../support/definitions/atlas.yaml");

macro_rules! assert_shape {
    ($name:expr, $value:expr $(,)?) => {
        insta::assert_snapshot!($name, serde_json::to_string_pretty(&$value).unwrap())
    };
}

fn input(format: &str, tool: &Value) -> Value {
    match format {
        "openai" => tool["function"]["parameters"].clone(),
        "anthropic" => tool["input_schema"].clone(),
        _ => tool["inputSchema"].clone(),
    }
}

fn name<'t>(format: &str, tool: &'t Value) -> &'t str {
    if format == "openai" { tool["function"]["name"].as_str() } else { tool["name"].as_str() }.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_has_one_tool_an_operation_or_one_for_all() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let token = stage.secrets.fresh("pat");
            let connector = id(&stage.import("atlas", "w1", &json!({"token": token}), &json!({})).await.ok());
            let base = format!("/integrations/connectors/{connector}");
            for format in ["openai", "anthropic", "mcp"] {
                let all = stage.app.get(&format!("{base}/entities?format={format}")).await.ok();
                assert!(all.get("entities").is_none());
                let tools = all["tools"].as_array().unwrap();
                assert_eq!(tools.len(), 11);
                for tool in tools {
                    jsonschema::draft202012::meta::validate(&input(format, tool)).unwrap();
                    assert!(all["operations"][name(format, tool)]["entity"].is_string(), "{tool}");
                }
                assert_eq!(all["operations"]["atlas_uploads_create"], json!({"entity": "uploads", "action": "create"}));
                assert_shape!(format!("tool_{format}"), tools[1]);

                let some = stage.app.get(&format!("{base}/entities?entity=projects&format={format}")).await.ok();
                assert_eq!(some["tools"], json!([tools[1]]));
                let renamed = json!({"entity": "projects", "action": "list", "params": {"filter_state": "filter[state]"}});
                assert_eq!(some["operations"], json!({"atlas_projects_list": renamed}));

                let inspection = stage.app.get(&format!("{base}/inspect?format={format}")).await.ok();
                assert_eq!((&inspection["tools"], &inspection["operations"]), (&all["tools"], &all["operations"]));
                assert_eq!(inspection["docs_skill_id"], "connector:atlas");

                let summary = stage.app.get(&format!("{base}/entities?format={format}&detail=summary")).await.ok();
                assert_eq!(summary.as_object().unwrap().keys().collect::<Vec<_>>(), ["tools"]);
                assert_shape!(format!("summary_tool_{format}"), summary["tools"]);
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tool_call_says_can_be_executed() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let token = stage.secrets.fresh("pat");
            let connector = id(&stage.import("atlas", "w1", &json!({"token": token}), &json!({})).await.ok());
            let entities = format!("/integrations/connectors/{connector}/entities");
            let told = stage.app.get(&format!("{entities}?format=anthropic")).await.ok();
            // What a model writes for the tool, brought back as the answer says.
            let arguments = json!({"team_id": "7", "filter_state": "open"});
            let leads = &told["operations"]["atlas_projects_list"];
            let params: serde_json::Map<String, Value> = arguments
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (leads["params"][name].as_str().unwrap_or(name).to_owned(), value.clone()))
                .collect();
            stage.upstream.says(json!({"data": []}));
            let body = json!({"entity": leads["entity"], "action": leads["action"], "params": params});
            stage.execute_with(&connector, &body).await.ok();
            assert_eq!(stage.upstream.seen().last().unwrap().target, "/teams/7/projects?filter%5Bstate%5D=open");

            let summary = stage.app.get(&format!("{entities}?format=anthropic&detail=summary")).await.ok();
            let validator = jsonschema::draft202012::new(&summary["tools"][0]["input_schema"]).unwrap();
            for body in [
                json!({"entity": "projects", "action": "list", "params": {"team_id": "7"}, "select_fields": ["id"]}),
                json!({"entity": "projects", "action": "describe"}),
            ] {
                validator.validate(&body).unwrap();
                stage.execute_with(&connector, &body).await.ok();
            }
            assert!(!validator.is_valid(&json!({"entity": "nobody", "action": "list"})));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_chosen_by_valid_words() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let token = stage.secrets.fresh("pat");
            let connector = id(&stage.import("atlas", "w1", &json!({"token": token}), &json!({})).await.ok());
            for view in ["inspect", "entities"] {
                let path = format!("/integrations/connectors/{connector}/{view}");
                let reply = stage.app.get(&format!("{path}?format=gemini&detail=short")).await;
                let body = reply.fails(422, "invalid");
                assert_eq!(reply.wrong_fields(), ["format", "detail"]);
                assert!(
                    body["message"].as_str().unwrap().contains("must be `openai` or `anthropic` or `mcp`"),
                    "{body}"
                );
                let summary = stage.app.get(&format!("{path}?detail=summary")).await.ok();
                let teams = json!({"entity": "teams", "actions": [{"action": "list", "summary": "Teams"}]});
                assert_eq!(summary["entities"][0], teams);
                assert_eq!(summary["entities"][1]["actions"][0]["required"], json!(["team_id"]));
                assert!(summary.get("tools").is_none());
            }
            let path = format!("/integrations/connectors/{connector}/entities?entity=team");
            for more in ["", "&format=mcp", "&detail=summary", "&format=mcp&detail=summary"] {
                let body = stage.app.get(&format!("{path}{more}")).await.fails(422, "unknown_entity");
                assert!(body["message"].as_str().unwrap().contains("did you mean \"teams\"?"), "{body}");
            }
        })
        .await;
}
