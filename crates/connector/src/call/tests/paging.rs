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
