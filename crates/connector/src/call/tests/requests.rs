//! What parameters become: requests, and refusals before anything is sent.

use super::*;
use crate::call::{FaultKind, find_operation};
use crate::plan::ParamStyle;
use proptest::prelude::*;

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
        styled("e", ParamStyle::DeepObject, texts()),
    ];
    let mut machine = call_on(
        plan(vec![list]),
        json!({"d": {"gte": 1, "no": null, "l": [1, 2], "m": {"x": true}}, "p": [1, 2], "c": ["a", "b"], "e": ["x", "y"]}),
    )
    .unwrap();
    assert_eq!(
        machine.url(),
        "https://api.acme.example/v1/x?d%5Bgte%5D=1&d%5Bl%5D=1&d%5Bl%5D=2&d%5Bm%5D%5Bx%5D=true&p=1%7C2&c=a%2Cb&e%5B%5D=x&e%5B%5D=y"
    );
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

proptest! {
    /// Whatever a path value is: it is refused, or it is exactly one segment of the path, and reads back as given.
    #[test]
    fn any_path_value_stays_one_segment(value in "[./%2eE5cC\\\\;\\t a-c#?@:é]{1,8}") {
        if let Ok(mut machine) = call_on(plan(vec![get()]), json!({"id": value})) {
            let request = machine.start();
            prop_assert!(request.credential);
            prop_assert_eq!(request.url.origin().ascii_serialization(), "https://api.acme.example");
            let segments: Vec<&str> = request.url.path_segments().unwrap().collect();
            prop_assert_eq!(&segments[..2], ["v1", "contacts"]);
            prop_assert_eq!(segments.len(), 3);
            prop_assert_eq!(percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap(), value);
        }
    }

    /// Query values read back as given, in the caller's order.
    #[test]
    fn any_query_value_reads_back(after in any::<String>(), tags in prop::collection::vec(any::<String>(), 0..3)) {
        let mut machine = call_on(plan(vec![list()]), json!({"tags": tags, "after": after})).unwrap();
        let request = machine.start();
        prop_assert_eq!(request.url.path(), "/v1/contacts");
        let pairs: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let tags = tags.into_iter().map(|tag| ("tags".to_owned(), tag));
        prop_assert_eq!(pairs, tags.chain([("after".to_owned(), after)]).collect::<Vec<_>>());
    }
}
