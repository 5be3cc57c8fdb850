//! Checks of named entities: where their parameters come from, what each outcome is called, and that nothing is called twice.

use crate::support::stage::{Setup, Stage};
use crate::support::upstream::{Asked, json};
use crate::support::walk::id;
use serde_json::{Value, json};

const ATLAS: &str = include_str!("../support/definitions/atlas.yaml");

async fn atlas(stage: &Stage, environment: &Value) -> String {
    let token = stage.secrets.fresh("pat");
    let more = json!({"environment": environment});
    id(&stage.import("atlas", "w1", &json!({"token": token}), &more).await.ok())
}

async fn check(stage: &Stage, connector: &str, entities: &[&str]) -> Value {
    let path = format!("/integrations/connectors/{connector}/check");
    stage.app.post(&path, &json!({"entities": entities})).await.ok()
}

/// Entity and status of each result, and that a status other than success has a reason.
fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let results = report["entity_check_results"].as_array().unwrap();
    let outcome = |one: &'_ Value| {
        assert_eq!(one["error_message"].is_null(), one["status"] == "succeeded", "{one}");
    };
    results.iter().for_each(outcome);
    results.iter().map(|one| (one["entity"].as_str().unwrap(), one["status"].as_str().unwrap())).collect()
}

fn targets(stage: &Stage) -> Vec<String> {
    stage.upstream.seen().into_iter().map(|asked| asked.target).collect()
}

