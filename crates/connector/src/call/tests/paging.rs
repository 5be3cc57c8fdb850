//! Cursors: next links, offsets, pages, and cursors inside objects.

use super::*;

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
    assert_eq!(
        cursor(page(Some("after"), NextCursor::Page { first: 1 }, Some(2)), json!({}), two),
        json!("2")
    );
    assert_eq!(
        cursor(page(Some("after"), NextCursor::Page { first: 0 }, Some(2)), json!({}), two),
        json!("1")
    );
    let mut machine = call_on(
        plan(vec![Operation { paging: page(None, NextCursor::Url(path("$.next")), None), ..list() }]),
        json!({"cursor": "/v1/contacts?x=1"}),
    )
    .unwrap();
    assert_eq!(machine.url(), "https://api.acme.example/v1/contacts?x=1");
    for evil in [
        "/admin/users/7/delete",
        "/v1/admin/users/7/delete",
        "/v1/contacts/7/delete",
        "/v1/contacts/7",
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

/// The cursor after a page of the list, which pages by `after` and `limit`.
fn next_of(next: NextCursor, has_more: Option<&str>, params: Value, body: &str) -> Value {
    let paging = Paging {
        cursor_param: Some("after".into()),
        limit_param: Some("limit".into()),
        next,
        has_more: has_more.map(path),
        default_limit: None,
    };
    let mut machine = call_on(plan(vec![Operation { paging: Some(paging), ..list() }]), params).unwrap();
    machine.start();
    done(machine.answer(200, &[], body)).1["end_cursor"].clone()
}

#[test]
fn the_last_record_continues() {
    let last = || NextCursor::Path(path("$.results[*].id"));
    let next = |more: Option<&str>, params, body: &str| next_of(last(), more, params, body);
    let two = r#"{"results":[{"id":"a"},{"id":"b"}],"has_more":true}"#;
    assert_eq!(next(Some("$.has_more"), json!({}), two), json!("b"));
    assert_eq!(next(Some("$.has_more"), json!({}), &two.replace("true", "false")), json!(null));
    assert_eq!(
        next(Some("$.has_more"), json!({"limit": 100}), two),
        json!("b"),
        "the provider's word counts"
    );
    assert_eq!(next(None, json!({"limit": 2}), two), json!("b"));
    assert_eq!(next(None, json!({"limit": 3}), two), json!(null), "a page that is not full is the last");
    assert_eq!(next(None, json!({}), r#"{"results":[]}"#), json!(null));
}

#[test]
fn a_list_of_links_continues_with_the_next_one() {
    let next = |body: &str| next_of(NextCursor::Url(path("$.links")), None, json!({}), body);
    let links = r#"{"results":[{}],"links":[{"rel":"self","href":"/v1/contacts?after=1"},{"rel":"next","href":"https://elsewhere.example/x?after=2"}]}"#;
    assert_eq!(next(links), json!("2"));
    assert_eq!(next(&links.replace("\"next\"", "\"last\"")), json!(null));
    assert_eq!(next(r#"{"results":[{}],"links":[7,null]}"#), json!(null));
}

#[test]
fn a_page_never_leads_to_itself() {
    let body = r#"{"results":[{}],"next":"/v1/contacts?after=9"}"#;
    let next = |params| next_of(NextCursor::Url(path("$.next")), None, params, body);
    assert_eq!(next(json!({"after": "8"})), json!("9"));
    assert_eq!(next(json!({"after": "9"})), json!(null));
}

#[test]
fn a_link_never_continues_what_writes() {
    let mut search = create();
    search.action = Action::Search;
    search.paging = Some(Paging {
        cursor_param: None,
        limit_param: None,
        next: NextCursor::Url(path("$.next")),
        has_more: None,
        default_limit: None,
    });
    for cursor in ["/v1/contacts?page=2", "/admin/users/7/delete"] {
        let fault =
            call_on(plan(vec![search.clone()]), json!({"email": "a", "cursor": cursor})).err().unwrap();
        assert_eq!(fault.errors[0].name, "cursor");
    }
    let mut machine = call_on(plan(vec![search]), json!({"email": "a"})).unwrap();
    machine.start();
    let answer = machine.answer(200, &[], r#"{"results":[],"next":"/v1/contacts?page=2"}"#);
    assert_eq!(done(answer).1["end_cursor"], json!(null));
}

#[test]
fn limits_say_their_range() {
    let mut list = list();
    list.parameters[0].name = "per_page".into();
    list.paging.as_mut().unwrap().limit_param = Some("per_page".into());
    for limit in ["0", "-1", "10000000000000000000000000000000000000000"] {
        let limit: Value = serde_json::from_str(limit).unwrap();
        let fault = call_on(plan(vec![list.clone()]), json!({ "limit": limit })).err().unwrap();
        assert_eq!(
            fault.errors[0].message,
            "\"limit\" must be a whole number from 1 to 18446744073709551615"
        );
    }
}

#[test]
fn limit_and_cursor_inside_an_object() {
    let mut search = create();
    search.action = Action::Search;
    if let Body::Json(fields) = &mut search.body {
        fields.fields.push(BodyField {
            name: "pagination".into(),
            value_type: ValueType::Object,
            required: false,
            nullable: false,
            allowed: vec![],
            default: None,
        });
    }
    search.paging = Some(Paging {
        cursor_param: Some("pagination.after".into()),
        limit_param: Some("pagination.size".into()),
        next: NextCursor::Offset,
        has_more: None,
        default_limit: None,
    });
    let mut machine =
        call_on(plan(vec![search.clone()]), json!({"email": "a", "limit": 2, "pagination": {"after": 4}}))
            .unwrap();
    assert_eq!(
        machine.start().body.as_ref(),
        br#"{"kind":"person","email":"a","pagination":{"size":2,"after":4}}"#
    );
    assert_eq!(done(machine.answer(200, &[], "[{},{}]")).1["end_cursor"], json!("6"));
    let both = call_on(plan(vec![search]), json!({"email": "a", "limit": 2, "pagination": {"size": 3}}));
    assert_eq!(both.err().unwrap().errors[0].code, "conflict");
}
