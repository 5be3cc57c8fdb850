//! Every operation is called once, and its answer held against the document.

use super::conformance::mistakes;
use super::{document, operations, resolve};
use crate::support::http::Reply;
use crate::support::stage::{Client, Stage, each};
use crate::support::walk::{CRM, HOME, id, with};
use http::Method;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;

struct Witness<'a> {
    stage: &'a Stage,
    document: Value,
    seen: RefCell<BTreeSet<String>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_documented() {
    each(async |stage| {
        let witness = Witness { stage, document: document(stage).await, seen: RefCell::default() };
        tokens(&witness).await;
        organization(&witness).await;
        let connector = connector(&witness).await;
        calls(&witness, &connector).await;
        types(&witness, &connector).await;
        endings(&witness, &connector).await;
        outside(&witness).await;
        let mut missed = Vec::new();
        for operation in operations(&witness.document) {
            let name = format!("{} {}", operation.method, operation.path);
            // A browser comes back here; what it gets is no JSON.
            if !name.contains("/callback") && !witness.seen.borrow().contains(&name) {
                missed.push(name);
            }
        }
        assert!(missed.is_empty(), "never called: {missed:?}");
    })
    .await;
}

impl Witness<'_> {
    /// Calls an operation; `path` has its values in braces: `/jobs/{job_id=0198…}`.
    async fn call(&self, client: &Client, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let (mut template, mut real) = (String::new(), String::new());
        for part in path.split_inclusive(['{', '}']) {
            if let Some((name, value)) = part.strip_suffix('}').and_then(|part| part.split_once('=')) {
                template.extend(["{", name, "}"]);
                real.push_str(value);
            } else {
                let plain = part.strip_suffix('{').unwrap_or(part);
                template.push_str(plain);
                real.push_str(plain);
            }
        }
        let call = client.call(method.clone(), &real);
        let reply = match body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        };
        let template = template.split('?').next().unwrap();
        self.check(&method, &format!("/api/v1{template}"), &reply);
        reply
    }

    fn check(&self, method: &Method, template: &str, reply: &Reply) {
        let operation = &self.document["paths"][template][method.as_str().to_lowercase()];
        assert!(operation.is_object(), "{method} {template} is not described");
        let response = &operation["responses"][reply.status.as_str()];
        assert!(response.is_object(), "{}: {} is not described: {}", reply.asked, reply.status, reply.text());
        let response = resolve(&self.document, response);
        let content = response["content"].as_object();
        let kind = reply.header("content-type").unwrap_or_default().split(';').next().unwrap();
        match content {
            None => assert!(reply.text().is_empty(), "{}: a body that is not described", reply.asked),
            Some(content) => {
                let media =
                    content.get(kind).unwrap_or_else(|| panic!("{}: {kind} is not described", reply.asked));
                if kind == "application/json" {
                    let wrong = mistakes(&self.document, &media["schema"], &reply.json(), "");
                    assert!(wrong.is_empty(), "{}: {wrong:#?}\n{}", reply.asked, reply.text());
                }
            }
        }
        if let Some(codes) = response["x-keybearer-error-codes"].as_array() {
            assert!(
                codes.contains(&reply.json()["error_code"]),
                "{}: not described: {}",
                reply.asked,
                reply.text()
            );
        }
        self.seen.borrow_mut().insert(format!("{method} {template}"));
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(&self.stage.app, Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(&self.stage.app, Method::POST, path, Some(body)).await
    }

    async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(&self.stage.app, Method::PUT, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.call(&self.stage.app, Method::DELETE, path, None).await
    }
}

async fn tokens(witness: &Witness<'_>) {
    let organization = &witness.stage.organization;
    let body = json!({"client_id": organization.client_id, "client_secret": organization.client_secret});
    for path in ["/account/applications/token", "/applications/token"] {
        let reply = witness.call(&witness.stage.anonymous(), Method::POST, path, Some(&body)).await.ok();
        witness.stage.secrets.keep(reply["access_token"].as_str().unwrap());
    }
    let wrong = with(body, &json!({"client_secret": "wrong"}));
    witness
        .call(&witness.stage.anonymous(), Method::POST, "/applications/token", Some(&wrong))
        .await
        .fails(401, "unauthorized");
    let user = json!({"customer_name": "w1"});
    for base in ["/account/applications", "/embedded"] {
        let token = witness.post(&format!("{base}/scoped-token"), &user).await.ok();
        let scoped = witness.stage.as_bearer(token["token"].as_str().unwrap());
        witness.call(&scoped, Method::GET, &format!("{base}/scoped-token/info"), None).await.ok();
        let page = with(user.clone(), &json!({"allowed_origin": "https://app.example.com"}));
        witness.post(&format!("{base}/widget-token"), &page).await.ok();
        witness
            .call(&scoped, Method::POST, &format!("{base}/widget-token"), Some(&page))
            .await
            .fails(403, "forbidden");
    }
    witness
        .call(&witness.stage.anonymous(), Method::GET, "/workspaces", None)
        .await
        .fails(401, "unauthorized");
}

