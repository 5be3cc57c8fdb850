//! What the log tells, and what it never tells.

use crate::support::http::Reply;
use crate::support::stage::{Setup, Stage, each};
use crate::support::walk::{CRM, HOME};
use http::Method;
use serde_json::{Value, json};

/// Entries so far, without what no test can know.
async fn log(stage: &Stage, query: &str) -> Vec<Value> {
    keybearer::jobs::write_audit(&stage.deps).await.unwrap();
    let page = stage.app.get(&format!("/audit?limit=1000{query}")).await.ok();
    page["data"].as_array().unwrap().clone()
}

fn operations(log: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    log.iter()
        .map(|entry| (text(&entry["operation"]), text(&entry["actor"]["kind"]), text(&entry["outcome"])))
        .collect()
}

fn told(list: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    list.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

fn request_id(reply: &Reply) -> &str {
    reply.header("x-request-id").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_its_entry_and_no_secret() {
    each(async |stage| {
        stage.put_crm_app().await;
        stage.app.put("/organizations/redirect-urls", &json!({"data": [HOME]})).await.ok();
        let connector = stage.connect("w1").await;
        let refused = stage.consent_url("w1", &json!({})).await;
        let back = crate::support::provider::decide(&stage.http, &refused, "alice", "deny").await;
        let denied = stage.open(&back).await;
        denied.location();
        let scoped = stage.scoped(&stage.app, "w1").await;
        let path = format!("/integrations/connectors/{connector}");
        stage.advance(1);
        let renamed = scoped.put(&path, &json!({"name": "Mine"})).await;
        let workspace = renamed.ok()["workspace_id"].clone();
        stage.advance(1);
        let password = stage.secrets.fresh("parameter");
        let call = json!({
            "entity": "contacts", "action": "list", "params": {"limit": 1},
            "intent": format!("why\n{}", "x".repeat(600))
        });
        let executed = scoped.post(&format!("{path}/execute"), &call).await;
        executed.ok();
        stage.advance(1);
        let wrong = json!({"entity": "contacts", "action": "get", "params": {"nope": password}});
        scoped.post(&format!("{path}/execute"), &wrong).await.fails(422, "invalid_params");
        stage.advance(1);
        stage.app.delete(&path).await.is(202);
        stage.advance(1);
        stage.app.post("/revocations", &json!({"workspace_name": "w1"})).await.is(202);
        stage.advance(1);
        stage.app.delete(&format!("/workspaces/{}", workspace.as_str().unwrap())).await.ok();
        stage
            .app
            .delete(&format!("/workspaces/{}", workspace.as_str().unwrap()))
            .await
            .fails(404, "not_found");
        stage.app.delete(&format!("/oauth/credentials/connector_type/{CRM}")).await.is(204);
        stage.app.delete(&format!("/oauth/credentials/connector_type/{CRM}")).await.is(204);
        let log = log(stage, "").await;
        let seen = operations(&log);
        // What happened at the same moment has no order of its own.
        let mut first = seen[..7].to_vec();
        first.sort();
        let mut wanted = told(&[
            ("oauth_app.put", "application", "ok"),
            ("redirect_urls.put", "application", "ok"),
            ("consent.initiate", "application", "ok"),
            ("consent.callback", "browser", "ok"),
            ("connector.create", "application", "ok"),
            ("consent.initiate", "application", "ok"),
            ("consent.callback", "browser", "access_denied"),
        ]);
        wanted.sort();
        assert_eq!(first, wanted);
        let rest = told(&[
            ("connector.update", "scoped", "ok"),
            ("contacts.list", "scoped", "ok"),
            ("contacts.get", "scoped", "invalid_params"),
            ("connector.delete", "application", "ok"),
            ("revocation.create", "application", "ok"),
        ]);
        assert_eq!(seen[7..12], rest);
        let mut last = seen[12..].to_vec();
        last.sort();
        let ended = [("oauth_app.delete", "application", "ok"), ("workspace.delete", "application", "ok")];
        assert_eq!(last, told(&ended), "each once: what changed nothing is not told");
        let came_back = log.iter().find(|entry| entry["outcome"] == "access_denied").unwrap();
        assert_eq!(came_back["request_id"], request_id(&denied));
        let came_back = log.iter().find(|entry| entry["operation"] == "consent.callback").unwrap();
        assert!(came_back["request_id"].is_string(), "{came_back}");
        let execute = &log[8];
        assert_eq!(execute["workspace_id"], workspace);
        assert_eq!(execute["connector_id"], connector.as_str());
        assert_eq!(execute["request_id"], request_id(&executed));
        assert_eq!(execute["actor"]["credential_id"], stage.organization.credential_id.as_str());
        assert_eq!(execute["intent"], format!("why{}", "x".repeat(497)));
        assert_eq!(log[7]["request_id"], request_id(&renamed));
        assert!(!Value::Array(log).to_string().contains(&password));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_leaves_no_entry_and_a_log_that_fails_no_change() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let path = format!("/integrations/connectors/{connector}");
        stage
            .app
            .put("/workspaces/0198c6a3-1d42-7b0e-9c11-5d6f7a80b002", &json!({"name": "x"}))
            .await
            .fails(404, "not_found");
        assert_eq!(operations(&log(stage, "").await), told(&[("connector.create", "application", "ok")]));
        stage.database.run("ALTER TABLE audit_entries RENAME TO audit_away").await;
        assert!(stage.app.delete(&path).await.status.is_server_error());
        stage.database.run("ALTER TABLE audit_away RENAME TO audit_entries").await;
        stage.app.get(&path).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_paged_exported_and_kept_apart() {
    each(async |stage| {
        let (one, two) = (stage.bench("w1").await, stage.bench("w2").await);
        stage.upstream.says(json!({"items": []}));
        for _ in 0..3 {
            stage.advance(60);
            stage.execute(&one, "items", "list", &json!({})).await.ok();
            stage.execute(&two, "items", "list", &json!({})).await.ok();
        }
        assert_eq!(log(stage, "").await.len(), 8);
        assert_eq!(log(stage, "&workspace_name=w1").await.len(), 4);
        assert_eq!(log(stage, "&workspace_name=nobody").await.len(), 0);
        assert_eq!(log(stage, &format!("&connector_id={two}&operation=items.list")).await.len(), 3);
        assert_eq!(log(stage, "&since=2026-06-01T00:02:00Z").await.len(), 4);
        assert_eq!(log(stage, "&since=2026-06-01T00:01:00Z&until=2026-06-01T00:02:00Z").await.len(), 2);
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stage.app.get(&format!("/audit?limit=3{cursor}")).await.ok();
            seen.extend(page["data"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, log(stage, "").await);
        let export = stage.app.get("/audit/export").await;
        assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
        let lines: Vec<Value> =
            export.is(200).text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, seen);
        let stranger = stage.sign_in(&stage.organization("second").await).await;
        assert_eq!(stranger.get("/audit").await.ok()["data"], json!([]));
        assert_eq!(stranger.call(Method::GET, "/audit/export").send().await.is(200).text(), "");
        stage.app.get("/audit?until=soon").await.fails(422, "invalid");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_dies_is_told() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        stage.peer.control.revoke_grants();
        stage
            .execute(&connector, "contacts", "list", &json!({}))
            .await
            .fails(409, "reauthorization_required");
        let log = log(stage, "&operation=grant.refresh").await;
        assert_eq!(operations(&log), told(&[("grant.refresh", "server", "reauthorization_required")]));
        assert!(log[0]["workspace_id"].is_string());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executes_wait_for_a_database_that_comes_back() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.says(json!({"items": []}));
        stage.execute(&connector, "items", "list", &json!({})).await.ok();
        stage.database.run("ALTER TABLE audit_entries RENAME TO audit_away").await;
        stage.execute(&connector, "items", "list", &json!({})).await.ok();
        assert!(keybearer::jobs::write_audit(&stage.deps).await.is_err());
        stage.database.run("ALTER TABLE audit_away RENAME TO audit_entries").await;
        assert_eq!(log(stage, "&operation=items.list").await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_told_only_where_they_are_wanted_or_say_why() {
    Setup::new()
        .set("AUDIT_EXECUTES", "changes")
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            stage.upstream.says(json!({"items": []}));
            stage.execute(&connector, "items", "list", &json!({})).await.ok();
            assert_eq!(log(stage, "&operation=items.list").await.len(), 0);
            let why = json!({"entity": "items", "action": "list", "intent": "Counting items"});
            stage.execute_with(&connector, &why).await.ok();
            assert_eq!(log(stage, "&operation=items.list").await.len(), 1);
            let change = json!({"entity": "items", "action": "no_such_change"});
            stage.execute_with(&connector, &change).await.fails(422, "unknown_action");
            assert_eq!(
                log(stage, "&operation=items.no_such_change").await.len(),
                1,
                "what is no read is told"
            );
        })
        .await;
}
