//! Tokens: what each endpoint answers, and what it refuses.

use crate::support::http::Http;
use crate::support::stage::{Client, each};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_application_token_comes_for_id_and_secret() {
    each(async |stage| {
        let organization = &stage.organization;
        let body = json!({"client_id": organization.client_id, "client_secret": organization.client_secret, "grant-type": "client_credentials"});
        for path in ["/account/applications/token", "/applications/token"] {
            let answer = stage.anonymous().post(path, &body).await.ok();
            stage.secrets.keep(answer["access_token"].as_str().unwrap());
            let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["access_token", "token_type", "expires_in", "organization_id"]);
            assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(900)));
            assert_eq!(answer["organization_id"], organization.id.as_str());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_and_wrong_secrets_are_answered_alike() {
    each(async |stage| {
        let organization = &stage.organization;
        let refuse = async |id: &str, secret: &str| {
            let body = json!({"client_id": id, "client_secret": secret});
            let reply = stage.anonymous().post("/account/applications/token", &body).await;
            reply.fails(401, "unauthorized");
            reply.error_without_id()
        };
        let unknown = refuse("nobody", &organization.client_secret).await;
        assert_eq!(refuse(&organization.client_id, "wrong-secret").await, unknown);
        assert_eq!(
            refuse(&organization.client_id, &organization.client_secret.to_uppercase()).await,
            unknown
        );
        let second = stage.organization("second").await;
        assert_eq!(refuse(&organization.client_id, &second.client_secret).await, unknown);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_are_limited_and_others_are_not_locked_out() {
    each(async |stage| {
        let path = "/account/applications/token";
        let (organization, second) = (&stage.organization, stage.organization("second").await);
        let wrong = json!({"client_id": organization.client_id, "client_secret": "wrong-secret"});
        let mut limited = None;
        for _ in 0..200 {
            let reply = stage.anonymous().post(path, &wrong).await;
            if reply.status == 429 {
                limited = Some(reply);
                break;
            }
            reply.fails(401, "unauthorized");
        }
        let limited = limited.expect("failed authentication is always limited");
        let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
        let right = json!({"client_id": organization.client_id, "client_secret": organization.client_secret});
        assert_eq!(stage.anonymous().post(path, &right).await.status, 429, "a guess is not told apart");
        stage.sign_in(&second).await;
        let elsewhere = Client { http: Http::at(Some([127, 0, 0, 2].into())), ..stage.anonymous() };
        elsewhere.post(path, &right).await.ok();
        stage.app.get("/workspaces").await.ok();
        stage.advance(wait);
        stage.anonymous().post(path, &right).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_makes_its_workspace_and_tells_it() {
    each(async |stage| {
        for (path, alias) in [
            ("/account/applications/scoped-token", "workspace_name"),
            ("/embedded/scoped-token", "external_user_id"),
            ("/embedded/scoped-token", "customer_name"),
        ] {
            let answer = stage.app.post(path, &json!({alias: "Zoë's ☕", "region_id": "eu"})).await.ok();
            let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["token"]);
            let scoped = stage.as_bearer(answer["token"].as_str().unwrap());
            for info in ["/account/applications/scoped-token/info", "/embedded/scoped-token/info"] {
                let info = scoped.get(info).await.ok();
                assert_eq!(info["organization_id"], stage.organization.id.as_str());
                assert_eq!(info["workspace_name"], "Zoë's ☕");
            }
        }
        let workspaces = stage.app.get("/workspaces").await.ok();
        assert_eq!(workspaces["data"].as_array().unwrap().len(), 1, "made once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_does_not_survive_its_workspace() {
    each(async |stage| {
        let scoped = stage.scoped(&stage.app, "w1").await;
        let info = scoped.get("/account/applications/scoped-token/info").await.ok();
        let workspace = info["workspace_id"].as_str().unwrap();
        stage.app.delete(&format!("/workspaces/{workspace}")).await.ok();
        scoped.get("/integrations/connectors").await.fails(401, "unauthorized");
        let again = stage.scoped(&stage.app, "w1").await;
        let info = again.get("/account/applications/scoped-token/info").await.ok();
        assert_ne!(info["workspace_id"], workspace, "a new workspace of the same name");
        scoped.get("/integrations/connectors").await.fails(401, "unauthorized");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_token_holds_a_scoped_token_and_a_page() {
    each(async |stage| {
        let body = json!({
            "workspace_name": "w1", "allowed_origin": "https://app.example.com",
            "selected_source_template_tags": ["crm", "a&b"], "selected_source_template_tags_mode": "any",
        });
        for path in ["/account/applications/widget-token", "/embedded/widget-token"] {
            let answer = stage.app.post(path, &body).await.ok();
            let token = answer["token"].as_str().unwrap();
            stage.secrets.keep(token);
            let inside: Value = serde_json::from_slice(&STANDARD.decode(token).unwrap()).unwrap();
            let scoped = stage.as_bearer(inside["token"].as_str().unwrap());
            let info = scoped.get("/account/applications/scoped-token/info").await.ok();
            let url = url::Url::parse(inside["widgetUrl"].as_str().unwrap()).unwrap();
            assert!(url.as_str().starts_with(&stage.base), "{url}");
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let value =
                |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            assert_eq!(value("workspaceId"), info["workspace_id"].as_str());
            assert_eq!(value("allowedOrigin"), Some("https://app.example.com"));
            let page = stage.http.call(Method::GET, url.as_str()).send().await;
            assert!(page.is(200).header("content-type").unwrap().starts_with("text/html"));
        }
        for bad in [
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/x",
            "*",
            "null",
            "ftp://a",
            "",
        ] {
            let body = json!({"workspace_name": "w1", "allowed_origin": bad});
            let reply = stage.app.post("/account/applications/widget-token", &body).await;
            reply.is(422);
            assert_eq!(reply.wrong_fields(), ["allowed_origin"], "{bad:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_names_are_compared_byte_for_byte() {
    each(async |stage| {
        let mut ids = std::collections::BTreeSet::new();
        let names = ["User1", "user1", "user1 ", " user1", "e\u{301}", "\u{e9}", "ａ", "a", "x\u{200b}", "x"];
        for name in names {
            let scoped = stage.scoped(&stage.app, name).await;
            let info = scoped.get("/account/applications/scoped-token/info").await.ok();
            assert_eq!(info["workspace_name"], name);
            ids.insert(info["workspace_id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), names.len());
        let longest = "ü".repeat(250);
        stage.scoped(&stage.app, &longest).await;
        let reply =
            stage.app.post("/embedded/scoped-token", &json!({"workspace_name": format!("{longest}x")})).await;
        reply.is(422);
    })
    .await;
}
