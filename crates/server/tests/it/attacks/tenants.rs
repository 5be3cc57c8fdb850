//! One organization against another, one workspace against another: nothing of theirs can be read, used or changed.

use crate::support::stage::each;
use crate::support::walk::{BENCH, CRM, id, with};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn another_organization_cannot_use_anything_by_its_id() {
    each(async |stage| {
        stage.put_crm_app().await;
        let connector = stage.connect("w1").await;
        let workspace = id(&stage.app.get("/workspaces").await.ok()["data"][0]);
        let secret = stage.secret_id("w1", &json!({})).await;
        let stranger = stage.organization("second").await;
        let stranger = stage.sign_in(&stranger).await;
        let own = json!({"client_id": "harbour client", "client_secret": "harbour:secret%1+2 é&="});
        stranger.put("/oauth/credentials", &json!({"connector_type": CRM, "configuration": own})).await.ok();
        let calls = stage.peer.api_calls();
        let path = format!("/integrations/connectors/{connector}");
        for (method, path, body) in [
            ("GET", path.clone(), json!({})),
            ("PUT", path.clone(), json!({"name": "taken over"})),
            ("POST", format!("{path}/execute"), json!({"entity": "contacts", "action": "list"})),
            ("POST", format!("{path}/check"), json!({})),
            ("GET", format!("{path}/inspect"), json!({})),
            ("DELETE", path.clone(), json!({})),
            ("PUT", format!("/workspaces/{workspace}"), json!({"name": "taken over"})),
            ("DELETE", format!("/workspaces/{workspace}"), json!({})),
        ] {
            let reply = stranger.call(method.parse().unwrap(), &path).json(&body).send().await;
            reply.fails(404, "not_found");
        }
        let body = json!({"external_user_id": "w1", "connector_type": CRM, "server_side_oauth_secret_id": secret});
        stranger.post("/integrations/connectors", &body).await.fails(400, "invalid_secret_id");
        stranger.post("/embedded/scoped-token", &json!({"workspace_name": "w1"})).await.ok();
        stranger.post("/integrations/connectors", &body).await.fails(400, "invalid_secret_id");
        let reconnect = json!({"external_user_id": "w1", "connector_type": CRM, "redirect_url": "https://a.example/", "connector_id": connector});
        stranger.post("/integrations/connectors/oauth/initiate", &reconnect).await.fails(404, "not_found");
        assert_eq!(stage.peer.api_calls(), calls, "no upstream call");
        assert_eq!(stage.app.get(&path).await.ok()["name"], "Harbour CRM (w1)");
        stage.app.post("/integrations/connectors", &body).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_cannot_choose_the_organization_or_workspace() {
    each(async |stage| {
        let stranger = stage.organization("second").await;
        let stranger_app = stage.sign_in(&stranger).await;
        let token = json!({"token": stage.secrets.fresh("pat")});
        let claims = json!({
            "organization_id": stranger.id, "scope_id": stranger.id, "workspace_id": "00000000-0000-4000-8000-000000000000",
            "id": "00000000-0000-4000-8000-000000000000", "grant_id": "x", "oauth_app_id": "x", "status": "active",
        });
        let made = stage.import(BENCH, "w1", &token, &claims).await.ok();
        assert_ne!(made["id"], claims["id"]);
        let configuration = json!({"client_id": "c", "client_secret": stage.secrets.fresh("app"), "developer_token": "developer-token"});
        let body = json!({"connector_type": BENCH, "configuration": configuration});
        stage.app.put("/oauth/credentials", &with(body.clone(), &claims)).await.is(422);
        stage.app.put("/oauth/credentials", &body).await.ok();
        assert_eq!(stranger_app.get("/integrations/connectors").await.ok()["data"], json!([]));
        assert_eq!(stranger_app.get("/oauth/credentials").await.ok()["data"], json!([]));
        let path = format!("/integrations/connectors/{}", id(&made));
        let changed = stage.app.put(&path, &with(claims.clone(), &json!({"name": "n"}))).await.ok();
        assert_eq!((&changed["id"], &changed["workspace_name"]), (&made["id"], &json!("w1")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_a_scoped_token_reaches_its_own_accounts_only() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let (mine, theirs) = (stage.bench("w1").await, stage.bench("w2").await);
        let agent = stage.scoped(&stage.app, "w1").await;
        let body = json!({"entity": "items", "action": "list"});
        for path in ["integrations/connectors", "connectors/sources", "connectors/instances"] {
            agent.post(&format!("/{path}/{mine}/execute"), &body).await.ok();
            let named = with(body.clone(), &json!({"connector_id": theirs}));
            agent.post(&format!("/{path}/{theirs}/execute"), &named).await.fails(404, "not_found");
            // A body that names another user is refused, on the own connector, too.
            for id in [&mine, &theirs] {
                let other = with(body.clone(), &json!({"external_user_id": "w2"}));
                agent.post(&format!("/{path}/{id}/execute"), &other).await.fails(403, "forbidden");
            }
        }
        // Warm caches change nothing: the same after the owner used it.
        stage.app.post(&format!("/connectors/sources/{theirs}/execute"), &body).await.ok();
        agent.post(&format!("/connectors/sources/{theirs}/execute"), &body).await.fails(404, "not_found");
        assert_eq!(stage.upstream.seen().len(), 4);
    })
    .await;
}
