//! An operator's commands on the database itself: import, export, and the audit log.

use super::{keybearer, stderr, stdout};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

const TOKEN: &str = "ghp_0000-this-is-a-secret";

fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = keybearer(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn organization(folder: &Path) -> String {
    let made = run(folder, &["org", "create", "acme"], "");
    let made: Value = serde_json::from_str(&stdout(&made)).unwrap();
    made["organization_id"].as_str().unwrap().to_owned()
}

fn line(user: &str, key: &str) -> String {
    format!(
        r#"{{"workspace_name":"{user}","connector_type":"github","credentials":{{"token":"{TOKEN}"}},"import_key":"{key}"}}"#
    )
}

#[test]
fn a_file_is_imported_checked_and_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let organization = organization(at);
    let import = |file: &str, more: &[&str], input: &str| {
        let mut arguments = vec!["import", file, "--organization", organization.as_str()];
        arguments.extend_from_slice(more);
        run(at, &arguments, input)
    };
    let wrong = r#"{"workspace_name":"u3","connector_type":"github","credentials":{"tokn":"x"}}"#;
    let text = format!("{}\n\n{wrong}\nnot json {TOKEN}\n{}\n", line("u1", "k1"), line("u2", "k2"));
    std::fs::write(at.join("grants.jsonl"), &text).unwrap();

    let checked = import("grants.jsonl", &["--dry-run"], "");
    assert!(!checked.status.success());
    assert_eq!(stdout(&checked), "2 to create, 0 there already, 2 wrong; nothing was stored\n");
    let told = stderr(&checked);
    assert!(told.contains("line 3: ") && told.contains("line 4: is not JSON"), "{told}");
    assert!(!told.contains(TOKEN) && !told.contains('\r'), "{told}");

    let stopped = import("grants.jsonl", &["--stop-on-error"], "");
    assert!(!stopped.status.success());
    assert_eq!(stdout(&stopped), "1 created, 0 there already, 1 wrong\n");
    let all = import("-", &[], &text);
    assert_eq!(stdout(&all), "1 created, 1 there already, 2 wrong\n");
    let good = format!("{}\n{}", line("u1", "k1"), line("u2", "k2"));
    let again = import("-", &[], &good);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(stdout(&again), "0 created, 2 there already, 0 wrong\n");

    let exported = run(at, &["export", "--organization", &organization], "");
    let lines: Vec<Value> =
        stdout(&exported).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["workspace_name"], &lines[0]["connector_type"]), (&"u1".into(), &"github".into()));
    assert!(!stdout(&exported).contains(TOKEN));
    let stranger = "0198c6a2-7f10-7c55-8a05-3f2a4be0a001";
    let refused = run(at, &["import", "-", "--organization", stranger], &good);
    assert!(!refused.status.success() && stderr(&refused).contains("keybearer org list"));
}

#[test]
fn the_audit_log_is_exported_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let organization = organization(at);
    let arguments = ["import", "-", "--organization", &organization];
    assert!(run(at, &arguments, &line("u1", "k1")).status.success());
    let exported = run(at, &["audit", "export", "--organization", &organization], "");
    let lines: Vec<Value> =
        stdout(&exported).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let operations: Vec<&str> = lines.iter().map(|line| line["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["organization.create", "connector.import"]);
    assert!(lines.iter().all(|line| line["actor"]["kind"] == "operator"));
    assert!(!stdout(&exported).contains(TOKEN));
    let verified = run(at, &["audit", "verify"], "");
    assert!(verified.status.success(), "{}", stderr(&verified));
    assert_eq!(stdout(&verified), format!("ok       {organization}  0 -  2 not linked yet\n"));
}
