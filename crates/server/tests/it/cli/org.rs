//! `keybearer org` beside running servers: what it prints, what it refuses, and what the servers do about it.

use super::{beside, keybearer, stderr, stdout};
use crate::support::stage::{Setup, Stage};
use crate::support::walk::CRM;
use keybearer::core::catalog::Catalog;
use serde_json::{Value, json};
use std::process::Output;

/// `keybearer org …` on the stage's database.
fn org(stage: &Stage, arguments: &[&str]) -> Output {
    beside(stage).arg("org").args(arguments).output().unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output)
}

/// A command that must fail, saying nothing on stdout; gives what it tells.
#[track_caller]
fn refused(stage: &Stage, arguments: &[&str]) -> String {
    let output = org(stage, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", stdout(&output));
    assert_eq!(stdout(&output), "", "{arguments:?}");
    stderr(&output)
}

/// The CRM for another server, so that it can revoke, too.
fn crm_catalog(stage: &Stage) -> Catalog {
    let source = include_str!("../support/definitions/harbour.yaml").replace("{{PROVIDER}}", &stage.peer.url);
    Catalog::load(None).with("test", &source)
}

/// Jobs must be due for servers of the machine's time, as the command is.
fn setup() -> Setup {
    Setup::new().real_time()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_follows_another_and_the_old_tokens_end_on_every_server() {
    setup()
        .each(async |stage| {
            let id = stage.organization.id.as_str();
            let other = stage.restarted(Catalog::load(None)).await;
            stage.start_jobs().await;
            stage.start_jobs_of(&other).await;
            let added: Value = serde_json::from_str(&done(&org(stage, &["credentials", "add", id]))).unwrap();
            let keys: Vec<&String> = added.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["organization_id", "credential_id", "client_id", "client_secret"]);
            stage.secrets.keep(added["client_secret"].as_str().unwrap());
            let body = json!({"client_id": added["client_id"], "client_secret": added["client_secret"]});
            let token = stage.anonymous().post("/account/applications/token", &body).await.ok();
            let next = stage.as_bearer(token["access_token"].as_str().unwrap());
            let listed = done(&org(stage, &["credentials", "list", id]));
            assert_eq!(listed.lines().count(), 2);
            assert!(!listed.contains(added["client_secret"].as_str().unwrap()), "shown once");
            // Both servers know the old token.
            stage.app.get("/workspaces").await.ok();
            other.app.get("/workspaces").await.ok();
            done(&org(stage, &["credentials", "remove", id, &stage.organization.client_id]));
            stage
                .until("old tokens ended", async || {
                    stage.app.get("/workspaces").await.status == 401
                        && other.app.get("/workspaces").await.status == 401
                })
                .await;
            next.get("/workspaces").await.ok();
            assert_eq!(done(&org(stage, &["credentials", "list", id])).lines().count(), 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_credential_stays_unless_it_is_forced() {
    setup()
        .each(async |stage| {
            let id = stage.organization.id.as_str();
            let credential = stage.organization.credential_id.as_str();
            let told = refused(stage, &["credentials", "remove", id, credential]);
            assert!(told.contains("last credential") && told.contains("Add another"), "{told}");
            let told = refused(stage, &["credentials", "remove", id, "nobody"]);
            assert!(told.contains("no valid credential"), "{told}");
            stage.sign_in(&stage.organization).await;
            let output = org(stage, &["credentials", "remove", id, credential, "--force"]);
            assert!(done(&output).contains(credential));
            assert!(stderr(&output).contains("No credential is left"));
            let body = json!({"client_id": stage.organization.client_id, "client_secret": stage.organization.client_secret});
            stage.anonymous().post("/account/applications/token", &body).await.fails(401, "unauthorized");
            // The organization is still there, and comes back with a new credential.
            done(&org(stage, &["credentials", "add", id]));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_removals_at_the_same_time_leave_one() {
    setup()
        .each(async |stage| {
            let id = stage.organization.id.clone();
            let added = keybearer::core::credentials::add(&stage.deps, &id).await.unwrap();
            let (one, two) = futures_util::future::join(
                keybearer::core::credentials::remove(&stage.deps, &id, &added.id, false),
                keybearer::core::credentials::remove(
                    &stage.deps,
                    &id,
                    &stage.organization.credential_id,
                    false,
                ),
            )
            .await;
            assert!(one.is_ok() != two.is_ok(), "one was removed, one stays");
            assert_eq!(keybearer::core::credentials::list(&stage.deps, &id).await.unwrap().len(), 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redirect_list_has_the_rules_of_the_api() {
    setup()
        .each(async |stage| {
            let id = stage.organization.id.as_str();
            let output = org(stage, &["redirect-urls", "list", id]);
            assert_eq!(done(&output), "");
            assert!(stderr(&output).contains("every acceptable URL"), "{}", stderr(&output));
            for url in
                ["http://app.example.com/cb", "https://user@app.example.com/", "https://a.example/#x", "app"]
            {
                refused(stage, &["redirect-urls", "add", id, "https://good.example/", url]);
            }
            let (first, second) = ("https://app.example.com/cb", "http://localhost:3000/cb");
            done(&org(stage, &["redirect-urls", "add", id, first]));
            let both = format!("{first}\n{second}\n");
            assert_eq!(done(&org(stage, &["redirect-urls", "add", id, second, first])), both);
            assert_eq!(
                stage.app.get("/organizations/redirect-urls").await.ok(),
                json!({"data": [first, second]})
            );
            assert_eq!(done(&org(stage, &["redirect-urls", "list", id])), both);
            stage.put_crm_app().await;
            stage.initiate_as(&stage.app, CRM, "w1", &json!({})).await.is(422);
            stage
                .initiate_as(&stage.app, CRM, "w1", &json!({"redirect_url": format!("{first}?x=1")}))
                .await
                .ok();
            let told = refused(stage, &["redirect-urls", "remove", id, first, "https://other.example/"]);
            assert!(told.contains("https://other.example/ is not on the list"), "{told}");
            assert_eq!(done(&org(stage, &["redirect-urls", "remove", id, first])), format!("{second}\n"));
            let many: Vec<String> = (0..100).map(|n| format!("https://app.example.com/{n}")).collect();
            let mut arguments = vec!["redirect-urls", "add", id];
            arguments.extend(many.iter().map(String::as_str));
            assert!(refused(stage, &arguments).contains("at most 100"));
            assert_eq!(done(&org(stage, &["redirect-urls", "list", id])), format!("{second}\n"));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_and_changed() {
    setup()
        .each(async |stage| {
            let id = stage.organization.id.as_str();
            assert_eq!(done(&org(stage, &["settings", id])), "require-binding  off\n");
            assert_eq!(
                done(&org(stage, &["settings", id, "--require-binding", "on"])),
                "require-binding  on\n"
            );
            assert_eq!(done(&org(stage, &["settings", id])), "require-binding  on\n");
            stage.put_crm_app().await;
            stage.initiate_as(&stage.app, CRM, "w1", &json!({})).await.fails(422, "binding_required");
            done(&org(stage, &["settings", id, "--require-binding", "off"]));
            stage.initiate_as(&stage.app, CRM, "w1", &json!({})).await.ok();
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_organization_ends_with_everything_it_owns() {
    setup()
        .each(async |stage| {
            stage.put_crm_app().await;
            let stranger = stage.organization("stranger").await;
            let stranger = stage.sign_in(&stranger).await;
            stranger.post("/embedded/scoped-token", &json!({"workspace_name": "w"})).await.ok();
            let connector = stage.connect("w1").await;
            stage.execute(&connector, "contacts", "list", &json!({})).await.ok();
            let open = stage.secret_id("w2", &json!({})).await;
            let other = stage.restarted(crm_catalog(stage)).await;
            other.app.get("/workspaces").await.ok();
            let id = stage.organization.id.as_str();
            let told = refused(stage, &["delete", id]);
            assert!(told.contains("1 OAuth apps, 2 workspaces and 1 connectors") && told.contains("--yes"), "{told}");
            stage.app.get("/workspaces").await.ok();
            stage.start_jobs().await;
            stage.start_jobs_of(&other).await;
            done(&org(stage, &["delete", id, "--yes"]));
            let path = format!("/integrations/connectors/{connector}");
            stage
                .until("tokens ended", async || {
                    stage.app.get(&path).await.status == 401 && other.app.get("/workspaces").await.status == 401
                })
                .await;
            stage.redeem("w2", &open, &json!({})).await.fails(401, "unauthorized");
            let body = json!({"client_id": stage.organization.client_id, "client_secret": stage.organization.client_secret});
            stage.anonymous().post("/account/applications/token", &body).await.fails(401, "unauthorized");
            // Both grants, the one that nobody redeemed too, each with two tokens.
            stage.until("revoked", async || stage.peer.control.stats().revocations == 4).await;
            let apps = async || stage.deps.store.list_oauth_apps(id).await.unwrap().len();
            stage
                .until("OAuth apps erased", async || {
                    keybearer::core::organizations::finish_deletions(&stage.deps).await.unwrap();
                    apps().await == 0
                })
                .await;
            assert!(!done(&org(stage, &["list"])).contains(id));
            for arguments in [
                &["delete", id, "--yes"][..],
                &["credentials", "add", id],
                &["credentials", "list", id],
                &["redirect-urls", "add", id, "https://a.example/"],
                &["settings", id],
                &["redirect-urls", "list", "unknown"],
            ] {
                let told = refused(stage, arguments);
                assert!(told.contains("there is no organization") && told.contains("org list"), "{told}");
            }
            assert_eq!(stranger.get("/workspaces").await.ok()["data"].as_array().unwrap().len(), 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_process_died_is_finished_by_a_server() {
    setup()
        .each(async |stage| {
            let connector = stage.bench("w1").await;
            stage.bench("w2").await;
            // As a process that died after the first of its transactions left it.
            let id = &stage.organization.id;
            assert!(stage.deps.store.delete_organization(id, stage.clock.now_ms()).await.unwrap());
            let live = async || stage.deps.store.connector(id, None, &connector).await.unwrap().is_some();
            assert!(live().await);
            stage.start_jobs().await;
            stage.until("finished", async || !live().await).await;
            stage
                .until("all", async || stage.deps.store.workspaces_left_behind(1).await.unwrap().is_empty())
                .await;
        })
        .await;
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["create"][..],
        &["list"],
        &["delete"],
        &["settings"],
        &["credentials", "add"],
        &["credentials", "list"],
        &["credentials", "remove"],
        &["redirect-urls", "list"],
        &["redirect-urls", "add"],
        &["redirect-urls", "remove"],
    ] {
        let output = keybearer(folder.path()).arg("org").args(command).arg("--help").output().unwrap();
        let example = format!("Example: keybearer org {}", command.join(" "));
        assert!(done(&output).contains(&example), "{command:?}");
    }
}
