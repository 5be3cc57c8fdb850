//! Tiny documents, and the first request of a call on them.
//!
//! Knows how a document is put together and a call is begun. Must not know what is right.

use keybearer_connector::call::{
    Call, Environment, Fault, Settings, Shaping, Step, Target, Unsigned, find_operation,
};
use keybearer_connector::document::{Additions, Definition, Problem, load};
use keybearer_connector::plan::Plan;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// When all calls begin.
pub(crate) const NOW: &str = "2026-03-04T05:06:07Z";

/// A document of a connector "Tiny Notes" with one bearer scheme and the operations that a test adds.
pub(crate) struct Document {
    /// More lines of `info`, each with two spaces before it.
    pub(crate) info: String,
    /// The server, as a flow map.
    pub(crate) server: String,
    /// All lines of `components`.
    pub(crate) components: String,
    /// All lines of `paths`.
    pub(crate) paths: String,
    /// More root keys.
    pub(crate) root: String,
}

impl Document {
    pub(crate) fn new() -> Self {
        Self {
            info: String::new(),
            server: "{url: https://api.example.com/v1}".to_owned(),
            components: "  securitySchemes: {token: {type: http, scheme: bearer}}\n".to_owned(),
            paths: String::new(),
            root: String::new(),
        }
    }

    /// With an operation `POST /notes` and so on; `members` are those of a flow map.
    pub(crate) fn with(mut self, line: &str, entity_action: &str, members: &str) -> Self {
        let (method, path) = line.split_once(' ').unwrap();
        let (entity, action) = entity_action.split_once('.').unwrap();
        let method = method.to_lowercase();
        let more = if members.is_empty() { "" } else { ", " };
        let operation = format!(
            "{{x-airbyte-entity: {entity}, x-airbyte-action: {action}, responses: {{\"200\": {{description: OK}}}}{more}{members}}}"
        );
        self.paths += &["  \"", path, "\":\n    ", &method, ": ", &operation, "\n"].concat();
        self
    }

    /// With one `GET /notes` that lists notes by these parameters.
    pub(crate) fn listing(parameters: &str) -> Self {
        Self::new().with("GET /notes", "notes.list", &format!("parameters: [{parameters}]"))
    }

    /// With one `POST /notes` that has a body of this media type and schema.
    pub(crate) fn writing(media_type: &str, schema: &str) -> Self {
        let body = format!("requestBody: {{content: {{{media_type}: {{schema: {schema}}}}}}}");
        Self::new().with("POST /notes", "notes.create", &body)
    }

    pub(crate) fn info(mut self, line: &str) -> Self {
        self.info += &["  ", line, "\n"].concat();
        self
    }

    pub(crate) fn source(&self) -> String {
        let Self { info, server, components, paths, root } = self;
        format!(
            "openapi: 3.1.0\ninfo:\n  title: Tiny Notes\n  version: 1.0.0\n  x-airbyte-connector-definition-id: 7a1e0c55-4a3b-4c0e-8f11-2b6d9a90c3d4\n{info}servers:\n  - {server}\n{root}components:\n{components}paths:\n{paths}"
        )
    }

    pub(crate) fn loaded(&self) -> Definition {
        load(&self.source(), &Additions::none()).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    /// What a call on the first operation sends, without configuration.
    pub(crate) fn sends(&self, params: Value) -> Unsigned {
        self.tries(Value::Null, params).unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    /// What a call on the first operation sends, with this configuration.
    pub(crate) fn tries(&self, configuration: Value, params: Value) -> Result<Unsigned, Fault> {
        let plan = self.loaded().plan;
        let first = format!("{}.{}", plan.operations[0].entity, plan.operations[0].action.name());
        match begin(&plan, configuration, &first, params)? {
            (_, Step::Send(unsigned)) => Ok(unsigned),
            (_, other) => panic!("expected a request, got {other:?}"),
        }
    }

    /// The query of that request.
    pub(crate) fn query(&self, configuration: Value, params: Value) -> String {
        let sent = self.tries(configuration, params).unwrap_or_else(|fault| panic!("{fault:?}"));
        sent.url.query().unwrap_or_default().to_owned()
    }

    /// The codes of the refusal, with the parameters' names.
    pub(crate) fn refuses(&self, params: Value) -> Vec<String> {
        let fault = self.tries(Value::Null, params).unwrap_err();
        fault.errors.iter().map(|error| format!("{} {}", error.name, error.code)).collect()
    }
}

/// A begun call of an operation (`notes.list`) and its first step.
pub(crate) fn begin(
    plan: &Arc<Plan>,
    configuration: Value,
    operation: &str,
    params: Value,
) -> Result<(Call, Step), Fault> {
    let environment = Environment::accept(plan, &object(configuration)).unwrap();
    let (entity, action) = operation.split_once('.').unwrap();
    started(plan, &environment, entity, action, object(params))
}

/// The same with values that nobody checked.
pub(crate) fn started(
    plan: &Arc<Plan>,
    environment: &Environment,
    entity: &str,
    action: &str,
    params: Map<String, Value>,
) -> Result<(Call, Step), Fault> {
    let target = Arc::new(Target::new(plan, environment).unwrap());
    let operation = find_operation(plan, entity, action)?;
    let settings = Settings {
        max_attempts: 3,
        retry_base_delay: Duration::from_millis(100),
        deadline: Duration::from_secs(30),
        now: NOW.parse().unwrap(),
        random: 7,
    };
    let (plan, shaping) = (Arc::clone(plan), Shaping::default());
    let mut call = Call::new(plan, target, operation, params, shaping, settings)?;
    let step = call.start();
    Ok((call, step))
}

/// All problems of a source, warnings of a good one too.
pub(crate) fn problems(source: &str) -> Vec<Problem> {
    load(source, &Additions::none()).map_or_else(|problems| problems, |definition| definition.warnings)
}

/// The members of a map; of null none.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        other => panic!("{other} is no map"),
    }
}
