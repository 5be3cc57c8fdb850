//! GraphQL requests: the query, its selection, and variables from parameters.

use crate::tiny::{answer, begin, done, request, with};
use keybearer_connector::plan::Plan;
use serde_json::{Value, json};
use std::sync::Arc;

fn things(body_type: Value, more: &Value) -> Arc<Plan> {
    let mut operation = more.clone();
    let Value::Object(mut kind) = body_type else { panic!("a map") };
    kind.insert("type".into(), json!("graphql"));
    operation["requestBody"]["x-airbyte-body-type"] = Value::Object(kind);
    with("post", "list", &operation)
}

fn body(plan: &Arc<Plan>, params: &Value) -> Value {
    let sent = request(plan, "list", params);
    assert!(sent.method == "POST" && sent.headers["content-type"] == "application/json");
    serde_json::from_slice(&sent.body).unwrap()
}

#[test]
fn a_body_has_what_the_definition_has() {
    let none = json!({});
    for (given, expected) in [
        (json!({"query": "{ a }"}), json!({"query": "{ a }"})),
        (json!({"query": "{ a }", "variables": {}}), json!({"query": "{ a }", "variables": {}})),
        (
            json!({"query": "query A { a } query B { b }", "operationName": "B"}),
            json!({"query": "query A { a } query B { b }", "operationName": "B"}),
        ),
        (
            json!({"query": "{ a }", "variables": {"n": "{{ n }}"}}),
            json!({"query": "{ a }", "variables": {}}),
        ),
    ] {
        assert_eq!(body(&things(given, &none), &json!({})), expected);
    }
}

#[test]
fn a_selection_is_the_callers_else_the_definitions() {
    let query = |default: Value, params: &Value| {
        let plan = things(json!({"query": "{ a { {{ fields }} } }", "default_fields": default}), &json!({}));
        body(&plan, params)["query"].as_str().unwrap().to_owned()
    };
    for (default, params, expected) in [
        (json!("id owner { name }"), json!({}), "{ a { id owner { name } } }"),
        (json!(["id", "owner.name", "owner.mail"]), json!({}), "{ a { id owner { name mail } } }"),
        (json!("id"), json!({"fields": ["name", "a.b.c"]}), "{ a { name a { b { c } } } }"),
        (json!("id"), json!({"fields": []}), "{ a { id } }"),
        (json!("id"), json!({"fields": null}), "{ a { id } }"),
    ] {
        assert_eq!(query(default, &params), expected);
    }
}

#[test]
fn variables_keep_types_and_drop_nulls_at_the_top_only() {
    let variables = json!({
        "first": "{{ first }}", "input": "{{ input }}", "path": "{{ ref }}:{{ path }}", "branch": "refs/{{ ref }}",
        "fixed": 7, "deep": {"list": ["{{ first }}", "{{ after }}"]}, "after": "{{ after }}",
    });
    let more = json!({"parameters": [
        {"name": "ref", "in": "query", "schema": {"type": "string", "default": "HEAD"}},
        {"name": "first", "in": "query", "schema": {"type": "integer"}},
    ]});
    let plan = things(json!({"query": "{ a }", "variables": variables}), &more);
    let sent = |params: Value| body(&plan, &params)["variables"].clone();
    let input = json!({"name": "n", "note": null, "tags": [true, 1.5]});
    assert_eq!(
        sent(json!({"first": 5, "input": input, "path": "a/b"})),
        json!({"first": 5, "input": input, "path": "HEAD:a/b", "branch": "refs/HEAD", "fixed": 7, "deep": {"list": [5, null]}})
    );
    assert_eq!(
        sent(json!({"ref": "main", "first": "6"})),
        json!({"first": 6, "branch": "refs/main", "fixed": 7, "deep": {"list": [6, null]}})
    );
}

/// The published executor does not read `content` here; what it declares is checked and filled in all the same.
#[test]
fn declared_properties_of_a_body_are_checked_and_their_defaults_fill_variables() {
    let more = json!({"requestBody": {"content": {"application/json": {"schema": {
        "type": "object", "required": ["kind"],
        "properties": {"kind": {"type": "string", "enum": ["a", "b"]}, "size": {"type": "integer", "default": 3}},
    }}}}});
    let variables = json!({"kind": "{{ kind }}", "size": "{{ size }}"});
    let plan = things(json!({"query": "{ a }", "variables": variables}), &more);
    assert_eq!(body(&plan, &json!({"kind": "a"}))["variables"], json!({"kind": "a", "size": 3}));
    for (params, code) in [(json!({}), "missing"), (json!({"kind": "c"}), "enum")] {
        let fault = begin(&plan, ("things", "list"), &params, &json!({})).err().unwrap();
        assert_eq!(fault.errors[0].code, code);
    }
}

#[test]
fn errors_beside_no_data_are_a_result_without_data() {
    let plan = things(json!({"query": "{ a }"}), &json!({"x-airbyte-record-extractor": "$.data.a"}));
    for (said, expected) in [
        (r#"{"data": {"a": null}, "errors": [{"message": "no"}]}"#, json!(null)),
        (r#"{"data": null, "errors": [{"message": "no"}]}"#, json!([])),
    ] {
        let (mut call, _) = begin(&plan, ("things", "list"), &json!({}), &json!({})).unwrap();
        assert_eq!(done(answer(&mut call, 200, &[], said)).0, expected);
    }
}
