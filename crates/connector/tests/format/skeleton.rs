//! The skeleton of a document: versions, mandatory and optional parts, names, order, and which parts say nothing.

use crate::support::{Document, problems};
use keybearer_connector::describe::Description;
use keybearer_connector::document::Severity;
use keybearer_connector::plan::Action;
use serde_json::{Value, json};

/// A document with each kind of object that may have keys of its own; `HERE` marks the place for one more.
const PLACES: &str = r#"openapi: 3.1.0
info: {title: Tiny Notes, version: 1.0.0, x-airbyte-connector-definition-id: 7a1e0c55-4a3b-4c0e-8f11-2b6d9a90c3d4, HERE}
servers: [{url: "https://{team}.example.com", variables: {team: {default: main, HERE}}, HERE}]
components:
  HERE
  securitySchemes:
    oauth:
      type: oauth2
      flows: {authorizationCode: {authorizationUrl: "https://main.example.com/a", tokenUrl: "https://main.example.com/t", scopes: {}, HERE}, HERE}
      x-airbyte-auth-config: {type: object, required: [access_token], properties: {access_token: {type: string, HERE}}, auth_mapping: {access_token: "${access_token}"}, HERE}
      HERE
  schemas: {Note: {type: object, properties: {id: {type: string}}}}
paths:
  /notes:
    HERE
    post:
      x-airbyte-entity: notes
      x-airbyte-action: create
      parameters: [{name: mode, in: query, schema: {type: string}, HERE}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {text: {type: string}}}, HERE}}, HERE}
      responses: {"200": {description: OK, HERE}}
      HERE
HERE
"#;

/// [`PLACES`] with this entry at the `nth` place only.
fn at_place(nth: usize, entry: &str) -> String {
    let mut source = String::new();
    for (index, part) in PLACES.split("HERE").enumerate() {
        if index > 0 {
            source += if index == nth + 1 { entry } else { "x-none: 0" };
        }
        source += part;
    }
    source
}

#[test]
fn unknown_keys_are_welcome_when_they_say_that_they_are_extensions() {
    let places = PLACES.matches("HERE").count();
    assert_eq!(places, 16);
    for nth in 0..places {
        assert_eq!(problems(&at_place(nth, "x-other: {a: 1}")), [], "place {nth}");
        let source = at_place(nth, "nonsense: 1");
        let line = source.split("nonsense").next().unwrap().matches('\n').count() + 1;
        let found = problems(&source);
        let told = found.iter().find(|problem| problem.message.contains("unknown key \"nonsense\"")).unwrap();
        assert_eq!((told.severity, told.line), (Severity::Error, line), "place {nth}");
    }
}

#[test]
fn versions() {
    let with = |version: &str| problems(&Document::listing("").source().replace("3.1.0", version));
    assert_eq!(with("3.1.1"), []);
    for other in ["3.0.3", "3.2.0", "3.10.0", "2.0"] {
        assert!(with(&format!("\"{other}\""))[0].message.contains(other), "{other}");
    }
}

#[test]
fn mandatory_parts() {
    let source = Document::listing("").source();
    for (part, instead, told) in [
        ("  title: Tiny Notes\n", "", "info lacks \"title\""),
        ("  version: 1.0.0\n", "", "info lacks \"version\""),
        ("7a1e0c55-", "", "is no UUID"),
        (
            "x-airbyte-connector-definition-id: 7a1e0c55-4a3b-4c0e-8f11-2b6d9a90c3d4",
            "x-a: b",
            "info lacks \"x-airbyte-connector-definition-id\"",
        ),
        ("x-airbyte-entity: notes, ", "", "an operation lacks \"x-airbyte-entity\""),
        ("x-airbyte-action: list, ", "", "an operation lacks \"x-airbyte-action\""),
        ("{description: OK}", "{}", "the response 200 lacks \"description\""),
        ("servers:", "x-servers:", "names no server"),
    ] {
        assert!(source.contains(part), "{part}");
        let found = problems(&source.replace(part, instead));
        assert!(found.iter().any(|problem| problem.message.contains(told)), "{told}: {found:?}");
    }
    let none = Document::new();
    assert!(problems(&none.source().replace("paths:", "paths: {}"))[0].message.contains("no operation"));
}

