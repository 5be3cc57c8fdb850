//! The kill switch: what it ends, that nothing slips through, and that it is carried to its end whatever happens.

use crate::support::stage::{Stage, each};
use crate::support::walk::{BENCH, CRM, id, param};
use keybearer::core::jobs;
use keybearer::store::{ConnectorRow, GrantRow};
use keybearer_demo_provider::{At, Fault};
use serde_json::{Value, json};

const MANY: usize = 1000;

async fn begin(stage: &Stage, body: &Value) -> String {
    id(&stage.app.post("/revocations", body).await.is(202).json())
}

async fn read(stage: &Stage, revocation: &str) -> Value {
    stage.app.get(&format!("/revocations/{revocation}")).await.ok()
}

async fn finished(stage: &Stage, revocation: &str) -> Value {
    stage.until("finished", async || read(stage, revocation).await["status"] == "finished").await;
    read(stage, revocation).await
}

/// So many copies of a connector, as the store would have them after as many consents.
async fn copies(stage: &Stage, connector: &str, count: usize) {
    let store = &stage.deps.store;
    let view = store.connector(&stage.organization.id, None, connector).await.unwrap().unwrap();
    let secret = keybearer::core::grants::GrantSecret::open(&stage.deps, &view.grant).await.unwrap();
    for _ in 0..count {
        let new_id = || stage.deps.random.uuid_v7(&stage.clock);
        let mut grant = GrantRow { id: new_id(), ..view.grant.clone() };
        grant.sealed = secret.seal(&stage.deps, &grant).unwrap();
        let row = ConnectorRow { id: new_id(), grant_id: grant.id.clone(), ..view.connector.clone() };
        store.insert_connector(&row, &grant).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_scope_is_named_and_foreign_ones_are_unknown() {
    each(async |stage| {
        stage.bench("w1").await;
        let post = async |body: Value| stage.app.post("/revocations", &body).await;
        for body in [
            json!({}),
            json!({"dry_run": true}),
            json!({"organization": false}),
            json!({"organization": true, "connector_type": BENCH}),
            json!({"workspace_name": "w1", "workspace_id": "0198c6b0-5e63-7a4b-9f33-7f8a9b01d007"}),
            json!({"organization": true, "dryrun": true}),
        ] {
            post(body.clone()).await.fails(422, "invalid");
        }
        let unknown = "0198c6b0-5e63-7a4b-9f33-7f8a9b01d007";
        let stranger = stage.sign_in(&stage.organization("second").await).await;
        let foreign = stage.app.get("/workspaces").await.ok()["data"][0]["id"].clone();
        let mut texts = Vec::new();
        for reply in [
            post(json!({"workspace_name": "nobody"})).await,
            post(json!({"workspace_id": unknown})).await,
            post(json!({"oauth_app_id": unknown})).await,
            stranger.post("/revocations", &json!({"workspace_id": foreign})).await,
        ] {
            reply.fails(404, "not_found");
            texts.push(reply.error_without_id());
        }
        texts.dedup();
        assert_eq!(texts.len(), 1, "{texts:?}");
        post(json!({"connector_type": "nope"})).await.fails(404, "not_found");
        let counted = post(json!({"organization": true, "dry_run": true})).await.ok();
        assert_eq!((&counted["total"], &counted["flows"]), (&json!(1), &json!(0)));
        assert_eq!(stage.app.get("/revocations").await.ok()["data"], json!([]), "nothing began");
        assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_its_scope_at_once_and_nothing_else() {
    each(async |stage| {
        let app = id(&stage.put_crm_app().await);
        let (doomed, bench) = (stage.connect("w1").await, stage.bench("w1").await);
        stage.execute(&doomed, "contacts", "list", &json!({})).await.ok();
        let unredeemed = stage.secret_id("w2", &json!({})).await;
        let waiting = stage.consent_url("w3", &json!({})).await;
        let begun = begin(stage, &json!({"oauth_app_id": app})).await;
        let shown = read(stage, &begun).await;
        assert_eq!(shown["scope"], json!({"oauth_app_id": app}));
        assert_eq!(
            (&shown["status"], &shown["total"], &shown["ended"], &shown["pending"], &shown["flows"]),
            (&json!("revoking"), &json!(2), &json!(2), &json!(2), &json!(2))
        );
        stage.execute(&doomed, "contacts", "list", &json!({})).await.fails(404, "not_found");
        stage.redeem("w2", &unredeemed, &json!({})).await.fails(400, "invalid_secret_id");
        let late = stage.agree(&waiting, "alice").await;
        stage.open(&late).await.is(400);
        stage.app.get(&format!("/integrations/connectors/{bench}")).await.ok();
        stage.start_jobs().await;
        let done = finished(stage, &begun).await;
        assert_eq!((&done["revoked"], &done["pending"]), (&json!(2), &json!(0)));
        let grants = stage.app.get(&format!("/revocations/{begun}/grants")).await.ok();
        let grants = grants["data"].as_array().unwrap();
        assert_eq!(grants.len(), 2);
        for grant in grants {
            assert_eq!(grant["outcome"], "revoked");
            assert_eq!(grant["revocations"][0], json!({"token": "refresh_token", "outcome": "revoked"}));
        }
        assert!(grants.iter().any(|grant| grant["connector_id"] == doomed.as_str()));
        assert!(
            grants.iter().any(|grant| grant["connector_id"].is_null() && grant["workspace_name"] == "w2")
        );
        // What is made afterwards is nobody's business.
        stage.connect("w1").await;
        let bench_too = begin(stage, &json!({"connector_type": BENCH})).await;
        let done = finished(stage, &bench_too).await;
        assert_eq!(
            (&done["total"], &done["unsupported"]),
            (&json!(1), &json!(1)),
            "an API key stays good there"
        );
        assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_being_exchanged_does_not_slip_through() {
    each(async |stage| {
        stage.put_bench_app().await;
        let token = stage.secrets.fresh("at");
        stage.upstream.says(json!({"access_token": token}));
        let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
        let state = param(&url, "state").unwrap();
        let hash = keybearer::vault::digest("state", &state);
        let taken = stage.deps.store.take_flow(&hash, BENCH, stage.clock.now_ms());
        assert!(matches!(taken.await.unwrap(), keybearer::store::Taken::Taken(_)), "as a callback would");
        let begun = begin(stage, &json!({"workspace_name": "w1"})).await;
        let shown = read(stage, &begun).await;
        assert_eq!(
            (&shown["status"], &shown["total"], &shown["flows"]),
            (&json!("finished"), &json!(0), &json!(1))
        );
        stage.open(&stage.bench_callback(&url, "abcdefgh")).await.is(400);
        assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_grants_are_revoked_although_the_provider_fails_for_a_while() {
    each(async |stage| {
        stage.put_crm_app().await;
        let first = stage.connect("w1").await;
        copies(stage, &first, MANY - 1).await;
        let before = stage.peer.control.stats().revocations;
        stage.peer.control.inject(Fault::status(At::Revoke, 503).times(300));
        let begun = begin(stage, &json!({"connector_type": CRM})).await;
        // The first batch was full, so there may be more: nobody knows before it is looked at.
        assert_eq!(read(stage, &begun).await["status"], "ending");
        assert_eq!(read(stage, &begun).await["ended"], MANY);
        assert_eq!(stage.app.get("/integrations/connectors").await.ok()["data"], json!([]));
        let restarted = stage.restarted(keybearer::core::catalog::Catalog::load(None)).await;
        restarted.app.get(&format!("/integrations/connectors/{first}")).await.fails(404, "not_found");
        stage.start_jobs().await;
        stage
            .until("all tried", async || {
                let grants = stage.app.get(&format!("/revocations/{begun}/grants?limit=1000")).await.ok();
                grants["data"].as_array().unwrap().iter().all(|grant| grant["attempts"] != 0)
            })
            .await;
        let half = read(stage, &begun).await;
        assert_eq!(half["status"], "revoking");
        let pending = half["pending"].as_u64().unwrap();
        assert!((150..=300).contains(&pending), "{half}");
        stage.advance(60);
        let done = finished(stage, &begun).await;
        assert_eq!(
            (&done["revoked"], &done["failed"], &done["pending"]),
            (&json!(MANY), &json!(0), &json!(0))
        );
        // Two tokens a grant, and each refusal was one call more.
        assert_eq!(stage.peer.control.stats().revocations - before, 2 * MANY as u64 + 300);
        let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), String::new());
        loop {
            let page = stage.app.get(&format!("/revocations/{begun}/grants?limit=300{cursor}")).await.ok();
            for grant in page["data"].as_array().unwrap() {
                assert_eq!(grant["outcome"], "revoked");
                assert!(seen.insert(id(&json!({"id": grant["grant_id"]}))), "twice");
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), MANY);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_leaves_nothing_undone_and_nothing_done_twice() {
    each(async |stage| {
        stage.put_crm_app().await;
        let first = stage.connect("w1").await;
        copies(stage, &first, MANY + 4).await;
        let begun = begin(stage, &json!({"organization": true})).await;
        assert_eq!(read(stage, &begun).await["ended"], MANY);
        // A runner takes the rest of the ending, or a grant's job, and dies.
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(jobs::claim(&stage.deps).await.unwrap().unwrap().id);
        }
        let before = stage.peer.control.stats().revocations;
        stage.start_jobs().await;
        stage.until("the others", async || read(stage, &begun).await["revoked"].as_u64() >= Some(997)).await;
        assert_ne!(read(stage, &begun).await["status"], "finished", "three are held by the dead");
        stage.advance(jobs::LEASE.as_secs() + 1);
        let done = finished(stage, &begun).await;
        assert_eq!((&done["total"], &done["revoked"]), (&json!(MANY + 5), &json!(MANY + 5)), "{done}");
        assert_eq!(stage.peer.control.stats().revocations - before, 2 * (MANY as u64 + 5));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_out_of_tries_says_so() {
    each(async |stage| {
        stage.put_crm_app().await;
        let doomed = stage.connect("w1").await;
        stage.peer.control.inject(Fault::status(At::Revoke, 503).times(1));
        let job = stage.app.delete(&format!("/integrations/connectors/{doomed}")).await.is(202).json();
        let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
        stage.database.run("UPDATE jobs SET attempts = 31").await;
        stage.start_jobs().await;
        stage.until("given up", async || stage.app.get(&job).await.ok()["status"] == "failed").await;
        let report = stage.app.get(&job).await.ok();
        let token = |name: &str, outcome: &str| json!({"token": name, "outcome": outcome});
        assert_eq!(
            report["revocations"],
            json!([token("refresh_token", "failed"), token("access_token", "revoked")])
        );
        assert_eq!((&report["attempts"], &report["next_attempt_at"]), (&json!(32), &json!(null)));
        // A runner that dies at every attempt reports nothing; the next one does not try again.
        let other = stage.connect("w1").await;
        stage.peer.control.inject(Fault::status(At::Revoke, 503).times(2));
        let job = stage.app.delete(&format!("/integrations/connectors/{other}")).await.is(202).json();
        let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
        stage.until("tried", async || stage.app.get(&job).await.ok()["attempts"] == 1).await;
        stage.until("put back", async || stage.app.get(&job).await.ok()["status"] == "pending").await;
        stage.database.run("UPDATE jobs SET attempts = 32 WHERE status = 'pending'").await;
        stage.advance(6);
        stage.start_jobs().await;
        stage.until("given up", async || stage.app.get(&job).await.ok()["status"] == "failed").await;
        assert_eq!(
            stage.app.get(&job).await.ok()["revocations"],
            json!([token("refresh_token", "failed"), token("access_token", "failed")])
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_had_ended_is_told_as_expired_where_the_provider_refuses() {
    each(async |stage| {
        stage.put_crm_app().await;
        let doomed = stage.connect("w1").await;
        stage.advance(30 * 24 * 3600);
        let app = stage.sign_in(&stage.organization).await;
        stage.peer.control.inject(Fault::status(At::Revoke, 400).times(2));
        let job = app.delete(&format!("/integrations/connectors/{doomed}")).await.is(202).json();
        let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
        stage.start_jobs().await;
        stage.until("tried", async || app.get(&job).await.ok()["next_attempt_at"] != json!(null)).await;
        stage
            .until("reported", async || {
                app.get(&job).await.ok()["attempts"] == 1 && app.get(&job).await.ok()["status"] == "pending"
            })
            .await;
        let token = |name: &str, outcome: &str| json!({"token": name, "outcome": outcome});
        let report = app.get(&job).await.ok();
        assert_eq!(
            report["revocations"],
            json!([token("refresh_token", "pending"), token("access_token", "expired")])
        );
        stage.advance(6);
        stage.start_jobs().await;
        stage.until("done", async || app.get(&job).await.ok()["status"] == "succeeded").await;
        let report = app.get(&job).await.ok();
        assert_eq!(
            report["revocations"],
            json!([token("refresh_token", "revoked"), token("access_token", "expired")])
        );
    })
    .await;
}
