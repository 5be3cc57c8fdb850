//! Bodies: which names they take, what defaults and nulls do, and how each media type is written.

use crate::support::Document;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keybearer_connector::describe::Description;
use keybearer_connector::plan::Action;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn body(document: &Document, params: Value) -> String {
    String::from_utf8(document.sends(params).body.to_vec()).unwrap()
}

#[test]
fn defaults_come_first_and_what_is_given_over_them() {
    let schema = "{type: object, properties: {a: {}, kind: {type: string, default: note}, n: {type: integer, default: 1}, old: {type: string, default: null}}}";
    for (params, sent) in [
        (json!({}), r#"{"kind":"note","n":1}"#),
        (json!({"a": "é\"", "n": 2}), r#"{"kind":"note","n":2,"a":"é\""}"#),
        (json!({"a": null, "kind": null}), r#"{"kind":"note","n":1}"#),
        (json!({"a": {"deep": null, "l": [null]}}), r#"{"kind":"note","n":1,"a":{"deep":null,"l":[null]}}"#),
    ] {
        assert_eq!(body(&Document::writing(JSON, schema), params.clone()), sent, "{params}");
        // A change sends them too.
        let members = format!("requestBody: {{content: {{{JSON}: {{schema: {schema}}}}}}}");
        let update = Document::new().with("PATCH /notes", "notes.update", &members);
        assert_eq!(body(&update, params), sent);
    }
}

#[test]
fn schemas_say_which_names_are_taken() {
    for (schema, params, sent) in [
        (
            "{type: array, items: {type: object, properties: {a: {}, b: {default: 1}}}}",
            json!({"a": 2}),
            r#"[{"b":1,"a":2}]"#,
        ),
        ("{type: array, items: {type: object, properties: {a: {}}}}", json!({}), ""),
        ("{type: object, properties: {a: {}}}", json!({"a": null}), ""),
        ("{$ref: \"#/components/schemas/Note\"}", json!({"text": "x"}), r#"{"text":"x"}"#),
        ("{type: object, additionalProperties: true}", json!({"b": 1, "a": [2]}), r#"{"b":1,"a":[2]}"#),
        ("{type: object, additionalProperties: true}", json!({}), ""),
    ] {
        let mut document = Document::writing(JSON, schema);
        document.components += "  schemas: {Note: {type: object, properties: {text: {type: string}}}}\n";
        let sent_one = document.sends(params.clone());
        assert_eq!(sent_one.body, sent, "{schema} {params}");
        assert_eq!(sent_one.headers.contains_key("content-type"), !sent.is_empty());
    }
    let open = "{type: object, additionalProperties: true}";
    assert_eq!(Document::writing(JSON, open).refuses(json!({"id": "7"})), ["id unknown"]);
}

#[test]
fn an_open_body_leaves_the_paths_names_out() {
    let members = format!(
        "parameters: [{{name: sobjectType, in: path, required: true, schema: {{type: string}}}}, {{name: id, in: path, required: true, schema: {{type: string}}}}], requestBody: {{content: {{{JSON}: {{schema: {{type: object, additionalProperties: true}}}}}}}}"
    );
    let update = Document::new().with("PATCH /{sobjectType}/{id}", "records.update", &members);
    let sent = update.sends(json!({"sobjectType": "Note", "id": "7", "Name": "x"}));
    assert_eq!((sent.url.path(), sent.body.as_ref()), ("/v1/Note/7", &br#"{"Name":"x"}"#[..]));
}

#[test]
fn a_name_in_two_places_goes_to_both() {
    let members = format!(
        "parameters: [{{name: id, in: path, required: true, schema: {{type: string}}}}, {{name: mode, in: query, schema: {{type: string}}}}], requestBody: {{content: {{{JSON}: {{schema: {{type: object, properties: {{id: {{type: string}}, mode: {{type: string}}}}}}}}}}}}"
    );
    let update = Document::new().with("PUT /notes/{id}", "notes.update", &members);
    let sent = update.sends(json!({"mode": "m", "id": "7"}));
    assert_eq!(sent.url.as_str(), "https://api.example.com/v1/notes/7?mode=m");
    assert_eq!(sent.body, r#"{"mode":"m","id":"7"}"#);
}

/// Configuration fills a body property as it fills a parameter; the caller is not asked for it.
#[test]
fn configuration_scopes_body_properties() {
    let schema = "{type: object, required: [team], properties: {text: {}, team: {type: integer}}}";
    let create =
        Document::writing(JSON, schema).info("x-airbyte-scoping: [{param: team, config_key: teams}]");
    let sent =
        |teams: Value, params: Value| create.tries(json!({"teams": teams}), params).map(|sent| sent.body);
    assert_eq!(sent(json!(["7"]), json!({"text": "x"})).unwrap(), r#"{"text":"x","team":7}"#);
    assert_eq!(sent(json!(7), json!({"team": 8})).unwrap(), r#"{"team":8}"#);
    assert_eq!(sent(json!([7, 8]), json!({})).unwrap_err().errors[0].code, "missing");
    let definition = create.loaded();
    let description = Description::of(&definition);
    let told = description.operation("notes", Action::Create).unwrap();
    assert_eq!(told["params"]["required"], json!([]));
}

#[test]
fn forms_are_flattened() {
    let schema = "{type: object, properties: {a: {}, kind: {type: string, default: x y}}}";
    for (params, sent) in [
        (json!({}), "kind=x+y"),
        (json!({"a": {"b": ["c", {"d": true}]}}), "kind=x+y&a%5Bb%5D%5B0%5D=c&a%5Bb%5D%5B1%5D%5Bd%5D=true"),
        (json!({"a": [[1, 2], [3]]}), "kind=x+y&a%5B0%5D%5B0%5D=1&a%5B0%5D%5B1%5D=2&a%5B1%5D%5B0%5D=3"),
        (json!({"a": {"l": [], "m": {}}}), "kind=x+y"),
    ] {
        let sent_one = Document::writing(FORM, schema).sends(params.clone());
        assert_eq!(sent_one.body, sent, "{params}");
        assert_eq!(sent_one.headers["content-type"], FORM);
    }
}

#[test]
fn uploads_are_metadata_and_a_file() {
    let members = "x-airbyte-upload-file-param: file, requestBody: {content: {multipart/related: {schema: {type: object, properties: {name: {type: string}, file: {type: string}, file_mime_type: {type: string}}}}}}";
    let upload = Document::new().with("POST /files", "files.create", members);
    let sent = upload.sends(json!({"name": "a", "file": STANDARD.encode("hi")}));
    let boundary = sent.headers["content-type"].to_str().unwrap().rsplit('=').next().unwrap().to_owned();
    assert_eq!(
        sent.body,
        format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{{\"name\":\"a\"}}\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\nhi\r\n--{boundary}--\r\n"
        )
    );
    let plain = upload.sends(json!({"name": "a"}));
    assert_eq!(
        (plain.body.as_ref(), &plain.headers["content-type"]),
        (&br#"{"name":"a"}"#[..], &JSON.parse().unwrap())
    );
}

#[test]
fn graphql_takes_query_parameters_as_variables_too() {
    let members = "x-airbyte-path-override: {path: /graphql}, parameters: [{name: first, in: query, schema: {type: integer, default: 20}}], requestBody: {x-airbyte-body-type: {type: graphql, query: \"query N($n: Int) { notes(n: $n) { id } }\", operationName: N, variables: {n: \"{{ first }}\"}}}";
    let list = Document::new().with("POST /graphql:notes:list", "notes.list", members);
    for (params, url, n) in [
        (json!({"first": 3}), "https://api.example.com/v1/graphql?first=3", 3),
        (json!({}), "https://api.example.com/v1/graphql", 20),
    ] {
        let sent = list.sends(params);
        assert_eq!((sent.url.as_str(), &sent.headers["content-type"]), (url, &JSON.parse().unwrap()));
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        let query = "query N($n: Int) { notes(n: $n) { id } }";
        assert_eq!(body, json!({"query": query, "variables": {"n": n}, "operationName": "N"}));
    }
}

/// Whatever the action: what a call refuses to go without is told as required.
#[test]
fn required_properties_are_told_and_asked_for() {
    let members = format!(
        "requestBody: {{content: {{{JSON}: {{schema: {{type: object, required: [text, kind], properties: {{text: {{}}, kind: {{default: note}}}}}}}}}}}}"
    );
    for (name, action) in [("notes.search", Action::Search), ("notes.create", Action::Create)] {
        let document = Document::new().with("POST /notes", name, &members);
        let definition = document.loaded();
        let told = Description::of(&definition).operation("notes", action).unwrap();
        assert_eq!(told["params"]["required"], json!(["text"]));
        assert_eq!(document.refuses(json!({"kind": "x"})), ["text missing"]);
    }
}
