//! The machine as a whole: plans built here, events by hand.

mod answers;
mod files;
mod paging;
mod requests;
mod retries;
mod supplied;

use super::sample::{operation, parameter, plan, settings};
use super::{Call, Environment, Event, Fault, Response, Shaping, Step, Target, Unsigned};
use crate::plan::{
    Action, Body, BodyField, Extract, Fields, JsonPath, Location, MetaSource, NextCursor, Operation, Paging,
    Plan, ValueType,
};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Machine {
    pub(super) call: Call,
    pub(super) elapsed: Duration,
}

pub(super) fn path(text: &str) -> JsonPath {
    JsonPath::parse(text).unwrap()
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

pub(super) fn call_on(plan: Plan, params: Value) -> Result<Machine, Fault> {
    call_shaped(plan, params, Shaping::default())
}

pub(super) fn call_shaped(plan: Plan, params: Value, shaping: Shaping) -> Result<Machine, Fault> {
    let target = Target::new(&plan, &Environment::default()).unwrap();
    let call = Call::new(Arc::new(plan), Arc::new(target), 0, object(params), shaping, settings())?;
    Ok(Machine { call, elapsed: Duration::ZERO })
}

pub(super) fn sent(step: Step) -> Unsigned {
    match step {
        Step::Send(unsigned) => unsigned,
        other => panic!("expected a request, got {other:?}"),
    }
}

pub(super) fn failed(step: Step) -> Fault {
    match step {
        Step::Fail(fault) => fault,
        other => panic!("expected a fault, got {other:?}"),
    }
}

pub(super) fn done(step: Step) -> (Value, Value) {
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
    pub(super) fn start(&mut self) -> Unsigned {
        sent(self.call.start())
    }

    pub(super) fn url(&mut self) -> String {
        self.start().url.to_string()
    }

    pub(super) fn answer(&mut self, status: u16, headers: &[(&'static str, &str)], body: &str) -> Step {
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
pub(super) fn list() -> Operation {
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

pub(super) fn get() -> Operation {
    let mut get = operation(Action::Get, Method::GET, "/contacts/{id}");
    get.parameters = vec![parameter("id", Location::Path, ValueType::String)];
    get
}

pub(super) fn create() -> Operation {
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
