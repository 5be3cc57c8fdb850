//! From parameters to the request that would be sent, and values to try.
//!
//! Knows how a call is begun. Must not know what is right.

use http::{HeaderMap, StatusCode};
use keybearer_connector::call::{
    Call, Environment, Event, Fault, Response, Settings, Shaping, Step, Target, Unsigned, find_operation,
};
use keybearer_connector::document::{Additions, load};
use keybearer_connector::plan::Plan;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The compiled `encodings.yaml`.
pub(crate) static PLAN: LazyLock<Arc<Plan>> = LazyLock::new(|| {
    load(include_str!("encodings.yaml"), &Additions::none())
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
        .plan
});

/// A begun call and its first request.
pub(crate) fn begin(
    environment: &Environment,
    operation: (&str, &str),
    params: Value,
) -> Result<(Call, Unsigned), Fault> {
    let target = Target::new(&PLAN, environment).unwrap();
    let operation = find_operation(&PLAN, operation.0, operation.1).unwrap();
    let Value::Object(params) = params else { panic!("parameters are a map") };
    let settings = Settings {
        max_attempts: 1,
        retry_base_delay: Duration::ZERO,
        deadline: Duration::from_secs(30),
        now: jiff::Timestamp::UNIX_EPOCH,
        random: 7,
    };
    let mut call =
        Call::new(Arc::clone(&PLAN), Arc::new(target), operation, params, Shaping::default(), settings)?;
    match call.start() {
        Step::Send(unsigned) => Ok((call, unsigned)),
        other => panic!("expected a request, got {other:?}"),
    }
}

/// The request of an operation without configuration.
pub(crate) fn request(entity: &str, action: &str, params: Value) -> Result<Unsigned, Fault> {
    begin(&Environment::default(), (entity, action), params).map(|(_, unsigned)| unsigned)
}

/// The result of an operation whose provider answers with this body.
pub(crate) fn result(entity: &str, action: &str, body: &Value) -> Value {
    let (mut call, _) = begin(&Environment::default(), (entity, action), Value::Object(Map::new())).unwrap();
    let response =
        Response { status: StatusCode::OK, headers: HeaderMap::new(), body: body.to_string().into() };
    match call.on(Event::Response(response), Duration::ZERO) {
        Step::Done(answer) => serde_json::from_slice(answer.result.json().unwrap()).unwrap(),
        other => panic!("expected a result, got {other:?}"),
    }
}

/// Text that is likely to be read as something else somewhere: separators, escapes, dots, templates, quotes, line ends.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z0-9]{1,4}",
        "[\\PC]{1,3}",
        "[/\\\\?#%&=+;:,.@|()\\[\\]{}\"'<> \\t\r\n\\x00]{1,3}",
        prop::sample::select(vec![
            "..",
            "%2e%2e",
            "%2F",
            "../",
            "..;/",
            "//evil.example",
            "https://evil.example/",
            "\r\nX-Evil: 1",
            "{{ 7*7 }}",
            "{% for x in range(9) %}",
            "${token}",
            "{id}",
            "List(a,b)",
            "(a:b)",
            "&evil=1",
            "\u{feff}",
            "é",
            "\u{202e}",
            "%00",
            "%",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// JSON of hostile texts, some levels deep; no nulls, no empty lists or maps.
pub(crate) fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        hostile().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::vec(("[a-z &=+%é.]{1,5}", inner), 1..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The text of a scalar on the wire.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
