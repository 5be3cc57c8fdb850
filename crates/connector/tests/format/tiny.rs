//! Tiny definitions, and calls on them by hand.
//!
//! Knows what every definition must have. Must not know what a test is about.

use crate::support::started;
use http::{HeaderMap, HeaderName, StatusCode};
use keybearer_connector::call::{Call, Environment, Event, Fault, Response, Step, Unsigned};
use keybearer_connector::document::{Additions, load};
use keybearer_connector::plan::Plan;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A definition of these parts over what every definition has: a bearer token, where they do not say otherwise. It must
/// be good.
pub(crate) fn plan(parts: &Value) -> Arc<Plan> {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tiny", "version": "1.0.0",
            "x-airbyte-connector-definition-id": "0a1b2c3d-0000-4000-8000-000000000003",
        },
        "servers": [{"url": "https://api.example.com/v1"}],
        "paths": {},
    });
    merge(&mut document, parts);
    if document["components"].is_null() {
        document["components"] = json!({"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}});
    }
    load(&document.to_string(), &Additions::none()).unwrap_or_else(|problems| panic!("{problems:#?}")).plan
}

/// A definition of one operation, `things` under `/things`.
pub(crate) fn with(method: &str, action: &str, more: &Value) -> Arc<Plan> {
    plan(&json!({"paths": {"/things": {method: operation("things", action, more)}}}))
}

/// An operation of an entity.
pub(crate) fn operation(entity: &str, action: &str, more: &Value) -> Value {
    let mut operation = json!({
        "x-airbyte-entity": entity, "x-airbyte-action": action, "responses": {"200": {"description": "OK"}},
    });
    merge(&mut operation, more);
    operation
}

/// Objects grow, anything else is replaced.
fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

/// Values of a connector.
pub(crate) fn environment(values: &Value) -> Environment {
    Environment(values.as_object().unwrap().clone().into_iter().collect())
}

/// A begun call and its first request.
pub(crate) fn begin(
    plan: &Arc<Plan>,
    (entity, action): (&str, &str),
    params: &Value,
    configuration: &Value,
) -> Result<(Call, Unsigned), Fault> {
    let params = params.as_object().unwrap().clone();
    let (call, step) = started(plan, &environment(configuration), entity, action, params)?;
    Ok((call, sent(step)))
}

/// The first request.
pub(crate) fn request(plan: &Arc<Plan>, action: &str, params: &Value) -> Unsigned {
    begin(plan, ("things", action), params, &json!({})).unwrap_or_else(|fault| panic!("{fault:?}")).1
}

pub(crate) fn sent(step: Step) -> Unsigned {
    match step {
        Step::Send(unsigned) => unsigned,
        other => panic!("expected a request, got {other:?}"),
    }
}

pub(crate) fn failed(step: Step) -> Fault {
    match step {
        Step::Fail(fault) => fault,
        other => panic!("expected a fault, got {other:?}"),
    }
}

/// Result and metadata.
pub(crate) fn done(step: Step) -> (Value, Value) {
    let Step::Done(answer) = step else { panic!("expected an answer, got {step:?}") };
    let mut meta = Vec::new();
    answer.meta.write(&mut meta);
    (serde_json::from_slice(answer.result.json().unwrap()).unwrap(), serde_json::from_slice(&meta).unwrap())
}

/// What a call does with an answer.
pub(crate) fn answer(call: &mut Call, status: u16, headers: &[(&'static str, &str)], body: &str) -> Step {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
    let status = StatusCode::from_u16(status).unwrap();
    call.on(Event::Response(Response { status, headers, body: body.to_owned().into() }), Duration::ZERO)
}
