//! What a request carries that its caller did not write: defaults, configuration, the shape of its body.

use super::*;
use crate::plan::{GraphqlBody, ParamStyle, Parameter, Scoping, Template};

/// The first request of a call on a server with this configuration.
fn configured(plan: Plan, configuration: Value, params: Value) -> Unsigned {
    let environment = Environment(object(configuration).into_iter().collect());
    let target = Target::new(&plan, &environment).unwrap();
    let plan = Arc::new(plan);
    let mut call =
        Call::new(plan, Arc::new(target), 0, object(params), Shaping::default(), settings()).unwrap();
    sent(call.start())
}

fn query(request: &Unsigned) -> &str {
    request.url.query().unwrap_or_default()
}

fn defaulted(name: &str, location: Location, required: bool, default: &str) -> Parameter {
    Parameter { required, default: Some(json!(default)), ..parameter(name, location, ValueType::String) }
}

fn free_field(name: &str, default: Option<Value>) -> BodyField {
    BodyField {
        name: name.into(),
        required: false,
        value_type: ValueType::Any,
        nullable: false,
        allowed: vec![],
        default,
    }
}

fn json_fields(fields: Vec<BodyField>) -> Fields {
    Fields { fields, open: None, array: false, content_type: "application/json".into() }
}

#[test]
fn given_values_come_first_and_optional_defaults_are_sent_on_downloads_only() {
    let with_defaults = |action| {
        let mut operation = operation(action, Method::GET, "/x");
        operation.parameters = vec![
            defaulted("alt", Location::Query, false, "media"),
            defaulted("version", Location::Query, true, "2 b"),
            parameter("q", Location::Query, ValueType::String),
        ];
        plan(vec![operation])
    };
    let list = configured(with_defaults(Action::List), json!({}), json!({"q": "a~b c"}));
    assert_eq!(query(&list), "q=a~b+c&version=2+b");
    let download = configured(with_defaults(Action::Download), json!({}), json!({"q": "a"}));
    assert_eq!(query(&download), "q=a&alt=media&version=2+b");
}

#[test]
fn lists_joined_by_spaces() {
    let mut list = operation(Action::List, Method::GET, "/x");
    let numbers = ValueType::Array(Box::new(ValueType::Integer));
    list.parameters =
        vec![Parameter { style: ParamStyle::Space, ..parameter("ids", Location::Query, numbers) }];
    assert_eq!(query(&configured(plan(vec![list]), json!({}), json!({"ids": [1, 2]}))), "ids=1+2");
}

#[test]
fn configuration_is_mapped_exactly_then_by_upper_case_or_says_nothing() {
    let mut list = operation(Action::List, Method::GET, "/x");
    let map = [("US".to_owned(), json!("ATVP")), ("de".to_owned(), json!("A1PA"))].into_iter().collect();
    list.parameters = vec![Parameter {
        inject: Some(("country".into(), map)),
        ..parameter("market", Location::Query, ValueType::String)
    }];
    for (country, params, expected) in [
        ("us", json!({}), "market=ATVP"),
        ("de", json!({}), "market=A1PA"),
        ("DE", json!({}), ""),
        ("us", json!({"market": "mine"}), "market=mine"),
    ] {
        let request = configured(plan(vec![list.clone()]), json!({"country": country}), params);
        assert_eq!(query(&request), expected, "{country}");
    }
}

#[test]
fn scoping_takes_the_only_element_and_what_its_template_says() {
    let mut list = operation(Action::List, Method::GET, "/x");
    list.parameters = vec![parameter("owner", Location::Query, ValueType::String)];
    let source = "{{ value.split('/')[0] if '/' in value else none }}".to_owned();
    let mut scoped = plan(vec![list]);
    scoped.scoping = vec![Scoping {
        param: "owner".into(),
        config_key: "repositories".into(),
        value_template: Some(Template { source, lenient: false }),
    }];
    for (repositories, params, expected) in [
        (json!("acme/site"), json!({}), "owner=acme"),
        (json!(["acme/site"]), json!({}), "owner=acme"),
        (json!(["acme/site", "acme/app"]), json!({}), ""),
        (json!([]), json!({}), ""),
        (json!("acme"), json!({}), ""),
        (json!("acme/site"), json!({"owner": "other"}), "owner=other"),
    ] {
        let mut plan = plan(scoped.operations.clone());
        plan.scoping.clone_from(&scoped.scoping);
        let request = configured(plan, json!({"repositories": repositories}), params);
        assert_eq!(query(&request), expected, "{repositories}");
    }
}

#[test]
fn header_defaults_are_always_sent_and_a_declared_content_type_wins() {
    let mut create = create();
    create.parameters = vec![
        defaulted("X-Version", Location::Header, false, "2026-01"),
        defaulted("Content-Type", Location::Header, false, "application/vnd.acme+json"),
    ];
    let request = configured(plan(vec![create.clone()]), json!({}), json!({"email": "a"}));
    assert_eq!(request.headers["x-version"], "2026-01");
    assert_eq!(request.headers.get_all("content-type").iter().count(), 1);
    assert_eq!(request.headers["content-type"], "application/vnd.acme+json");
    let request = configured(plan(vec![create]), json!({}), json!({"email": "a", "X-Version": "1"}));
    assert_eq!(request.headers["x-version"], "1");
}

#[test]
fn a_body_may_be_one_element_of_a_list_take_any_name_or_be_absent() {
    let with = |fields| {
        let mut update = operation(Action::Update, Method::PATCH, "/x");
        update.parameters = vec![parameter("id", Location::Query, ValueType::String)];
        update.body = Body::Json(fields);
        plan(vec![update])
    };
    let body = |fields, params| {
        String::from_utf8(configured(with(fields), json!({}), params).body.to_vec()).unwrap()
    };
    let fields = || json_fields(vec![free_field("b", Some(json!(1))), free_field("a", None)]);
    assert_eq!(body(fields(), json!({"a": "é"})), r#"{"b":1,"a":"é"}"#);
    assert_eq!(body(Fields { array: true, ..fields() }, json!({"a": 2})), r#"[{"b":1,"a":2}]"#);
    let open = Fields { open: Some(vec!["id".into(), "sobjectType".into()]), ..json_fields(vec![]) };
    assert_eq!(body(open.clone(), json!({"Name": "x", "id": "7"})), r#"{"Name":"x"}"#);
    let nothing = configured(with(open), json!({}), json!({"id": "7"}));
    assert!(nothing.body.is_empty() && !nothing.headers.contains_key("content-type"));
}

#[test]
fn query_parameters_of_graphql_are_variables_too() {
    let mut search = operation(Action::Search, Method::POST, "/graphql");
    search.parameters = vec![parameter("first", Location::Query, ValueType::Integer)];
    search.body = Body::Graphql(Box::new(GraphqlBody {
        query: "query($n: Int) { list(n: $n) { {{ fields }} } }".into(),
        variables: Some(json!({"n": "{{ first }}"})),
        operation_name: None,
        default_fields: Some(json!("id")),
        nullable: vec![],
        fields: vec![],
    }));
    let request = configured(plan(vec![search]), json!({}), json!({"first": 3, "fields": ["id", "a.b"]}));
    assert_eq!(query(&request), "first=3");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["variables"], json!({"n": 3}));
    let text: String = body["query"].as_str().unwrap().split_whitespace().collect();
    assert_eq!(text, "query($n:Int){list(n:$n){ida{b}}}");
}
