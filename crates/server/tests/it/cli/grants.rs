//! `keybearer grants` beside a running server: what was left unanswered, and what the operator decides.

use super::{beside, stderr, stdout};
use crate::support::stage::{Setup, Stage};
use keybearer_demo_provider::{At, Effect, Fault};
use serde_json::{Value, json};
use std::process::Output;

/// `keybearer grants …` on the stage's database.
fn grants(stage: &Stage, arguments: &[&str]) -> Output {
    beside(stage).arg("grants").args(arguments).output().unwrap()
}

/// The lines that a command printed, each a JSON object.
#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn list(stage: &Stage, connector: &str) -> crate::support::http::Reply {
    stage.execute(connector, "contacts", "list", &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_what_was_left_unanswered_and_lets_it_be_sent_once_more() {
    Setup::new()
        .real_time()
        .each(async |stage| {
            stage.put_crm_app().await;
            let (one, two) = (stage.connect("w1").await, stage.connect("w2").await);
            let id = stage.organization.id.as_str();
            let none = grants(stage, &["unanswered", "--organization", id]);
            assert_eq!((lines(&none), stderr(&none).as_str()), (vec![], "renewals left unanswered: 0\n"));

            stage.peer.control.expire_access_tokens();
            stage.peer.control.inject(Fault::once(At::Token, Effect::Drop).on_refresh().times(3));
            for connector in [&one, &two, &one, &two] {
                list(stage, connector).await.fails(502, "token_endpoint_error");
            }
            let found = lines(&grants(stage, &["unanswered", "--organization", id]));
            let mut told: Vec<_> = found
                .iter()
                .map(|line| (line["workspace_name"].as_str().unwrap(), line["unanswered"].as_u64().unwrap()))
                .collect();
            told.sort_unstable();
            // The retry of the second waits: that of the first was lost just now.
            assert_eq!(told, [("w1", 2), ("w2", 1)]);
            let doctor = beside(stage).arg("doctor").output().unwrap();
            assert!(stdout(&doctor).contains("1 connectors are not renewed any more"), "{}", stdout(&doctor));

            let resent = lines(&grants(stage, &["resend", "--organization", id, "--connector", &two]));
            assert!(resent.is_empty(), "it waits for its retry: {resent:?}");
            let resent = grants(stage, &["resend", "--organization", id, "--connector", &two, "--anew"]);
            assert_eq!(lines(&resent)[0]["id"], two.as_str());
            let text = "refresh tokens to be sent once more, at the next use of their connectors: 1\n";
            assert_eq!(stderr(&resent), text);
            list(stage, &two).await.ok();
            assert_eq!((stage.peer.token_calls("refresh_token"), stage.peer.token_calls("none")), (4, 1));
            list(stage, &one).await.fails(502, "token_endpoint_error");
            let resent = grants(stage, &["resend", "--organization", id, "--all"]);
            assert_eq!(lines(&resent)[0]["id"], one.as_str());
            let left = lines(&grants(stage, &["unanswered", "--organization", id, "--connector", &one]));
            assert_eq!(left[0]["unanswered"], 1, "once more, not twice");
            list(stage, &one).await.ok();
            assert_eq!(stage.peer.token_calls("refresh_token"), 5);
            assert_eq!(stage.peer.control.stats().reuse_events, 0);
            let unknown = grants(stage, &["resend", "--organization", id, "--connector", "nobody"]);
            assert!(stderr(&unknown).contains("There is no such connector"), "{}", stderr(&unknown));

            let log = stage.app.get("/audit?limit=100").await.ok();
            let entries = log["data"].as_array().unwrap();
            let subjects: Vec<_> = entries
                .iter()
                .filter(|entry| entry["operation"] == "grant.resend")
                .map(|entry| (&entry["actor"]["kind"], &entry["connector_id"]))
                .collect();
            assert_eq!(subjects, [(&json!("operator"), &json!(two)), (&json!("operator"), &json!(one))]);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named() {
    Setup::new()
        .each(async |stage| {
            let id = stage.organization.id.as_str();
            for (arguments, told) in [
                (vec!["unanswered", "--organization", "nobody"], "--organization: there is none of that id"),
                (
                    vec!["resend", "--organization", id, "--connector-type", "nothing"],
                    "--connector-type: `nothing`",
                ),
                (vec!["resend", "--organization", id], "--connector <ID>"),
                (vec!["resend", "--organization", id, "--all", "--connector", "x"], "cannot be used with"),
            ] {
                let output = grants(stage, &arguments);
                assert!(!output.status.success(), "{arguments:?}");
                assert!(stderr(&output).contains(told), "{arguments:?}: {}", stderr(&output));
            }
        })
        .await;
}
