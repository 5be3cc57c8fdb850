//! Results and metadata of good answers.

use crate::tiny::{answer, begin, done, failed, plan, with};
use keybearer_connector::call::{FaultKind, Step};
use serde_json::{Value, json};

fn run(action: &str, more: &Value, status: u16, headers: &[(&'static str, &str)], body: &str) -> Step {
    let plan = with("get", action, more);
    let (mut call, _) = begin(&plan, ("things", action), &json!({}), &json!({})).unwrap();
    answer(&mut call, status, headers, body)
}

#[test]
fn blank_bodies_are_empty_objects_whatever_the_status_and_type() {
    for (status, kind, body) in [
        (200, "application/json", ""),
        (201, "text/html", " \n"),
        (204, "application/xml", ""),
        (206, "text/plain", ""),
        (304, "application/json", ""),
        (302, "text/html", ""),
        (300, "text/html", "\t"),
    ] {
        let got = done(run("get", &json!({}), status, &[("content-type", kind)], body)).0;
        assert_eq!(got, json!({}), "{status} {kind} {body:?}");
    }
    // A redirect that leads nowhere is read like any other answer.
    assert_eq!(done(run("get", &json!({}), 302, &[], r#"{"id": 1}"#)).0, json!({"id": 1}));
}

#[test]
fn bodies_are_json_whatever_their_type_says() {
    for kind in ["application/json; charset=utf-8", "application/problem+json", "text/plain", "text/html", ""]
    {
        let headers: &[(&str, &str)] = &[("content-type", kind)];
        let headers = if kind.is_empty() { &[] } else { headers };
        assert_eq!(done(run("get", &json!({}), 200, headers, r#"{"id": 1}"#)).0, json!({"id": 1}), "{kind}");
        assert_eq!(failed(run("get", &json!({}), 200, headers, "<a/>")).kind, FaultKind::UpstreamError);
    }
}

#[test]
fn extractors_and_wrapping() {
    // Extractor, body, result of a list, result of a get.
    let cases = [
        (
            "",
            r#"[{"id": 1}, 2, null, [3]]"#,
            r#"[{"id":1},{"value":2},{"value":null},{"value":[3]}]"#,
            "same",
        ),
        ("", r#""text""#, r#"{"value":"text"}"#, "same"),
        ("", "null", "null", "same"),
        ("", r#"{"a": 1}"#, r#"{"a":1}"#, "same"),
        ("$", "7", r#"{"value":7}"#, "same"),
        ("$.a.b", r#"{"a": {"b": [1]}}"#, r#"[{"value":1}]"#, "same"),
        ("$.a.b", r#"{"a": 1}"#, "[]", "null"),
        ("$.a[1].b", r#"{"a": [{"b": 0}, {"b": {"id": 1}}]}"#, r#"{"id":1}"#, "same"),
        ("$.a[2]", r#"{"a": [1, 2]}"#, "[]", "null"),
        ("$.a[0]", r#"{"a": "text"}"#, "[]", "null"),
        ("$.a[*].b", r#"{"a": []}"#, "[]", "null"),
        ("$.a[*].b", r#"{"a": [{"b": null}]}"#, r#"[{"value":null}]"#, "null"),
        ("$.a[*].b", r#"{"a": [{"b": [1, {}]}]}"#, r#"[{"value":1},{}]"#, "same"),
        ("$.a[*].b", r#"{"a": [{"b": 1}, {"b": 2}]}"#, r#"[{"value":1},{"value":2}]"#, r#"{"value":1}"#),
        ("$.a.b[*].c", r#"{"a": {"b": {"x": {"c": {"id": 1}}, "y": 2}}}"#, r#"[{"id":1}]"#, r#"{"id":1}"#),
        ("$[*][*]", r#"{"x": [{"id": 1}], "y": {"z": {"id": 2}}}"#, r#"[{"id":1},{"id":2}]"#, r#"{"id":1}"#),
    ];
    for (path, body, list, get) in cases {
        let more = if path.is_empty() { json!({}) } else { json!({"x-airbyte-record-extractor": path}) };
        let result = |action: &str| done(run(action, &more, 200, &[], body)).0.to_string();
        assert_eq!(result("list"), list, "list {path} {body}");
        assert_eq!(result("search"), list, "search {path} {body}");
        assert_eq!(result("get"), if get == "same" { list } else { get }, "get {path} {body}");
    }
}

#[test]
fn metadata_comes_from_the_whole_answer_and_its_headers() {
    let more = json!({
        "x-airbyte-no-pagination": "One page.",
        "x-airbyte-record-extractor": "$.data.items",
        "x-airbyte-meta-extractor": {
            "total": "$.data.page.total", "more": "$.more", "absent": "$.data.none", "deep": "$.data.page",
            "next": "@link.next", "last": "@link.last", "first": "@link.first", "id": "@header.X-Made-Id", "no": "@header.x-none",
        },
    });
    let link = r#"</a>; rel=prev, </b?x=1,2>; title="a; rel=first"; rel="next last", </c>; rel=next"#;
    let headers = [("link", link), ("x-made-id", "7")];
    let body = r#"{"data": {"items": [], "page": {"total": 12345678901234567890123}}, "more": true}"#;
    let (_, meta) = done(run("list", &more, 200, &headers, body));
    let meta = |name: &str| meta[name].to_string();
    for (name, expected) in [
        ("total", "12345678901234567890123"),
        ("more", "true"),
        ("absent", "null"),
        ("deep", r#"{"total":12345678901234567890123}"#),
        ("next", r#""/b?x=1,2""#),
        ("last", r#""/b?x=1,2""#),
        ("first", "null"),
        ("id", r#""7""#),
        ("no", "null"),
    ] {
        assert_eq!(meta(name), expected, "{name}");
    }
}

#[test]
fn an_error_inside_a_good_answer_comes_before_everything_else() {
    let checked = |on_value: Value, body: &str| {
        let list = json!({"x-airbyte-record-extractor": "$.items", "x-airbyte-record-filter": "{{ record.absent }}"});
        let plan = plan(&json!({
            "info": {"x-airbyte-response-error-check": {"field": "ok", "on_value": on_value, "message_field": "error"}},
            "paths": {"/things": {"get": crate::tiny::operation("things", "list", &list)}},
        }));
        let (mut call, _) = begin(&plan, ("things", "list"), &json!({}), &json!({})).unwrap();
        answer(&mut call, 200, &[], body)
    };
    for (on_value, body, message) in [
        (json!(false), r#"{"ok": false, "error": "no_scope", "items": [{}]}"#, "no_scope"),
        (json!(false), r#"{"ok": 0}"#, "unknown_error"),
        (json!(false), r#"{"ok": 0.0, "error": ""}"#, "unknown_error"),
        (json!("bad"), r#"{"ok": "bad", "error": {"message": "deep"}}"#, "deep"),
    ] {
        let fault = failed(checked(on_value, body));
        assert!(
            fault.kind == FaultKind::UpstreamRejected && fault.message.contains(message),
            "{body}: {fault:?}"
        );
    }
    for body in [r#"{"ok": "false", "items": []}"#, r#"{"ok": null, "items": []}"#, r#"[{"ok": false}]"#] {
        assert_eq!(done(checked(json!(false), body)).0, json!([]), "{body}");
    }
}

#[test]
fn transforms_write_text_over_records_and_filters_drop_some() {
    let result = |action: &str, more: &Value, body: &str| {
        let plan = with("get", action, more);
        let configuration = json!({"region": "eu", "hidden": ["b"]});
        let (mut call, _) = begin(&plan, ("things", action), &json!({}), &configuration).unwrap();
        answer(&mut call, 200, &[], body)
    };
    let more = json!({
        "x-airbyte-record-transform": {
            "key": "{{ record.name | replace('x/', '') }}", "place": "{{ config.region }}:{{ record.value }}{{ record.n }}",
        },
    });
    let body = r#"[{"name": "x/a", "n": 1, "value": "v", "place": 0}]"#;
    let expected = json!([{"name": "x/a", "n": 1, "value": "v", "place": "eu:v1", "key": "a"}]);
    assert_eq!(done(result("list", &more, body)).0, expected);
    // A scalar is `value` to the templates, and what they give is all that is left.
    let scalar = json!({"x-airbyte-record-transform": {"text": "<{{ record.value }}>"}});
    let texts = json!([{"text": "<7>"}, {"text": "<1.0>"}, {"text": "<True>"}, {"text": "<None>"}]);
    assert_eq!(done(result("list", &scalar, "[7, 1.0, true, null]")).0, texts);
    // What is missing is an error, never a record that nobody may see.
    assert_eq!(failed(result("list", &more, r#"[{"name": "a"}]"#)).kind, FaultKind::UpstreamError);

    let filter = json!({"x-airbyte-record-filter": "{{ record.name not in config.hidden }}"});
    let body = r#"[{"name": "a"}, {"name": "b"}]"#;
    assert_eq!(done(result("list", &filter, body)).0, json!([{"name": "a"}]));
    assert_eq!(done(result("search", &filter, body)).0, json!([{"name": "a"}]));
    assert_eq!(done(result("get", &filter, r#"{"name": "b"}"#)).0, json!({"name": "b"}));
    let shown = json!({"x-airbyte-record-filter": "{{ record.shown }}"});
    for (value, kept) in [
        (r#""False""#, false),
        (r#""false""#, false),
        ("0", false),
        ("null", false),
        (r#""null""#, false),
        (r#""""#, false),
        ("false", false),
        (r#""no""#, true),
        ("true", true),
        ("2", true),
    ] {
        let got = done(result("list", &shown, &format!(r#"[{{"shown": {value}}}]"#))).0;
        assert_eq!(got.as_array().unwrap().len(), usize::from(kept), "{value}");
    }
    assert_eq!(failed(result("list", &shown, "[{}]")).kind, FaultKind::UpstreamError);
    // The filter sees what the transform wrote.
    let both = json!({
        "x-airbyte-record-transform": {"key": "{{ record.name | upper }}"}, "x-airbyte-record-filter": "{{ record.key == 'A' }}",
    });
    assert_eq!(done(result("list", &both, body)).0, json!([{"name": "a", "key": "A"}]));
}
