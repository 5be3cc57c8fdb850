//! Import and export of many connectors by API.

use crate::support::http::Reply;
use crate::support::stage::{Client, Stage, each};
use crate::support::walk::{BENCH, CRM};
use http::Method;
use serde_json::{Value, json};

async fn import(client: &Client, query: &str, lines: &[Value]) -> Reply {
    let text = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let path = format!("/integrations/connectors/import{query}");
    client.call(Method::POST, &path).raw("application/x-ndjson", text).send().await
}

fn line(stage: &Stage, user: &str, key: &str) -> Value {
    let token = stage.secrets.fresh("pat");
    json!({"workspace_name": user, "connector_type": BENCH, "credentials": {"token": token}, "import_key": key})
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_become_connectors_once() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let lines = [line(stage, "w1", "a"), line(stage, "w2", "b"), line(stage, "w1", "c")];
        let checked = import(&stage.app, "?dry_run=true", &lines).await.ok();
        assert_eq!(
            (&checked["dry_run"], &checked["valid"], &checked["created"]),
            (&json!(true), &json!(3), &json!(0))
        );
        assert_eq!(stage.app.get("/workspaces").await.ok()["data"], json!([]), "nothing was stored");
        let made = import(&stage.app, "", &lines).await.ok();
        assert_eq!((&made["created"], &made["total"]), (&json!(3), &json!(3)));
        assert_eq!(made["results"][1]["line"], 2);
        let id = made["results"][1]["connector_id"].as_str().unwrap();
        stage.execute(id, "items", "list", &json!({})).await.ok();
        let more = [lines[0].clone(), line(stage, "w3", "d"), lines[2].clone()];
        let again = import(&stage.app, "", &more).await.ok();
        assert_eq!((&again["created"], &again["existing"]), (&json!(1), &json!(2)));
        assert_eq!(again["results"][0]["connector_id"], made["results"][0]["connector_id"]);
        // A key is free again when its connector has ended, and another organization's keys are its own.
        stage.app.delete(&format!("/integrations/connectors/{id}")).await.is(202);
        assert_eq!(import(&stage.app, "", &lines).await.ok()["created"], 1);
        let stranger = stage.sign_in(&stage.organization("second").await).await;
        assert_eq!(import(&stranger, "", &lines).await.ok()["created"], 3);
        assert_eq!(stage.upstream.seen().len(), 1, "only the execute went out");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_twice_at_the_same_time_makes_one() {
    each(async |stage| {
        let lines = [line(stage, "w1", "a")];
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (app, lines) = (stage.app.clone(), lines.clone());
            tasks.push(tokio::spawn(async move { import(&app, "", &lines).await.ok() }));
        }
        let mut created = 0;
        for task in tasks {
            created += task.await.unwrap()["created"].as_u64().unwrap();
        }
        assert_eq!(created, 1);
        assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"].as_array().unwrap().len(), 1);
        let again = import(&stage.app, "", &[lines[0].clone(), lines[0].clone()]).await.ok();
        assert_eq!(again["existing"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_line_stores_nothing_and_is_named() {
    each(async |stage| {
        let mut bad = line(stage, "w2", "b");
        bad["credentials"] = json!({"tokn": stage.secrets.fresh("pat")});
        let mut odd = line(stage, "w3", "c");
        odd["auth_schem"] = json!("x");
        let lines = [line(stage, "w1", "a"), bad, odd, json!(["no object"]), json!({"workspace_name": ""})];
        let reply = import(&stage.app, "", &lines).await;
        reply.fails(422, "invalid");
        let fields = reply.wrong_fields();
        for number in 2..=5 {
            assert!(fields.iter().any(|field| field.starts_with(&format!("line {number}"))), "{fields:?}");
        }
        assert!(!fields.iter().any(|field| field.starts_with("line 1")), "{fields:?}");
        assert_eq!(stage.app.get("/workspaces").await.ok()["data"], json!([]));
        let checked = import(&stage.app, "?dry_run=true", &lines).await.ok();
        assert_eq!((&checked["valid"], &checked["invalid"]), (&json!(1), &json!(4)));
        assert_eq!(checked["results"][1]["error_code"], "credentials_mismatch");
        let path = "/integrations/connectors/import";
        for (kind, body, status, code) in [
            ("application/json", "{}", 415, "unsupported_media_type"),
            ("application/x-ndjson", "\n \n", 422, "invalid"),
            ("application/x-ndjson", "{", 422, "invalid"),
            ("application/x-ndjson", "\u{0}\u{1}", 422, "invalid"),
        ] {
            stage.app.call(Method::POST, path).raw(kind, body).send().await.fails(status, code);
        }
        let many: Vec<Value> = (0..1001).map(|number| json!({"n": number})).collect();
        import(&stage.app, "", &many).await.fails(422, "invalid");
        import(&stage.app, "?dry_run=maybe", &lines).await.fails(422, "invalid");
        let huge = "x".repeat(4 * 1024 * 1024 + 1);
        stage
            .app
            .call(Method::POST, path)
            .raw("application/x-ndjson", huge)
            .send()
            .await
            .fails(413, "payload_too_large");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_are_exported_without_secrets() {
    each(async |stage| {
        stage.put_crm_app().await;
        let one = stage.connect("w1").await;
        stage.advance(1);
        stage.bench("w2").await;
        let reply = stage.app.get("/integrations/connectors/export").await;
        assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
        let text = reply.is(200).text();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["id"], &lines[0]["connector_type"]), (&json!(one), &json!(CRM)));
        assert_eq!((&lines[0]["status"], &lines[0]["workspace_name"]), (&json!("active"), &json!("w1")));
        assert!(lines[0]["granted_scopes"].is_array() && lines[0]["access_expires_at"].is_string());
        let keys: Vec<&String> = lines[1].as_object().unwrap().keys().collect();
        assert!(!keys.iter().any(|key| key.contains("credential") || key.contains("token")), "{keys:?}");
        let stranger = stage.sign_in(&stage.organization("second").await).await;
        assert_eq!(stranger.get("/integrations/connectors/export").await.is(200).text(), "");
    })
    .await;
}