async fn organization(witness: &Witness<'_>) {
    let list = json!({"data": ["https://app.example.com/connected"]});
    witness.put("/organizations/redirect-urls", &list).await.ok();
    assert_eq!(witness.get("/organizations/redirect-urls").await.ok(), list);
    witness.put("/organizations/redirect-urls", &json!({})).await.fails(422, "invalid");
    let settings = json!({"require_binding": false});
    assert_eq!(witness.put("/organizations/settings", &settings).await.ok(), settings);
    assert_eq!(witness.get("/organizations/settings").await.ok(), settings);
    witness.put("/organizations/settings", &json!({"require_bindings": true})).await.fails(422, "invalid");
    let app = json!({"client_id": "harbour client", "client_secret": "harbour:secret%1+2 é&="});
    let body = json!({"connector_type": CRM, "configuration": app});
    witness.put("/oauth/credentials", &body).await.ok();
    witness.get("/oauth/credentials").await.ok();
    witness.get(&format!("/oauth/credentials/spec?connector_type={CRM}")).await.ok();
    witness.get("/oauth/credentials/spec?connector_type=nope").await.fails(404, "not_found");
}

/// A connector by consent; another by credentials is only checked.
async fn connector(witness: &Witness<'_>) -> String {
    let body = json!({"external_user_id": "w1", "connector_type": CRM, "redirect_url": HOME});
    let reply = witness.post("/integrations/connectors/oauth/initiate", &body).await.ok();
    let url = reply["consent_url"].as_str().unwrap();
    witness.stage.secrets.keep(&crate::support::walk::param(url, "state").unwrap());
    let secret_id = witness.stage.secret_id("w1", &json!({})).await;
    let body =
        json!({"external_user_id": "w1", "connector_type": CRM, "server_side_oauth_secret_id": secret_id});
    let made = witness.post("/integrations/connectors", &body).await.ok();
    witness.post("/integrations/connectors", &body).await.fails(400, "invalid_secret_id");
    let token = witness.stage.secrets.fresh("at");
    let unsaved =
        json!({"external_user_id": "w2", "connector_type": CRM, "credentials": {"access_token": token}});
    witness.post("/integrations/connectors/check", &unsaved).await.ok();
    id(&made)
}

async fn calls(witness: &Witness<'_>, id: &str) {
    let one = format!("/integrations/connectors/{{id={id}}}");
    witness.get("/integrations/connectors?limit=1&external_user_id=w1").await.ok();
    witness.get("/integrations/connectors?limit=0").await.fails(422, "invalid");
    witness.get("/connectors/connectors_for_user?customer_name=w1").await.ok();
    witness.get("/connectors/instances_for_user?customer_name=w1").await.ok();
    witness.get(&one).await.ok();
    witness.put(&one, &json!({"name": "Renamed"})).await.ok();
    witness.post(&format!("{one}/check"), &json!({"entities": ["contacts"]})).await.ok();
    let stranger = json!({"entities": ["contacts", "nope"]});
    witness.post(&format!("{one}/check"), &stranger).await.fails(422, "unknown_entity");
    witness.call(&witness.stage.app, Method::POST, &format!("{one}/check"), None).await.ok();
    for base in ["integrations/connectors", "connectors/sources", "connectors/instances"] {
        let path = format!("/{base}/{{id={id}}}/execute");
        let list = json!({"entity": "contacts", "action": "list", "params": {"limit": 1}});
        witness.post(&path, &list).await.ok();
        witness.post(&path, &json!({"entity": "", "action": "describe"})).await.ok();
        witness.post(&path, &json!({"entity": "*", "action": "check"})).await.ok();
        witness.post(&path, &json!({"entity": "nope", "action": "list"})).await.fails(422, "unknown_entity");
    }
}

