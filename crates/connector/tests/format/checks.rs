//! Which operation a check calls, and with what.

use crate::support::NOW;
use crate::tiny::{environment, operation, plan};
use keybearer_connector::call::{PageSize, probe};
use keybearer_connector::plan::Plan;
use serde_json::{Value, json};
use std::sync::Arc;

fn chosen(paths: &Value, more: &Value) -> Option<String> {
    let mut parts = more.clone();
    parts["paths"] = paths.clone();
    let plan = plan(&parts);
    plan.check.map(|position| plan.operations[position].entity.clone())
}

/// A list with one parameter.
fn list(entity: &str, place: &str, required: bool, schema: &Value, more: &Value) -> Value {
    let mut parameter = json!({"name": "p", "in": place, "required": required, "schema": schema});
    parameter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    operation(entity, "list", &json!({"parameters": [parameter]}))
}

#[test]
fn the_preferred_operation_else_the_first_list_that_needs_nothing() {
    let (text, none) = (json!({"type": "string"}), json!({}));
    let open = || operation("open", "list", &none);
    let paths = json!({
        "/a": {"get": operation("one", "get", &none)},
        "/b/{p}": {"get": list("below", "path", true, &text, &none)},
        "/c": {"get": list("asking", "query", true, &text, &none)},
        "/d": {"get": list("first", "query", true, &json!({"type": "string", "default": "x"}), &none)},
        "/e": {"get": open()},
    });
    assert_eq!(chosen(&paths, &none).as_deref(), Some("first"));
    let mut preferred = paths.clone();
    preferred["/a"]["get"]["x-airbyte-preferred-for-check"] = json!(true);
    assert_eq!(chosen(&preferred, &none).as_deref(), Some("one"));
    let scoped = json!({"info": {"x-airbyte-scoping": [{"param": "p", "config_key": "account"}]}});
    assert_eq!(chosen(&paths, &scoped).as_deref(), Some("below"));
    assert_eq!(chosen(&json!({"/a": {"get": operation("one", "get", &none)}}), &none), None);

    // A header counts as given where a probe, or every credential, gives it.
    let with_header = |more: &Value| json!({"/a": {"get": list("asking", "header", true, &text, more)}, "/b": {"get": open()}});
    assert_eq!(chosen(&with_header(&none), &none).as_deref(), Some("open"));
    let probed = json!({"x-airbyte-probe-default": "x"});
    assert_eq!(chosen(&with_header(&probed), &none).as_deref(), Some("asking"));
    let form = json!({
        "required": ["token"], "properties": {"token": {"type": "string"}}, "auth_mapping": {"token": "${token}"},
        "additional_headers": {"P": "{{ token }}"},
    });
    let credential = json!({"components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer", "x-airbyte-auth-config": form}}}});
    assert_eq!(chosen(&with_header(&none), &credential).as_deref(), Some("asking"));

    // A body that a caller must fill is nothing to begin with.
    let body = |field: Value| {
        let schema = json!({"type": "object", "required": ["q"], "properties": {"q": field}});
        let more = json!({"requestBody": {"content": {"application/json": {"schema": schema}}}});
        json!({"/a": {"post": operation("asking", "list", &more)}, "/b": {"get": open()}})
    };
    assert_eq!(chosen(&body(text.clone()), &none).as_deref(), Some("open"));
    let probed = json!({"type": "string", "x-airbyte-probe-default": "x"});
    assert_eq!(chosen(&body(probed), &none).as_deref(), Some("asking"));
}

fn params(plan: &Arc<Plan>, configuration: &Value) -> Value {
    let found =
        probe(plan, &plan.operations[0], &environment(configuration), PageSize::Least, NOW.parse().unwrap());
    Value::Object(found.unwrap().params)
}

#[test]
fn a_check_sends_probe_values_and_the_defaults_of_the_query() {
    let parameter =
        |name: &str, place: &str, schema: Value| json!({"name": name, "in": place, "schema": schema});
    let probed = |place: &str, name: &str, value: Value| {
        let mut parameter = parameter(name, place, json!({"default": "no"}));
        parameter["x-airbyte-probe-default"] = value;
        parameter
    };
    let more = json!({
        "parameters": [
            parameter("limit", "query", json!({"type": "integer", "default": 50})),
            parameter("state", "query", json!({"type": "string", "default": "open"})),
            parameter("free", "query", json!({"type": "string"})),
            parameter("X-Defaulted", "header", json!({"type": "string", "default": "2"})),
            probed("header", "X-Probed", json!("h")),
            probed("query", "size", json!(7)),
            probed("query", "from", json!("{{ (now_utc() - duration('P7D')).strftime('%Y-%m-%dT%H:%M:%SZ') }}")),
            probed("query", "day", json!("{{ min(now_utc(), now_utc() + duration('P1D')).strftime('%Y%m%d') }}")),
            probed("query", "place", json!("{{ config.region }}-{{ max(1, 3, 2) }}")),
            parameter("inside", "query", json!({"type": "string", "x-airbyte-probe-default": "s"})),
        ],
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {
            "q": {"type": "string", "x-airbyte-probe-default": "{{ now_utc().strftime('%Y') }}"},
            "kind": {"type": "string", "default": "k"},
        }}}}},
    });
    let plan = plan(&json!({"paths": {"/things": {"post": operation("things", "list", &more)}}}));
    assert_eq!(
        params(&plan, &json!({"region": "eu"})),
        json!({
            "limit": 1, "state": "open", "X-Probed": "h", "size": 7, "from": "2026-02-25T05:06:07Z", "day": "20260304",
            "place": "eu-3", "inside": "s", "q": "2026",
        })
    );
}

#[test]
fn one_record_is_asked_for_only_where_the_operation_has_a_limit() {
    for (action, name, expected) in [
        ("list", "limit", json!({"limit": 1})),
        ("list", "per_page", json!({})),
        ("search", "limit", json!({})),
    ] {
        let more = json!({"parameters": [{"name": name, "in": "query", "schema": {"type": "integer"}}]});
        let plan = plan(&json!({"paths": {"/things": {"get": operation("things", action, &more)}}}));
        assert_eq!(params(&plan, &json!({})), expected, "{action} {name}");
    }
}
