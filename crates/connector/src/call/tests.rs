//! The machine as a whole: plans built here, events by hand.

use super::sample::{operation, parameter, plan, settings};
use super::*;
use crate::plan::{
    Action, Body, BodyField, Download, ErrorCheck, ErrorMeaning, Extract, Fields, HostPattern, JsonPath,
    Location, MetaSource, NextCursor, Operation, Paging, ParamStyle, Plan, ValueType,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

struct Machine {
    call: Call,
    elapsed: Duration,
}

fn path(text: &str) -> JsonPath {
    JsonPath::parse(text).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn call_on(plan: Plan, params: Value) -> Result<Machine, Fault> {
    call_shaped(plan, params, Shaping::default())
}

fn call_shaped(plan: Plan, params: Value, shaping: Shaping) -> Result<Machine, Fault> {
    let target = Target::new(&plan, &Environment::default()).unwrap();
    let call = Call::new(Arc::new(plan), Arc::new(target), 0, object(params), shaping, settings())?;
    Ok(Machine { call, elapsed: Duration::ZERO })
}

fn sent(step: Step) -> Unsigned {
    match step {
        Step::Send(unsigned) => unsigned,
        other => panic!("expected a request, got {other:?}"),
    }
}

fn failed(step: Step) -> Fault {
    match step {
        Step::Fail(fault) => fault,
        other => panic!("expected a fault, got {other:?}"),
    }
}

fn done(step: Step) -> (Value, Value) {
    match step {
        Step::Done(answer) => {
            let mut meta = Vec::new();
            answer.meta.write(&mut meta);
            (
                serde_json::from_slice(answer.result.json().unwrap()).unwrap(),
                serde_json::from_slice(&meta).unwrap(),
            )
        }
        other => panic!("expected an answer, got {other:?}"),
    }
}

impl Machine {
    fn start(&mut self) -> Unsigned {
        sent(self.call.start())
    }

    fn url(&mut self) -> String {
        self.start().url.to_string()
    }

    fn answer(&mut self, status: u16, headers: &[(&'static str, &str)], body: &str) -> Step {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let response = Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        self.call.on(Event::Response(response), self.elapsed)
    }
}

/// A list with a query, paging by cursor and records under `results`.
fn list() -> Operation {
    let mut list = operation(Action::List, Method::GET, "/contacts");
    list.parameters = vec![
        parameter("limit", Location::Query, ValueType::Integer),
        parameter("after", Location::Query, ValueType::String),
        parameter("tags", Location::Query, ValueType::Array(Box::new(ValueType::String))),
        parameter("archived", Location::Query, ValueType::Boolean),
    ];
    list.extract = Extract {
        records: Some(path("$.results")),
        meta: vec![
            ("next_cursor".into(), MetaSource::Path(path("$.paging.next.after"))),
            ("next".into(), MetaSource::Link("next".into())),
        ],
        ..Extract::default()
    };
    list.paging = Some(Paging {
        cursor_param: Some("after".into()),
        limit_param: Some("limit".into()),
        next: NextCursor::Path(path("$.paging.next.after")),
        has_more: None,
        default_limit: None,
    });
    list
}

fn get() -> Operation {
    let mut get = operation(Action::Get, Method::GET, "/contacts/{id}");
    get.parameters = vec![parameter("id", Location::Path, ValueType::String)];
    get
}

fn create() -> Operation {
    let mut create = operation(Action::Create, Method::POST, "/contacts");
    let field = |name: &str, required, default| BodyField {
        name: name.into(),
        required,
        value_type: ValueType::Any,
        nullable: false,
        allowed: vec![],
        default,
    };
    create.body = Body::Json(Fields {
        fields: vec![field("email", true, None), field("kind", false, Some(json!("person")))],
        open: None,
        array: false,
        content_type: "application/json".into(),
    });
    create
}

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
fn everything_wrong_is_said_at_once() {
    let mut get = get();
    get.parameters.push(crate::plan::Parameter {
        allowed: vec![json!("a"), json!("b")],
        ..parameter("kind", Location::Query, ValueType::String)
    });
    get.parameters.push(parameter("size", Location::Query, ValueType::Integer));
    let fault =
        call_on(plan(vec![get]), json!({"id": " ", "kind": "c", "size": "ten", "sise": 1})).err().unwrap();
    assert_eq!(fault.kind, FaultKind::InvalidParams);
    let mut codes: Vec<(&str, &str)> =
        fault.errors.iter().map(|error| (error.name.as_str(), error.code)).collect();
    codes.sort_unstable();
    assert_eq!(codes, [("id", "missing"), ("kind", "enum"), ("sise", "unknown"), ("size", "type")]);
    assert!(fault.message.contains("did you mean \"size\""), "{}", fault.message);
    assert_eq!(fault.errors.iter().find(|error| error.name == "id").unwrap().pointer, "/params/id");
}

#[test]
fn limit_is_always_accepted_and_cursor_only_where_something_pages() {
    let mut machine = call_on(plan(vec![get()]), json!({"id": "1", "limit": 5})).unwrap();
    assert_eq!(machine.url(), "https://api.acme.example/v1/contacts/1");
    assert_eq!(
        call_on(plan(vec![get()]), json!({"id": "1", "cursor": "x"})).err().unwrap().kind,
        FaultKind::NotPageable
    );
    assert_eq!(
        call_on(plan(vec![list()]), json!({"cursor": "x", "after": "y"})).err().unwrap().errors[0].code,
        "conflict"
    );
    assert!(call_on(plan(vec![list()]), json!({"cursor": ""})).is_err());
}

#[test]
fn path_values_stay_in_their_segment() {
    let mut machine = call_on(plan(vec![get()]), json!({"id": "a/b?c#d%2e é"})).unwrap();
    assert_eq!(machine.url(), "https://api.acme.example/v1/contacts/a%2Fb%3Fc%23d%252e%20%C3%A9");
    for bad in ["..", ".", "%2e%2e", "%252e%252e", "..%2f", "a/../b", ".\t.", "..\\"] {
        let fault = call_on(plan(vec![get()]), json!({"id": bad})).err();
        assert_eq!(fault.map(|fault| fault.errors[0].code), Some("invalid"), "{bad:?}");
    }
}

#[test]
fn bodies_begin_with_defaults_and_drop_nulls() {
    let mut machine = call_on(plan(vec![create()]), json!({"email": {"a": null}, "kind": null})).unwrap();
    let request = machine.start();
    assert_eq!(request.body.as_ref(), br#"{"kind":"person","email":{"a":null}}"#);
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(call_on(plan(vec![create()]), json!({})).err().unwrap().errors[0].code, "missing");
}

#[test]
fn styles_of_lists_and_maps() {
    let mut list = operation(Action::List, Method::GET, "/x");
    let styled = |name: &str, style, value_type| crate::plan::Parameter {
        style,
        ..parameter(name, Location::Query, value_type)
    };
    let texts = || ValueType::Array(Box::new(ValueType::Any));
    list.parameters = vec![
        styled("c", ParamStyle::Comma, texts()),
        styled("p", ParamStyle::Pipe, texts()),
        styled("d", ParamStyle::DeepObject, ValueType::Object),
    ];
    let mut machine = call_on(
        plan(vec![list]),
        json!({"d": {"gte": 1, "no": null, "l": [1, 2], "m": {"x": true}}, "p": [1, 2], "c": ["a", "b"]}),
    )
    .unwrap();
    assert_eq!(
        machine.url(),
        "https://api.acme.example/v1/x?d%5Bgte%5D=1&d%5Bl%5D=1&d%5Bl%5D=2&d%5Bm%5D%5Bx%5D=true&p=1%7C2&c=a%2Cb"
    );
}

#[test]
fn repeatable_operations_are_tried_three_times_within_the_deadline() {
    let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
    machine.start();
    for _ in 0..2 {
        let Step::Wait(delay) = machine.answer(503, &[], "") else { panic!() };
        assert!(delay < Duration::from_secs(1));
        sent(machine.call.on(Event::Waited, Duration::ZERO));
    }
    let fault = failed(machine.answer(503, &[("retry-after", "9")], "busy"));
    assert_eq!(
        (fault.kind, fault.upstream_status, fault.retryable, fault.retry_after),
        (FaultKind::UpstreamError, Some(503), true, Some(Duration::from_secs(9)))
    );
    let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
    machine.start();
    let Step::Wait(delay) = machine.answer(429, &[("retry-after", "7")], "") else { panic!() };
    assert_eq!(delay, Duration::from_secs(7));
    machine.elapsed = Duration::from_secs(25);
    assert_eq!(failed(machine.answer(429, &[("retry-after", "7")], "")).kind, FaultKind::UpstreamRateLimited);
}

#[test]
fn writes_are_not_repeated() {
    let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
    machine.start();
    assert_eq!(failed(machine.answer(503, &[], "")).kind, FaultKind::UpstreamError);
    machine.start();
    let fault = failed(machine.call.on(Event::Unreachable(Unreachable::Broken), Duration::ZERO));
    assert!(!fault.retryable && fault.message.contains("may have been carried out"), "{}", fault.message);
}

#[test]
fn one_refresh_whatever_the_method_and_then_no_more() {
    let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
    let first = machine.start();
    assert!(matches!(machine.answer(401, &[], ""), Step::Refresh));
    let second = sent(machine.call.on(Event::Refreshed(None), Duration::ZERO));
    assert_eq!((first.url, first.body), (second.url, second.body));
    assert_eq!(failed(machine.answer(401, &[], r#"{"message":"expired"}"#)).kind, FaultKind::Unauthorized);
}

#[test]
fn a_renewed_environment_moves_the_call() {
    let mut moved = plan(vec![list()]);
    moved.server.url = "https://eu.acme.example/v2".into();
    let target = Arc::new(Target::new(&moved, &Environment::default()).unwrap());
    let mut machine = call_on(plan(vec![list()]), json!({"limit": 1})).unwrap();
    machine.start();
    machine.answer(401, &[], "");
    assert_eq!(
        sent(machine.call.on(Event::Refreshed(Some(target)), Duration::ZERO)).url.as_str(),
        "https://eu.acme.example/v2/contacts?limit=1"
    );
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
    let invalid = Response {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{\"a\":\"\xff\"}"),
    };
    assert_eq!(
        failed(machine.call.on(Event::Response(invalid), Duration::ZERO)).kind,
        FaultKind::UpstreamError
    );
}

#[test]
fn redirects_stay_on_listed_hosts_and_drop_the_credential() {
    let mut listed = plan(vec![list()]);
    listed.hosts = vec![HostPattern::Exact("files.acme.example".into())];
    let mut machine = call_on(listed, json!({})).unwrap();
    machine.start();
    let hop = sent(machine.answer(302, &[("location", "https://files.acme.example/x")], ""));
    assert!(!hop.credential && hop.url.as_str() == "https://files.acme.example/x");
    let back = sent(machine.answer(307, &[("location", "https://api.acme.example/v1/y")], ""));
    assert!(back.credential);
    sent(machine.answer(301, &[("location", "/v1/z")], ""));
    assert_eq!(
        failed(machine.answer(301, &[("location", "/v1/q")], "")).kind,
        FaultKind::UpstreamRedirectRefused
    );
    for evil in [
        "https://api.acme.example.evil/v1",
        "http://api.acme.example/v1",
        "//evil.example",
        "https://api.acme.example@evil.example/",
    ] {
        let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
        machine.start();
        assert_eq!(
            failed(machine.answer(302, &[("location", evil)], "")).kind,
            FaultKind::UpstreamRedirectRefused,
            "{evil}"
        );
    }
    let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
    machine.start();
    assert_eq!(
        failed(machine.answer(303, &[("location", "/v1/y")], "")).kind,
        FaultKind::UpstreamRedirectRefused
    );
}

fn download(file_url: Option<&str>) -> Plan {
    let mut download = operation(Action::Download, Method::GET, "/files/{id}");
    download.parameters = vec![
        parameter("id", Location::Path, ValueType::String),
        crate::plan::Parameter {
            default: Some(json!("media")),
            ..parameter("alt", Location::Query, ValueType::String)
        },
    ];
    download.download = Some(Download { file_url: file_url.map(str::to_owned) });
    Plan { hosts: vec![HostPattern::Suffix("cdn.example".into())], ..plan(vec![download]) }
}

#[test]
fn a_download_in_one_step_is_handed_on() {
    let mut machine = call_on(download(None), json!({"id": "7", "range_header": "bytes=0-9"})).unwrap();
    let request = machine.start();
    assert!(
        request.stream
            && request.url.as_str().ends_with("/files/7?alt=media")
            && request.headers["range"] == "bytes=0-9"
    );
    let headers = HeaderMap::from_iter([(
        http::header::CONTENT_DISPOSITION,
        "attachment; filename=\"a.pdf\"".parse().unwrap(),
    )]);
    let Step::Done(Answer { result: Payload::Stream(head), .. }) =
        machine.call.on(Event::Head(StatusCode::PARTIAL_CONTENT, headers), Duration::ZERO)
    else {
        panic!()
    };
    assert_eq!(
        (head.status.as_u16(), head.file_name.as_str(), head.content_type.as_str()),
        (206, "a.pdf", "application/octet-stream")
    );
    assert_eq!(
        call_on(download(None), json!({"id": "7", "range_header": "x"})).err().unwrap().kind,
        FaultKind::InvalidParams
    );
}

#[test]
fn a_download_in_two_steps_shows_the_credential_to_the_api_only() {
    let second = |location: &str| {
        let mut machine = call_on(download(Some("file.urls[0]")), json!({"id": "7"})).unwrap();
        assert!(!machine.start().stream);
        machine.answer(200, &[], &json!({"file": {"urls": [location]}}).to_string())
    };
    let own = sent(second("https://api.acme.example/v1/raw/7"));
    assert!(own.credential && own.stream);
    assert_eq!(sent(second("raw/7")).url.as_str(), "https://api.acme.example/v1/raw/7");
    assert!(!sent(second("https://a.cdn.example/x?sig=a%2Fb")).credential);
    assert!(!sent(second("https://api.acme.example/v10/raw")).credential);
    for evil in [
        "https://api.acme.example.evil/v1",
        "http://169.254.169.254/",
        "//evil.example/x",
        "file:///etc/passwd",
    ] {
        assert_eq!(failed(second(evil)).kind, FaultKind::UpstreamBlocked, "{evil}");
    }
    assert_eq!(failed(second("")).kind, FaultKind::UpstreamError);
}

#[test]
fn a_chunk_as_json() {
    let mut machine = call_on(download(None), json!({"id": "7", "_airbyte_response_type": "json"})).unwrap();
    let request = machine.start();
    assert!(!request.stream && request.headers["range"] == "bytes=0-49151");
    let (chunk, _) = done(machine.answer(206, &[("content-range", "bytes 0-1/2")], "hi"));
    assert_eq!(
        chunk,
        json!({"content": "aGk=", "encoding": "base64", "bytes_returned": 2, "range_requested": "bytes=0-49151", "next_range_header": null, "has_more": false, "content_type": null})
    );
}

#[test]
fn next_links_offsets_and_pages() {
    let page = |cursor_param: Option<&str>, next, default_limit| {
        Some(Paging {
            cursor_param: cursor_param.map(str::to_owned),
            limit_param: Some("limit".into()),
            next,
            has_more: None,
            default_limit,
        })
    };
    let cursor = |paging, params: Value, body: &str| {
        let mut machine = call_on(plan(vec![Operation { paging, ..list() }]), params).unwrap();
        machine.start();
        done(machine.answer(
            200,
            &[("link", "<https://api.acme.example/v1/contacts?after=a%26b&limit=2>; rel=next")],
            body,
        ))
        .1["end_cursor"]
            .clone()
    };
    let two = r#"{"results":[{},{}],"next":"/v1/contacts?x=1"}"#;
    assert_eq!(
        cursor(page(Some("after"), NextCursor::Link("next".into()), None), json!({}), two),
        json!("a&b")
    );
    assert_eq!(
        cursor(page(None, NextCursor::Url(path("$.next")), None), json!({}), two),
        json!("/v1/contacts?x=1")
    );
    assert_eq!(
        cursor(
            page(None, NextCursor::Url(path("$.next")), None),
            json!({}),
            r#"{"next":"https://evil.example/x"}"#
        ),
        json!(null)
    );
    assert_eq!(
        cursor(page(Some("after"), NextCursor::Offset, None), json!({"after": "4", "limit": 2}), two),
        json!("6")
    );
    assert_eq!(cursor(page(Some("after"), NextCursor::Offset, Some(3)), json!({}), two), json!(null));
    assert_eq!(cursor(page(Some("after"), NextCursor::Page, Some(2)), json!({}), two), json!("2"));
    let mut machine = call_on(
        plan(vec![Operation { paging: page(None, NextCursor::Url(path("$.next")), None), ..list() }]),
        json!({"cursor": "/v1/contacts?x=1"}),
    )
    .unwrap();
    assert_eq!(machine.url(), "https://api.acme.example/v1/contacts?x=1");
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "https://api.acme.example@evil.example/",
        "https://api.acme.example:444/",
        "\\\\evil.example",
    ] {
        let fault = call_on(
            plan(vec![Operation { paging: page(None, NextCursor::Url(path("$.next")), None), ..list() }]),
            json!({"cursor": evil}),
        );
        assert!(fault.is_err(), "{evil}");
    }
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
fn unknown_names_are_answered_with_the_known_ones() {
    let plan = plan(vec![list()]);
    assert_eq!(find_operation(&plan, "contacts", "list").unwrap(), 0);
    let fault = find_operation(&plan, "contact", "list").err().unwrap();
    assert!(fault.kind == FaultKind::UnknownEntity && fault.message.contains("did you mean \"contacts\""));
    let fault = find_operation(&plan, "contacts", "lst").err().unwrap();
    assert!(fault.kind == FaultKind::UnknownAction && fault.message.contains("list"));
}
