//! `connectors new`, `validate` and `test`: what they refuse, and how they say so.

use super::{keybearer, stderr, stdout};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

fn connectors(folder: &Path, arguments: &[&str]) -> Output {
    keybearer(folder).arg("connectors").args(arguments).output().unwrap()
}

/// Runs a command that must fail; gives what it tells.
#[track_caller]
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = connectors(folder, arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", stdout(&output));
    stderr(&output)
}

#[test]
fn a_new_definition_is_good_and_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let new = || stdout(&connectors(folder.path(), &["new", "acme-desk"]));
    let (first, second) = (new(), new());
    assert!(
        first.contains("x-airbyte-connector-name: acme-desk") && first != second,
        "each has an id of its own"
    );
    std::fs::write(folder.path().join("a.yaml"), first).unwrap();
    let checked = connectors(folder.path(), &["validate", "a.yaml"]);
    assert!(checked.status.success());
    assert_eq!(stdout(&checked), "a.yaml: good, 3 operations\n");
}

#[test]
fn new_refuses_what_would_do_harm() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("mine.yaml"), "mine").unwrap();
    std::fs::write(at.join("two.json"), r#"{"swagger": "2.0"}"#).unwrap();
    assert!(refused(at, &["new", "a", "--out", "mine.yaml"]).contains("exists already"));
    assert_eq!(std::fs::read_to_string(at.join("mine.yaml")).unwrap(), "mine");
    assert!(refused(at, &["new", "Acme Desk"]).contains("such as acme-desk"));
    assert!(refused(at, &["new", "a", "--from-openapi", "two.json"]).contains("swagger2openapi"));
    assert!(refused(at, &["new", "a", "--from-openapi", "none.json"]).contains("none.json"));
    assert!(refused(at, &["new", "a", "--only", "/x"]).contains("--from-openapi"));
    let large = std::fs::File::create(at.join("large.json")).unwrap();
    large.set_len(21 << 20).unwrap();
    assert!(refused(at, &["new", "a", "--from-openapi", "large.json"]).contains("at most"));
}

/// Fifteen slips, each on a line of its own, with what must be told about it.
const SLIPS: [(&str, &str, &str); 15] = [
    ("openapi: \"3.1.0\"", "openapi: 3.0.3", "3.1 is read"),
    ("  version: \"1.0.0\"", "  version: 1.0", "put it in quotes"),
    ("  x-airbyte-connector-name: acme", "  x-airbyte-connector-name: Äcme!", "no usable connector name"),
    (
        "  - url: \"https://api.example.com/v1\"",
        "  - url: \"ftp://api.example.com/v1\"",
        "the scheme \"ftp\"",
    ),
    (
        "          scopes: {contacts.read: Read contacts}",
        "          scops: {contacts.read: Read contacts}",
        "did you mean \"scopes\"?",
    ),
    ("        client_auth: body", "        client_auth: bodi", "did you mean \"body\"?"),
    ("        required: [access_token]", "        required: [acces_token]", "did you mean \"access_token\"?"),
    ("      scheme: bearer", "      scheme: bearar", "did you mean \"bearer\"?"),
    (
        "      summary: Contacts, newest first",
        "      sumary: Contacts, newest first",
        "did you mean \"summary\"?",
    ),
    ("      x-airbyte-action: list", "      x-airbyte-action: lst", "did you mean \"list\"?"),
    (
        "      x-airbyte-record-extractor: $.data",
        "      x-airbyte-record-extractor: data",
        "must start with $",
    ),
    ("cursor_param: cursor,", "cursor_param: cursr,", "did you mean \"cursor\"?"),
    ("schema: {type: integer}}", "schema: {type: integr}}", "did you mean \"integer\"?"),
    ("              required: [email]", "              required: email", "must be a list"),
    (
        "in: path, required: true, description: Id",
        "in: path, required: false, description: Id",
        "must be required",
    ),
];

#[test]
fn fifteen_slips_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = stdout(&connectors(folder.path(), &["new", "acme"]));
    for (right, wrong, _) in SLIPS {
        assert!(text.contains(right), "{right}");
        text = text.replacen(right, wrong, 1);
    }
    std::fs::write(folder.path().join("a.yaml"), &text).unwrap();
    let output = connectors(folder.path(), &["validate", "a.yaml", "missing.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output);
    for (_, wrong, words) in SLIPS {
        let line = text.lines().position(|line| line.contains(wrong)).unwrap() + 1;
        let place = format!("a.yaml:{line}:");
        assert!(
            told.lines().any(|told| told.starts_with(&place) && told.contains(words)),
            "{place} {words}\n{told}"
        );
    }
    assert!(
        told.contains("missing.yaml:1:1: error: cannot be read"),
        "one bad file does not hide another\n{told}"
    );
    assert!(stderr(&output).contains("2 of 2 files have mistakes"));
}

#[test]
fn programs_get_json() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(&connectors(folder.path(), &["new", "acme"]));
    std::fs::write(folder.path().join("good.yaml"), &text).unwrap();
    std::fs::write(folder.path().join("bad.yaml"), text.replacen("action: list", "action: lst", 1)).unwrap();
    let output = connectors(folder.path(), &["validate", "--json", "."]);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(told[0]["file"], "./bad.yaml");
    assert_eq!((&told[0]["valid"], &told[0]["operations"]), (&Value::Bool(false), &Value::Null));
    let problem = &told[0]["problems"][0];
    assert_eq!(problem["severity"], "error");
    assert_eq!(problem["pointer"], "/paths/~1contacts/get/x-airbyte-action");
    assert_eq!(problem["suggestion"], "did you mean \"list\"?");
    assert!(problem["line"].as_u64().unwrap() > 1 && problem["column"].as_u64().unwrap() > 1);
    assert_eq!(told[1]["operations"], 3);
}

#[test]
fn vectors_fail_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    connectors(at, &["new", "acme", "--out", "acme/connector.yaml"]);
    assert!(!connectors(at, &["test", "acme"]).status.success(), "no vectors are no success");
    let vectors = |text: &str| {
        std::fs::write(at.join("acme/vectors.yaml"), text).unwrap();
        let output = connectors(at, &["test", "acme/connector.yaml"]);
        (output.status.code(), stdout(&output))
    };
    let good = "- name: one\n  entity: contacts\n  action: get\n  params: {id: '7'}\n  exchange:\n    \
                - request: {method: GET, url: \"https://api.example.com/v1/contacts/7\"}\n      \
                response: {status: 200, headers: {content-type: application/json}, json: {id: 7}}\n  result: {id: 7}\n";
    let (code, told) = vectors(good);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("1 of 1 vectors hold")
            && told.contains("no vector for: contacts list, contacts create"),
        "{told}"
    );
    let (code, told) = vectors(&good.replace("result: {id: 7}", "result: {id: 8}"));
    assert_eq!(code, Some(1));
    assert!(told.contains("acme/vectors.yaml:1: one") && told.contains("expected {\"id\":8}"), "{told}");
    let (code, told) = vectors(&good.replace("entity:", "entitty:"));
    assert!(code == Some(1) && told.contains("vectors.yaml:1: unknown field `entitty`"), "{told}");
}
