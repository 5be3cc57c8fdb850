//! Paths: overrides, literals, values, and what is refused.

use crate::support::{Document, problems};
use serde_json::{Value, json};

const ID: &str = "parameters: [{name: id, in: path, required: true, schema: {}}]";

fn path(document: &Document, params: Value) -> String {
    document.sends(params).url.path().to_owned()
}

#[test]
fn values_are_encoded_and_literals_stay() {
    let one = Document::new().with("GET /notes/{id}", "notes.get", ID);
    for (value, sent) in [
        (json!("a b/ü~-._"), "/v1/notes/a%20b%2F%C3%BC~-._"),
        (json!("!*'()@:$&+,;="), "/v1/notes/%21%2A%27%28%29%40%3A%24%26%2B%2C%3B%3D"),
        (json!(7), "/v1/notes/7"),
        (json!(1.0), "/v1/notes/1.0"),
        (json!(true), "/v1/notes/true"),
    ] {
        assert_eq!(path(&one, json!({"id": value})), sent);
    }
    let pair = "parameters: [{name: account, in: path, required: true, schema: {type: string}}, {name: user, in: path, required: true, schema: {type: string}}]";
    let literals = Document::new().with("GET /users/(of={account},as={user}):copy", "notes.get", pair);
    assert_eq!(path(&literals, json!({"user": "u,1", "account": "a"})), "/v1/users/(of=a,as=u%2C1):copy");
}

#[test]
fn an_override_is_the_path_and_its_placeholders_are_filled() {
    let members = format!("x-airbyte-path-override: {{path: \"/notes/{{id}}/text\"}}, {ID}");
    let keyed = Document::new().with("GET /notes:text", "notes.get", &members);
    assert_eq!(path(&keyed, json!({"id": "a:b"})), "/v1/notes/a%3Ab/text");
}

#[test]
fn null_blank_and_composed_values_are_refused() {
    let one = Document::new().with("GET /notes/{id}", "notes.get", ID);
    for (params, refusal) in [
        (json!({}), "id missing"),
        (json!({"id": null}), "id missing"),
        (json!({"id": ""}), "id missing"),
        (json!({"id": " \t"}), "id missing"),
        (json!({"id": ".."}), "id invalid"),
        (json!({"id": "."}), "id invalid"),
        (json!({"id": ["a"]}), "id invalid"),
        (json!({"id": {"a": 1}}), "id invalid"),
    ] {
        assert_eq!(one.refuses(params.clone()), [refusal], "{params}");
    }
}

#[test]
fn a_default_fills_a_path() {
    let members =
        "parameters: [{name: version, in: path, required: true, schema: {type: string, default: v 3}}]";
    let versioned = Document::new().with("GET /{version}/notes", "notes.list", members);
    assert_eq!(path(&versioned, json!({})), "/v1/v%203/notes");
    assert_eq!(path(&versioned, json!({"version": "v4"})), "/v1/v4/notes");
    assert_eq!(versioned.refuses(json!({"version": " "})), ["version missing"]);
}

#[test]
fn a_path_that_cannot_be_sent_is_a_mistake_of_the_document() {
    let source = Document::new().with("GET /notes/../admin", "notes.list", "").source();
    let told = problems(&source).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told.contains("must not hold . or .. between slashes"), "{told}");
}