fn records(asked: &Asked) -> axum::response::Response {
    let data = match asked.path() {
        "/teams" => json!([{"id": 7}, {"id": 8}]),
        "/teams/7/projects" => json!([{"name": "no key"}, {"key": "p 1"}]),
        "/views" => json!([{"id": "v1", "kind": "form"}, {"id": "v2", "kind": "board"}]),
        _ => json!([]),
    };
    json(200, &json!({ "data": data }))
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_come_from_parents_once_and_from_probe_values() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let connector = atlas(stage, &json!({})).await;
            stage.upstream.answers(records);
            stage.upstream.forget();
            let report = check(stage, &connector, &["tasks", "plans", "projects", "teams", "tasks"]).await;
            assert_eq!(
                outcomes(&report),
                [
                    ("tasks", "succeeded"),
                    ("plans", "succeeded"),
                    ("projects", "succeeded"),
                    ("teams", "succeeded")
                ]
            );
            assert_eq!(report["status"], "succeeded");
            // The grandparent first, as small as it may be; each list once; a date of the moved clock.
            assert_eq!(
                targets(stage),
                [
                    "/teams?per_page=50",
                    "/teams/7/projects",
                    "/tasks?since=2026-05-25&project_id=p+1",
                    "/tasks/p%201/plan"
                ]
            );
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parents_filter_looks_at_a_whole_page() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let connector = atlas(stage, &json!({})).await;
            stage.upstream.answers(records);
            stage.upstream.forget();
            assert_eq!(
                outcomes(&check(stage, &connector, &["views", "cards"]).await),
                [("views", "succeeded"), ("cards", "succeeded")]
            );
            assert_eq!(targets(stage), ["/views?limit=1", "/views?limit=20", "/views/v2/cards"]);
            stage.upstream.says(json!({"data": [{"id": "v1", "kind": "form"}]}));
            let report = check(stage, &connector, &["cards"]).await;
            assert_eq!(
                (outcomes(&report), &report["status"]),
                (vec![("cards", "inconclusive")], &json!("inconclusive"))
            );
            assert!(
                report["entity_check_results"][0]["error_message"]
                    .as_str()
                    .unwrap()
                    .contains("of a record of views")
            );
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_scopes_checks_and_a_list_is_sampled() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            stage.upstream.says(json!([]));
            for repositories in [json!(["acme/rocket", "acme/anvil"]), json!("acme/rocket")] {
                let connector = atlas(stage, &json!({"repositories": repositories, "region": "us"})).await;
                stage.upstream.forget();
                assert_eq!(outcomes(&check(stage, &connector, &["issues"]).await), [("issues", "succeeded")]);
                // The connector's own check is the same operation.
                assert_eq!(check(stage, &connector, &[]).await["status"], "succeeded");
                assert_eq!(targets(stage), ["/repos/acme/rocket/issues?region=us"; 2]);
            }
            let connector = atlas(stage, &json!({})).await;
            stage.upstream.forget();
            let report = check(stage, &connector, &[]).await;
            assert_eq!(report["status"], "inconclusive", "{report}");
            assert!(report["error_message"].as_str().unwrap().contains("\"owner\" is required"), "{report}");
            assert!(targets(stage).is_empty());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_called_is_inconclusive_and_strangers_are_refused() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let connector = atlas(stage, &json!({})).await;
            stage.upstream.answers(records);
            stage.upstream.forget();
            let report = check(stage, &connector, &["uploads", "secrets", "hens", "eggs"]).await;
            let outcomes = outcomes(&report);
            assert!(outcomes.iter().all(|(_, status)| *status == "inconclusive") && outcomes.len() == 4, "{report}");
            assert!(targets(stage).is_empty(), "hen and egg wait for each other; nobody calls");
            let path = format!("/integrations/connectors/{connector}/check");
            let reply = stage.app.post(&path, &json!({"entities": ["teams", "taks", "nobody"]})).await;
            let body = reply.fails(422, "unknown_entity");
            assert_eq!(reply.wrong_fields(), ["entities/1", "entities/2"]);
            assert!(body["message"].as_str().unwrap().contains("did you mean \"tasks\"? Accepted: tasks, teams"), "{body}");
            let credentials = json!({"token": stage.secrets.fresh("pat")});
            let unsaved = json!({"external_user_id": "w2", "connector_type": "atlas", "credentials": credentials, "entities": ["nobody"]});
            stage.app.post("/integrations/connectors/check", &unsaved).await.fails(422, "unknown_entity");
            assert!(targets(stage).is_empty());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_fails_says_nothing_of_its_children_but_a_dead_credential_ends_the_check() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let connector = atlas(stage, &json!({})).await;
            stage.upstream.answers(|asked| match asked.path() {
                "/teams" => json(403, &json!({"message": "no"})),
                _ => json(200, &json!({"data": []})),
            });
            stage.upstream.forget();
            let report = check(stage, &connector, &["projects", "teams", "views"]).await;
            assert_eq!(
                outcomes(&report),
                [("projects", "inconclusive"), ("teams", "failed"), ("views", "succeeded")]
            );
            let results = &report["entity_check_results"];
            assert_eq!((&results[0]["status_code"], &results[1]["status_code"]), (&json!(403), &json!(403)));
            assert_eq!(
                (&report["status"], &report["error_message"]),
                (&json!("failed"), &results[1]["error_message"])
            );
            assert_eq!(
                targets(stage),
                ["/teams?per_page=50", "/views?limit=1"],
                "a refused list is not asked for again"
            );
            // Without its project a list of tasks would say nothing that holds.
            assert_eq!(outcomes(&check(stage, &connector, &["tasks"]).await), [("tasks", "inconclusive")]);
            stage.upstream.answers(|_| json(401, &json!({})));
            stage.upstream.forget();
            let report = check(stage, &connector, &["views", "cards", "tasks"]).await;
            assert_eq!(outcomes(&report), [("views", "failed"), ("cards", "failed"), ("tasks", "failed")]);
            assert_eq!(targets(stage), ["/views?limit=1"]);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_renewed_in_a_check_serves_the_rest_of_it() {
    Setup::new()
        .each(async |stage| {
            stage.put_crm_app().await;
            let connector = stage.connect("w1").await;
            // The server does not know: the first call is refused, and repeated with a newer token.
            stage.peer.control.expire_access_tokens();
            let calls = stage.peer.api_calls();
            let report = check(stage, &connector, &["contacts", "deals", "user"]).await;
            assert_eq!(report["status"], "succeeded", "{report}");
            assert_eq!(stage.peer.api_calls(), calls + 4);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_ends_within_a_minute() {
    Setup::new()
        .definition(ATLAS)
        .each(async |stage| {
            let connector = atlas(stage, &json!({})).await;
            let clock = stage.clock.clone();
            stage.upstream.answers(move |asked| {
                clock.advance(std::time::Duration::from_mins(1));
                records(asked)
            });
            stage.upstream.forget();
            let report = check(stage, &connector, &["teams", "views", "projects"]).await;
            assert_eq!(
                outcomes(&report),
                [("teams", "succeeded"), ("views", "inconclusive"), ("projects", "inconclusive")]
            );
            assert!(
                report["entity_check_results"][1]["error_message"]
                    .as_str()
                    .unwrap()
                    .starts_with("Not called")
            );
            assert_eq!(targets(stage), ["/teams?per_page=50"]);
        })
        .await;
}
