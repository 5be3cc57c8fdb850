//! Workspaces: pages, filters, changes, and the soft delete that ends their connectors.

use crate::support::stage::each;
use crate::support::walk::id;
use serde_json::{Value, json};

fn names(answer: &Value) -> Vec<String> {
    answer["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_filtered_and_paged() {
    each(async |stage| {
        for name in ["Alpha", "beta", "100%", "under_score", "alphabet"] {
            stage.scoped(&stage.app, name).await;
            stage.advance(1);
        }
        let list = async |query: &str| stage.app.get(&format!("/workspaces{query}")).await.ok();
        assert_eq!(names(&list("").await), ["Alpha", "beta", "100%", "under_score", "alphabet"]);
        assert_eq!(names(&list("?name_contains=ALPHA").await), ["Alpha", "alphabet"]);
        assert_eq!(names(&list("?name_contains=%25").await), ["100%"]);
        assert_eq!(names(&list("?name_contains=_").await), ["under_score"]);
        assert_eq!(names(&list("?name_contains=nothing").await), Vec::<String>::new());
        let beta = id(&list("?name_contains=beta").await["data"][0]);
        stage.app.put(&format!("/workspaces/{beta}"), &json!({"status": "inactive"})).await.ok();
        assert_eq!(names(&list("?status=inactive").await), ["beta"]);
        assert_eq!(list("?status=active").await["data"].as_array().unwrap().len(), 4);
        let stats = list("/stats").await;
        assert_eq!((&stats["active_count"], &stats["inactive_count"]), (&json!(4), &json!(1)));
        let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let page = list(&query).await;
            seen.extend(names(&page));
            let Some(next) = page["next"].as_str() else { break };
            query = format!("?limit=2&cursor={next}");
        }
        assert_eq!(seen, ["Alpha", "beta", "100%", "under_score", "alphabet"]);
        for bad in ["limit=0", "limit=101", "limit=x", "status=gone", "cursor=x"] {
            stage.app.get(&format!("/workspaces?{bad}")).await.is(422);
        }
        let stranger = stage.organization("second").await;
        assert_eq!(
            names(&stage.sign_in(&stranger).await.get("/workspaces").await.ok()),
            Vec::<String>::new()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_changed_and_names_stay_unique() {
    each(async |stage| {
        stage.scoped(&stage.app, "one").await;
        stage.scoped(&stage.app, "two").await;
        let one = id(&stage.app.get("/workspaces?name_contains=one").await.ok()["data"][0]);
        let path = format!("/workspaces/{one}");
        let before = stage.app.get(&path).await.ok();
        let keys: Vec<&String> = before.as_object().unwrap().keys().collect();
        let wanted = [
            "id",
            "name",
            "organization_id",
            "status",
            "cache_enabled",
            "tombstone",
            "created_at",
            "updated_at",
        ];
        assert_eq!(keys, wanted);
        stage.advance(1);
        let change = json!({"name": "uno", "status": "inactive", "cache_enabled": true});
        let after = stage.app.put(&path, &change).await.ok();
        assert_eq!(
            (&after["name"], &after["status"], &after["cache_enabled"]),
            (&json!("uno"), &json!("inactive"), &json!(true))
        );
        assert_eq!(after["created_at"], before["created_at"]);
        assert_ne!(after["updated_at"], before["updated_at"]);
        assert_eq!(stage.app.put(&path, &json!({})).await.ok()["name"], "uno");
        stage.app.put(&path, &json!({"name": "two"})).await.fails(409, "conflict");
        for bad in [
            json!({"name": ""}),
            json!({"name": 7}),
            json!({"name": "a\u{0}b"}),
            json!({"name": "x".repeat(251)}),
            json!({"status": "gone"}),
            json!({"status": true}),
            json!({"cache_enabled": "yes"}),
        ] {
            stage.app.put(&path, &bad).await.is(422);
        }
        assert_eq!(stage.app.get(&path).await.ok(), stage.app.put(&path, &json!({"name": null})).await.ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_workspace_ends_its_connectors_and_revokes_their_grants() {
    each(async |stage| {
        stage.put_crm_app().await;
        let doomed = stage.connect("w1").await;
        let access_token = stage.peer.newest("at_");
        let kept = stage.connect("w2").await;
        let pending = stage.consent_url("w1", &json!({})).await;
        let pending = stage.agree(&pending, "alice").await;
        let unredeemed = stage.secret_id("w1", &json!({})).await;
        let workspace = id(&stage.app.get("/workspaces?name_contains=w1").await.ok()["data"][0]);
        let deleted = stage.app.delete(&format!("/workspaces/{workspace}")).await.ok();
        assert_eq!(deleted["id"], workspace.as_str());
        stage.app.get(&format!("/workspaces/{workspace}")).await.fails(404, "not_found");
        stage.app.delete(&format!("/workspaces/{workspace}")).await.fails(404, "not_found");
        stage.app.get(&format!("/integrations/connectors/{doomed}")).await.fails(404, "not_found");
        stage.execute(&doomed, "contacts", "list", &json!({})).await.fails(404, "not_found");
        stage.execute(&kept, "contacts", "list", &json!({})).await.ok();
        stage.start_jobs().await;
        let userinfo = async || {
            let call = stage.http.call(http::Method::GET, format!("{}/userinfo", stage.peer.url));
            call.bearer(&access_token).send().await.status
        };
        stage.until("revoked", async || userinfo().await == 401).await;
        // A consent that was under way for it leads to nothing.
        let reply = stage.open(&pending).await;
        assert!(
            !reply.header("location").unwrap_or_default().contains("secret_id="),
            "{:?}",
            reply.header("location")
        );
        let reply = stage.redeem("w1", &unredeemed, &json!({})).await;
        assert!(matches!(reply.status.as_u16(), 400 | 404), "{}", reply.text());
        stage.execute(&kept, "contacts", "list", &json!({})).await.ok();
    })
    .await;
}
