//! What answers become: results, metadata, faults.

use super::*;
use crate::call::{FaultKind, Payload};
use crate::plan::{ErrorCheck, ErrorMeaning, GraphqlBody, GraphqlErrors};
use http::HeaderMap;

#[test]
fn a_list_in_callers_order_and_its_next_page() {
    let mut machine = call_on(
        plan(vec![list()]),
        json!({"limit": "2", "cursor": "N&1", "tags": ["a b", "c"], "archived": null}),
    )
    .unwrap();
    let request = machine.start();
    assert_eq!(
        request.url.as_str(),
        "https://api.acme.example/v1/contacts?limit=2&after=N%261&tags=a+b&tags=c"
    );
    assert!(request.credential && !request.stream && request.body.is_empty());
    let body = r#" {"results":[{"id":1},{"id":98765432109876543210}],"paging":{"next":{"after":"NTI2"}}}"#;
    let Step::Done(answer) = machine.answer(200, &[("link", "</x?page=2>; rel=\"next\"")], body) else {
        panic!()
    };
    assert!(
        matches!(&answer.result, Payload::Raw(raw) if raw.as_ref() == br#"[{"id":1},{"id":98765432109876543210}]"#)
    );
    let mut meta = Vec::new();
    answer.meta.write(&mut meta);
    assert_eq!(
        String::from_utf8(meta).unwrap(),
        r#"{"has_next_page":true,"end_cursor":"NTI2","pagination":{"cursor":"NTI2"},"next_cursor":"NTI2","next":"/x?page=2"}"#
    );
}

#[test]
fn the_last_page_and_odd_records() {
    let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
    machine.start();
    let (result, meta) = done(machine.answer(200, &[], r#"{"results":[1,null,{"a":[]},[2]]}"#));
    assert_eq!(result, json!([{"value": 1}, {"value": null}, {"a": []}, {"value": [2]}]));
    assert_eq!(
        meta,
        json!({"has_next_page": false, "end_cursor": null, "pagination": {"cursor": null}, "next_cursor": null, "next": null})
    );
    for (body, expected) in [
        ("", json!([])),
        ("{}", json!([])),
        (r#"{"results":"x"}"#, json!({"value": "x"})),
        (r#"{"results":null}"#, json!(null)),
        (r#"{"results":{"a":1}}"#, json!({"a": 1})),
    ] {
        machine.start();
        assert_eq!(done(machine.answer(200, &[], body)).0, expected, "{body}");
    }
}

#[test]
fn statuses_become_kinds() {
    let cases = [
        (400, FaultKind::UpstreamRejected),
        (422, FaultKind::UpstreamRejected),
        (403, FaultKind::UpstreamForbidden),
        (404, FaultKind::UpstreamNotFound),
        (409, FaultKind::UpstreamConflict),
        (501, FaultKind::UpstreamError),
        (418, FaultKind::UpstreamRejected),
    ];
    for (status, kind) in cases {
        let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
        machine.start();
        let fault = failed(machine.answer(status, &[], r#"{"message":"Property values were not valid"}"#));
        assert_eq!((fault.kind, fault.upstream_status), (kind, Some(status)));
        assert!(fault.message.contains("Property values were not valid"));
    }
}

#[test]
fn errors_inside_good_answers() {
    let mut slack = plan(vec![list()]);
    let codes = [
        ("invalid_auth", ErrorMeaning::Authentication),
        ("ratelimited", ErrorMeaning::RateLimit),
        ("channel_not_found", ErrorMeaning::NotFound),
    ];
    slack.error_check = Some(ErrorCheck {
        field: "ok".into(),
        on_value: json!(false),
        message_field: Some("error".into()),
        codes: codes.map(|(code, meaning)| (code.to_owned(), meaning)).into(),
    });
    let mut machine = call_on(slack, json!({})).unwrap();
    machine.start();
    assert_eq!(
        failed(machine.answer(200, &[], r#"{"ok":false,"error":"channel_not_found"}"#)).kind,
        FaultKind::UpstreamNotFound
    );
    let fault =
        failed(machine.answer(200, &[], r#"{"ok":0,"error":"missing_scope","needed":"chat:write,x"}"#));
    assert_eq!(
        (fault.kind, fault.missing_scopes.join(" ").as_str()),
        (FaultKind::UpstreamRejected, "chat:write x")
    );
    let Step::Wait(delay) =
        machine.answer(200, &[("retry-after", "3")], r#"{"ok":false,"error":"ratelimited"}"#)
    else {
        panic!()
    };
    assert_eq!(delay, Duration::from_secs(3));
    assert!(matches!(machine.answer(200, &[], r#"{"ok":false,"error":"invalid_auth"}"#), Step::Refresh));
    assert_eq!(done(machine.answer(200, &[], r#"{"ok":true,"results":[]}"#)).0, json!([]));
}

#[test]
fn answers_that_are_no_json() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for body in ["<html>", "{", deep.as_str(), "NaN"] {
        let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
        machine.start();
        let fault = failed(machine.answer(200, &[], body));
        assert!(fault.kind == FaultKind::UpstreamError && fault.message.contains("not valid JSON"));
    }
    let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
    machine.start();
    assert_eq!(done(machine.answer(200, &[], "\u{feff}{\"results\":[]}")).0, json!([]));
}

#[test]
fn bytes_that_are_no_utf8_are_replaced() {
    let answer = |body: &'static [u8]| {
        let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
        machine.start();
        let response =
            Response { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from_static(body) };
        machine.call.on(Event::Response(response), Duration::ZERO)
    };
    let (result, _) = done(answer(b"{\"results\":[{\"name\":\"caf\xe9\"},{\"name\":\"b\"}]}"));
    assert_eq!(result, json!([{"name": "caf\u{fffd}"}, {"name": "b"}]));
    assert_eq!(failed(answer(b"{\"results\":[\xff]}")).kind, FaultKind::UpstreamError);
}

#[test]
fn transform_filter_and_selection_take_the_slow_lane() {
    let mut slow = list();
    let strict = |source: &str| crate::plan::Template { source: source.into(), lenient: false };
    slow.extract.transform = vec![("short".into(), strict("{{ record.name | replace('x/', '') }}"))];
    slow.extract.filter = Some(strict("{{ not record.private }}"));
    let shaping = Shaping { select_fields: vec!["short".into(), "n".into()], ..Shaping::default() };
    let mut machine = call_shaped(plan(vec![slow]), json!({}), shaping).unwrap();
    machine.start();
    let (result, _) = done(machine.answer(200, &[], r#"{"results":[{"name":"x/1","private":false,"n":12345678901234567890123},{"name":"x/2","private":true}]}"#));
    assert_eq!(result.to_string(), r#"[{"short":"1","n":12345678901234567890123}]"#);
}

#[test]
fn one_record_where_a_list_was_expected_is_transformed_and_filtered() {
    let run = |body: &str| {
        let mut slow = list();
        let strict = |source: &str| crate::plan::Template { source: source.into(), lenient: false };
        slow.extract.transform = vec![("urn".into(), strict("urn:{{ record.id }}"))];
        slow.extract.filter = Some(strict("{{ not record.private }}"));
        let mut machine = call_on(plan(vec![slow]), json!({})).unwrap();
        machine.start();
        machine.answer(200, &[], body)
    };
    let open = done(run(r#"{"results":{"id":1,"private":false}}"#)).0;
    assert_eq!(open, json!({"id": 1, "private": false, "urn": "urn:1"}));
    assert_eq!(done(run(r#"{"results":{"id":1,"private":true}}"#)).0, json!([]));
    // What the filter asks for is not there: nobody knows whether the record may be shown.
    assert_eq!(failed(run(r#"{"results":{"id":1}}"#)).kind, FaultKind::UpstreamError);
    assert_eq!(failed(run(r#"{"results":7}"#)).kind, FaultKind::UpstreamError);
}

#[test]
fn graphql_errors_count_where_no_record_came() {
    let mut get = operation(Action::Get, Method::POST, "/graphql");
    get.body = Body::Graphql(Box::new(GraphqlBody {
        query: "{ a }".into(),
        variables: None,
        operation_name: None,
        default_fields: None,
        nullable: vec![],
        fields: vec![],
    }));
    get.extract.records = Some(path("$.data.a"));
    let run = |errors: Option<GraphqlErrors>, body: &str| {
        let mut machine =
            call_on(Plan { graphql_errors: errors, ..plan(vec![get.clone()]) }, json!({})).unwrap();
        machine.start();
        machine.answer(200, &[], body)
    };
    let errors = || {
        Some(GraphqlErrors {
            errors: path("$.errors"),
            message: path("$.errors[0].message"),
            code: path("$.errors[0].type"),
            codes: [("NOT_FOUND".to_owned(), ErrorMeaning::NotFound)].into(),
        })
    };
    let none = r#"{"data":{"a":null},"errors":[{"type":"NOT_FOUND","message":"no such a"}]}"#;
    let fault = failed(run(errors(), none));
    assert!(fault.kind == FaultKind::UpstreamNotFound && fault.message.contains("no such a"));
    assert_eq!(failed(run(errors(), r#"{"errors":[{"x":1}]}"#)).kind, FaultKind::UpstreamRejected);
    assert_eq!(done(run(None, none)).0, json!(null));
    assert_eq!(done(run(errors(), r#"{"data":{"a":{"b":null}},"errors":[{}]}"#)).0, json!({"b": null}));
    assert_eq!(done(run(errors(), r#"{"data":{"a":null},"errors":[]}"#)).0, json!(null));
}

#[test]
fn a_path_over_several_is_a_list_and_a_record_is_its_first_match() {
    let result = |action, records: &str, body: &str| {
        let mut operation = operation(action, Method::GET, "/x");
        operation.extract.records = Some(path(records));
        let mut machine = call_on(plan(vec![operation]), json!({})).unwrap();
        machine.start();
        done(machine.answer(200, &[], body)).0
    };
    for (records, body, list, record) in [
        ("$.a[*].b", r#"{"a":[{"b":{"id":1}}]}"#, json!([{"id": 1}]), json!({"id": 1})),
        (
            "$.a[*].b",
            r#"{"a":[{"b":1},{"c":0},{"b":{"id":2}}]}"#,
            json!([{"value": 1}, {"id": 2}]),
            json!({"value": 1}),
        ),
        ("$[*][*]", r#"{"x":[{"id":1}],"y":[{"id":2}]}"#, json!([{"id": 1}, {"id": 2}]), json!({"id": 1})),
        ("$.a", r#"{"a":{"id":1}}"#, json!({"id": 1}), json!({"id": 1})),
        ("$.a", r#"{"a":"x"}"#, json!({"value": "x"}), json!({"value": "x"})),
        ("$.a", r#"{"a":null}"#, json!(null), json!(null)),
        ("$.a[0]", r#"{"a":{"0":1}}"#, json!([]), json!(null)),
        ("$.a.b", r#"{"a":[{"b":1}]}"#, json!([]), json!(null)),
    ] {
        assert_eq!(result(Action::List, records, body), list, "list {records} {body}");
        assert_eq!(result(Action::Get, records, body), record, "get {records} {body}");
    }
}
