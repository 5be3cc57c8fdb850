//! The end of a connector: gone at once, revoked at the provider, and told by its job.

use crate::support::stage::{Stage, each};
use http::Method;
use keybearer_demo_provider::{At, Fault};
use serde_json::{Value, json};

async fn delete(stage: &Stage, id: &str) -> String {
    let reply = stage.app.delete(&format!("/integrations/connectors/{id}")).await;
    let body = reply.is(202).json();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    format!("/jobs/{}", body["job_id"].as_str().unwrap())
}

async fn done(stage: &Stage, job: &str) -> Value {
    stage
        .until("job done", async || {
            matches!(stage.app.get(job).await.ok()["status"].as_str(), Some("succeeded" | "failed"))
        })
        .await;
    stage.app.get(job).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_connector_is_gone_at_once_and_its_grant_soon() {
    each(async |stage| {
        stage.put_crm_app().await;
        let (doomed, kept) = (stage.connect("w1").await, stage.connect("w1").await);
        stage.execute(&doomed, "contacts", "list", &json!({})).await.ok();
        let secret = stage.peer.issued().into_iter().find(|token| token.starts_with("at_")).unwrap();
        let job = delete(stage, &doomed).await;
        let path = format!("/integrations/connectors/{doomed}");
        let gone = stage.app.get(&path).await;
        gone.fails(404, "not_found");
        let unknown = stage.app.get("/integrations/connectors/00000000-0000-4000-8000-000000000000").await;
        assert_eq!(gone.error_without_id(), unknown.error_without_id());
        stage.app.put(&path, &json!({"name": "x"})).await.fails(404, "not_found");
        stage.app.delete(&path).await.fails(404, "not_found");
        stage.app.get(&format!("{path}/inspect")).await.fails(404, "not_found");
        stage.app.post(&format!("{path}/check"), &json!({})).await.fails(404, "not_found");
        stage.execute(&doomed, "contacts", "list", &json!({})).await.fails(404, "not_found");
        let list = stage.app.get("/integrations/connectors").await.ok();
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
        let waiting = stage.app.get(&job).await.ok();
        let pending = |name: &str| json!({"token": name, "outcome": "pending"});
        assert_eq!((&waiting["status"], &waiting["attempts"]), (&json!("pending"), &json!(0)));
        assert_eq!(waiting["revocations"], json!([pending("refresh_token"), pending("access_token")]));
        stage.start_jobs().await;
        let report = done(stage, &job).await;
        assert_eq!(report["status"], "succeeded");
        let revoked = |name: &str| json!({"token": name, "outcome": "revoked"});
        assert_eq!(report["revocations"], json!([revoked("refresh_token"), revoked("access_token")]));
        assert_eq!(stage.peer.control.stats().revocations, 2);
        let call = stage.http.call(Method::GET, format!("{}/userinfo", stage.peer.url)).bearer(&secret);
        call.send().await.is(401);
        stage.execute(&kept, "contacts", "list", &json!({})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_fails_is_tried_again() {
    each(async |stage| {
        stage.put_crm_app().await;
        let doomed = stage.connect("w1").await;
        stage.peer.control.inject(Fault::status(At::Revoke, 503).times(2));
        let job = delete(stage, &doomed).await;
        stage.start_jobs().await;
        stage.until("tried", async || stage.peer.control.stats().revocations >= 2).await;
        stage.until("reported", async || stage.app.get(&job).await.ok()["next_attempt_at"].is_string()).await;
        let report = stage.app.get(&job).await.ok();
        assert_eq!(
            (&report["status"], &report["attempts"], &report["revocations"][0]["outcome"]),
            (&json!("pending"), &json!(1), &json!("pending"))
        );
        stage.advance(60);
        stage.start_jobs().await;
        let report = done(stage, &job).await;
        assert_eq!(
            (&report["status"], &report["revocations"][0]["outcome"]),
            (&json!("succeeded"), &json!("revoked"))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_revocation_is_told_as_unsupported() {
    each(async |stage| {
        stage.put_bench_app().await;
        stage.upstream.says(
            json!({"access_token": stage.secrets.fresh("at"), "refresh_token": stage.secrets.fresh("rt")}),
        );
        let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
        let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        stage.upstream.forget();
        let oauth = delete(stage, &crate::support::walk::param(&home, "connector_id").unwrap()).await;
        let token = stage.bench("w1").await;
        let token = delete(stage, &token).await;
        stage.start_jobs().await;
        let report = done(stage, &oauth).await;
        assert!(
            report["revocations"].as_array().unwrap().iter().all(|one| one["outcome"] == "unsupported"),
            "{report}"
        );
        assert_eq!(done(stage, &token).await["revocations"], json!([]));
        assert!(stage.upstream.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_token_ends_and_changes_its_own_connectors() {
    each(async |stage| {
        let (mine, other) = (stage.bench("w1").await, stage.bench("w2").await);
        let scoped = stage.scoped(&stage.app, "w1").await;
        let path = |id: &str| format!("/integrations/connectors/{id}");
        stage.advance(1);
        let changed = scoped
            .put(&path(&mine), &json!({"name": "Mine", "replication_config": {"x": [1, 2.50]}}))
            .await
            .ok();
        assert_eq!(
            (&changed["name"], &changed["replication_config"]),
            (&json!("Mine"), &json!({"x": [1, 2.50]}))
        );
        assert_ne!(changed["updated_at"], changed["created_at"]);
        let kept = scoped.put(&path(&mine), &json!({})).await.ok();
        assert_eq!(
            (&kept["name"], &kept["replication_config"]),
            (&changed["name"], &changed["replication_config"])
        );
        scoped.put(&path(&other), &json!({"name": "Theirs"})).await.fails(404, "not_found");
        scoped.delete(&path(&other)).await.fails(404, "not_found");
        let job = scoped.delete(&path(&mine)).await.is(202).json();
        let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
        scoped.get(&job).await.ok();
        stage.scoped(&stage.app, "w2").await.get(&job).await.fails(404, "not_found");
        assert_eq!(stage.app.get(&path(&other)).await.ok()["name"], "Workbench (w2)");
    })
    .await;
}