#[test]
fn parts_without_meaning_for_a_call() {
    let members = "tags: [a], deprecated: true, operationId: listNotes, externalDocs: {url: \"https://example.com\"}, security: [{nobody: []}],
      callbacks: {done: {\"{$request.query.url}\": {post: {responses: {\"200\": {description: OK}}}}}},
      requestBody: {content: {application/json: {schema: {type: object, properties: {a: {default: 1}}}, example: {a: 2}, encoding: {a: {style: form}}}}}";
    let mut document = Document::new().with("POST /notes", "notes.list", members);
    document.root =
        "tags: [{name: a}]\nexternalDocs: {url: \"https://example.com\"}\nsecurity: [{nobody: []}]\n"
            .to_owned();
    assert_eq!(problems(&document.source()), []);
    let sent = document.sends(Value::Null);
    assert_eq!(
        (sent.url.as_str(), sent.body.as_ref()),
        ("https://api.example.com/v1/notes", &br#"{"a":1}"#[..])
    );
}

/// They are not used either, but a reader would think that they are.
#[test]
fn servers_of_paths_and_operations_are_told() {
    let document =
        Document::new().with("GET /notes", "notes.list", "servers: [{url: \"https://other.example.com\"}]");
    assert_eq!(document.sends(Value::Null).url.as_str(), "https://api.example.com/v1/notes");
    let mut item = Document::listing("");
    item.paths =
        item.paths.replace("    get:", "    servers: [{url: \"https://other.example.com\"}]\n    get:");
    for (document, what) in [(document, "an operation"), (item, "a path")] {
        let found = problems(&document.source());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].message, format!("servers of {what} are not used"));
    }
}

#[test]
fn the_connectors_name() {
    let slug = |line: &str| Document::listing("").info(line).loaded().plan.info.slug.clone();
    assert_eq!(slug("description: Without a name of its own"), "tiny-notes");
    assert_eq!(slug("x-airbyte-connector-name: notes-of-all"), "notes-of-all");
}

#[test]
fn entities_in_order_of_appearance_and_methods_in_the_publishers() {
    let operation = |method: &str, entity: &str, action: &str| {
        format!(
            "    {method}: {{x-airbyte-entity: {entity}, x-airbyte-action: {action}, responses: {{\"200\": {{description: OK}}}}}}\n"
        )
    };
    let mut document = Document::new();
    document.paths = "  /b:\n".to_owned();
    for method in ["trace", "patch", "delete", "put", "post", "head", "options", "get"] {
        document.paths += &operation(method, &format!("b_{method}"), "get");
    }
    document = document.with("GET /a", "a.list", "").with("POST /b_put", "b_put.list", "");
    let description = |document: &Document| Description::of(&document.loaded()).entities();
    let names: Vec<Value> =
        description(&document).as_array().unwrap().iter().map(|e| e["entity"].clone()).collect();
    assert_eq!(names, ["b_get", "b_post", "b_put", "b_delete", "b_patch", "a"]);
    assert_eq!(description(&document)[2], json!({"entity": "b_put", "actions": ["list", "get"]}));
}

#[test]
fn the_last_of_two_operations_is_the_one() {
    let document = Document::new().with("GET /old", "notes.list", "").with("GET /new", "notes.list", "");
    assert_eq!(document.sends(Value::Null).url.path(), "/v1/new");
    assert!(problems(&document.source())[0].message.contains("defined twice"));
}

#[test]
fn all_schemes_in_file_order_are_ways_to_authenticate() {
    let mut document = Document::listing("");
    document.root = "security: [{basic: []}]\n".to_owned();
    document.components =
        "  securitySchemes: {zeta: {type: http, scheme: bearer}, basic: {type: http, scheme: basic}, alpha: {type: apiKey, in: header, name: X-Key}}\n".to_owned();
    let plan = document.loaded().plan;
    assert_eq!(
        plan.schemes.iter().map(|scheme| scheme.name.as_str()).collect::<Vec<_>>(),
        ["zeta", "basic", "alpha"]
    );
}

/// The documented result: the JSON of 200, else of 201, else the entity's own schema.
#[test]
fn schemas_of_results() {
    let result = |responses: &str, schemas: &str| {
        let mut document = Document::new().with("GET /notes", "notes.get", "");
        document.paths = document.paths.replace("{\"200\": {description: OK}}", responses);
        document.components += &["  schemas: ", schemas, "\n"].concat();
        let definition = document.loaded();
        let told = Description::of(&definition).operation("notes", Action::Get).unwrap();
        told.get("result").and_then(|result| result.get("title")).cloned().unwrap_or_default()
    };
    let of = |title: &str| {
        format!("{{description: OK, content: {{application/json: {{schema: {{title: {title}}}}}}}}}")
    };
    let text = "{description: OK, content: {text/plain: {schema: {title: text}}}}";
    let entity = "{Notes: {title: by name}, Other: {title: by key, x-airbyte-entity-name: notes}}";
    for (responses, schemas, expected) in [
        (format!("{{\"201\": {}, \"200\": {}}}", of("second"), of("first")), entity, json!("first")),
        (format!("{{\"200\": {text}, \"201\": {}}}", of("second")), entity, json!("second")),
        (format!("{{\"404\": {}}}", of("fault")), entity, json!("by key")),
        ("{}".to_owned(), "{NOTES: {title: by name}}", json!("by name")),
        ("{}".to_owned(), "{Note: {title: another}}", json!(null)),
    ] {
        assert_eq!(result(&responses, schemas), expected, "{responses} {schemas}");
    }
}