async fn types(witness: &Witness<'_>, id: &str) {
    let inspection = witness.get(&format!("/integrations/connectors/{{id={id}}}/inspect")).await.ok();
    let entities = format!("/integrations/connectors/{{id={id}}}/entities");
    witness.get(&entities).await.ok();
    for view in
        ["detail=summary", "format=mcp", "format=openai&detail=summary", "format=anthropic&entity=contacts"]
    {
        witness.get(&format!("{entities}?{view}")).await.ok();
    }
    witness.get(&format!("/integrations/connectors/{{id={id}}}/inspect?format=mcp")).await.ok();
    witness.get(&format!("{entities}?entity=nope")).await.fails(422, "unknown_entity");
    witness.get(&format!("{entities}?format=nope")).await.fails(422, "invalid");
    let skill = inspection["docs_skill_id"].as_str().unwrap();
    witness.get(&format!("/skills/docs?id={skill}")).await.ok();
    witness.get(&format!("/skills/docs?id={skill}&section=contacts")).await.ok();
    witness.get("/skills/docs?id=nope").await.fails(404, "not_found");
    let definition = inspection["definition_id"].as_str().unwrap();
    witness.get("/integrations/definitions/sources?name=h").await.ok();
    witness.get(&format!("/integrations/definitions/sources/{{id={definition}}}")).await.ok();
    witness.get("/integrations/templates/sources").await.ok();
    witness.get("/integrations/templates/sources/global").await.ok();
    witness.get(&format!("/integrations/templates/sources/{{id={definition}}}")).await.ok();
}

async fn endings(witness: &Witness<'_>, id: &str) {
    let page = witness.get("/workspaces?limit=1").await.ok();
    let workspace = page["data"][0]["id"].as_str().unwrap();
    witness.get("/workspaces/stats").await.ok();
    let one = format!("/workspaces/{{id={workspace}}}");
    witness.get(&one).await.ok();
    witness.put(&one, &json!({"cache_enabled": true})).await.ok();
    let connector = format!("/integrations/connectors/{{id={id}}}");
    let job = witness.delete(&connector).await.is(202).json();
    witness.get(&connector).await.fails(404, "not_found");
    let job = format!("/jobs/{{job_id={}}}", job["job_id"].as_str().unwrap());
    witness.get(&job).await.ok();
    witness.stage.start_jobs().await;
    witness.stage.until("job done", async || witness.get(&job).await.ok()["status"] == "succeeded").await;
    keybearer::jobs::write_audit(&witness.stage.deps).await.unwrap();
    let page = witness.get("/audit?limit=1000").await.ok();
    assert!(page["data"].as_array().unwrap().iter().all(|entry| entry["seq"].is_u64()));
    let path = "/integrations/connectors/import";
    let token = witness.stage.secrets.fresh("at");
    let line = json!({"customer_name": "w1", "connector_type": CRM, "credentials": {"access_token": token}});
    let call = witness.stage.app.call(Method::POST, path);
    let reply = call.raw("application/x-ndjson", line.to_string()).send().await;
    assert_eq!(reply.ok()["created"], 1);
    witness.check(&Method::POST, &format!("/api/v1{path}"), &reply);
    witness.post(path, &json!({})).await.fails(415, "unsupported_media_type");
    witness.get("/integrations/connectors/export").await.is(200);
    witness.get("/audit?since=yesterday").await.fails(422, "invalid");
    witness.get("/audit/export").await.is(200);
    witness.post("/revocations", &json!({"organization": true, "dry_run": true})).await.ok();
    witness.post("/revocations", &json!({"connector_type": "nope"})).await.fails(404, "not_found");
    witness.stage.connect("w1").await;
    let begun = witness.post("/revocations", &json!({"workspace_id": workspace})).await.is(202).json();
    let revocation = begun["id"].as_str().unwrap();
    witness.get(&format!("/revocations/{{id={revocation}}}")).await.ok();
    witness.get(&format!("/revocations/{{id={revocation}}}/grants?limit=1")).await.ok();
    witness.get("/revocations?limit=1").await.ok();
    witness.delete(&one).await.ok();
    witness.delete(&format!("/oauth/credentials/connector_type/{{connector_type={CRM}}}")).await.is(204);
}

async fn outside(witness: &Witness<'_>) {
    for path in ["/health", "/ready", "/connect", "/openapi.json", "/docs"] {
        let reply =
            witness.stage.http.call(Method::GET, format!("{}{path}", witness.stage.base)).send().await;
        reply.is(200);
        witness.check(&Method::GET, path, &reply);
    }
}
