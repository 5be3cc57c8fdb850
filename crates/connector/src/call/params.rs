//! Accepts a caller's parameters: names, required ones, types, enums. Everything wrong is reported at once.
//!
//! Knows what an operation declares. Must not know encodings or URLs; nothing is sent from here.

use super::fault::{Fault, ParamError};
use super::target::Target;
use super::{bounds, coerce, encode, json, page_params, selection, supplied};
use crate::plan::{Action, Body, Location, Operation, Parameter, Plan, ValueType};
use crate::spelling;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Parameters in the caller's order, of the declared types, with `limit` and `cursor` under the provider's names.
#[derive(Debug, Clone, Default)]
pub(super) struct Accepted {
    /// By name. Nulls are gone.
    pub(super) values: Map<String, Value>,
    /// Names that the caller gave as null: some GraphQL variables mean something by it.
    pub(super) nulls: Vec<String>,
    /// A cursor that is itself the URL of the next page.
    pub(super) next_url: Option<String>,
    /// `range_header`, `_airbyte_response_type` and `_airbyte_response_format` of a download.
    pub(super) download: Map<String, Value>,
}

/// Parameters of every download, whatever the definition declares.
const DOWNLOAD_PARAMS: [&str; 3] = ["range_header", "_airbyte_response_type", "_airbyte_response_format"];

/// What a caller may give under one name.
struct Declared<'a> {
    value_type: &'a ValueType,
    allowed: &'a [Value],
}

/// Checks a caller's parameters against an operation.
pub(super) fn accept(
    plan: &Plan,
    operation: &Operation,
    target: &Target,
    params: Map<String, Value>,
    now: Timestamp,
) -> Result<Accepted, Fault> {
    let mut accepted = Accepted::default();
    let mut errors = Vec::new();
    for (name, value) in params {
        if value.is_null() {
            if is_known(operation, &name) {
                accepted.nulls.push(name);
            } else {
                errors.push(unknown(operation, &name));
            }
        } else if operation.action == Action::Download && DOWNLOAD_PARAMS.contains(&name.as_str()) {
            accepted.download.insert(name, value);
        } else {
            take(operation, name, value, &mut accepted, &mut errors)?;
        }
    }
    supplied::scope(plan, operation, target, &mut accepted.values, &mut errors, now)?;
    supplied::path_defaults(operation, target, &mut accepted.values, now)?;
    if let (Body::Graphql(graphql), Some(fields)) = (&operation.body, accepted.values.get("fields")) {
        let fault = selection::fault(fields, &graphql.query);
        errors.extend(fault.map(|message| ParamError::new("fields", "type", message)));
    }
    if accepted.next_url.is_none() {
        require(operation, target, &accepted, &mut errors);
    }
    if errors.is_empty() { Ok(accepted) } else { Err(Fault::params(errors)) }
}

/// Takes one given value: a declared name, `limit`, `cursor`, or an error.
fn take(
    operation: &Operation,
    name: String,
    value: Value,
    accepted: &mut Accepted,
    errors: &mut Vec<ParamError>,
) -> Result<(), Fault> {
    if let Some(declared) = declared(operation, &name) {
        match fit(&name, value, &declared) {
            Ok(value) => {
                let bounds = operation.bounds.get(&name);
                errors.extend(bounds.and_then(|bounds| bounds::fault(&name, bounds, &value)));
                page_params::insert(accepted, errors, &name, &name, value);
            }
            Err(error) => errors.push(error),
        }
        return Ok(());
    }
    match name.as_str() {
        "limit" => page_params::take_limit(operation, value, accepted, errors),
        "cursor" => page_params::take_cursor(operation, &value, accepted, errors)?,
        _ if is_open(operation, &name) => {
            accepted.values.insert(name, value);
        }
        _ => errors.push(unknown(operation, &name)),
    }
    Ok(())
}

/// A value for a declared name; none when the name is not declared.
pub(super) fn fit_named(
    operation: &Operation,
    given: &str,
    name: &str,
    value: &Value,
) -> Option<Result<Value, ParamError>> {
    declared(operation, name).map(|declared| fit(given, value.clone(), &declared))
}

/// The value in the declared type, within the declared enum.
fn fit(name: &str, value: Value, declared: &Declared<'_>) -> Result<Value, ParamError> {
    let wrong = |code| move |message: String| ParamError::new(name, code, format!("{name:?} {message}"));
    let value = coerce::coerce(value, declared.value_type).map_err(wrong("type"))?;
    coerce::one_of(value, declared.allowed).map_err(wrong("enum"))
}

/// Required ones that nothing supplies, and path values that would lead elsewhere.
fn require(operation: &Operation, target: &Target, accepted: &Accepted, errors: &mut Vec<ParamError>) {
    for parameter in &operation.parameters {
        let name = parameter.name.as_str();
        if errors.iter().any(|error| error.name == name) {
            continue;
        }
        let value = accepted.values.get(name);
        let blank = value.is_some_and(json::is_blank);
        let supplied =
            value.is_some() || parameter.default.is_some() || supplied::injected(parameter, target).is_some();
        if (parameter.required || parameter.location == Location::Path) && (blank || !supplied) {
            errors.push(missing(name, blank));
        } else if let Some(message) = value.and_then(|value| misplaced(parameter, value)) {
            errors.push(ParamError::new(name, "invalid", message));
        }
    }
    for field in operation.body_fields().iter().filter(|field| field.required && field.default.is_none()) {
        let value = accepted.values.get(&field.name);
        let blank = value.is_some_and(|value| matches!(value, Value::String(_)) && json::is_blank(value));
        if (blank || value.is_none()) && !errors.iter().any(|error| error.name == field.name) {
            errors.push(missing(&field.name, blank));
        }
    }
}

fn missing(name: &str, blank: bool) -> ParamError {
    ParamError::new(
        name,
        "missing",
        if blank { format!("{name:?} must not be blank") } else { format!("{name:?} is required") },
    )
}

/// Why a value cannot stand in its place.
fn misplaced(parameter: &Parameter, value: &Value) -> Option<String> {
    let name = &parameter.name;
    match parameter.location {
        Location::Path if matches!(value, Value::Array(_) | Value::Object(_)) => {
            Some(format!("{name:?} must be one value, not a list or an object"))
        }
        Location::Path if encode::climbs(&json::text(value)) => {
            Some(format!("{name:?} must not be or contain a \".\" or \"..\" path segment"))
        }
        Location::Header if json::text(value).chars().any(char::is_control) => {
            Some(format!("{name:?} must not contain control characters"))
        }
        _ => None,
    }
}

fn declared<'a>(operation: &'a Operation, name: &str) -> Option<Declared<'a>> {
    let parameter = operation.parameters.iter().find(|parameter| parameter.name == name);
    let parameter = parameter
        .map(|parameter| Declared { value_type: &parameter.value_type, allowed: &parameter.allowed });
    let field = || operation.body_fields().iter().find(|field| field.name == name);
    parameter
        .or_else(|| field().map(|field| Declared { value_type: &field.value_type, allowed: &field.allowed }))
}

/// The body takes any name, and this one is not excepted; or it is the selection of a GraphQL query.
fn is_open(operation: &Operation, name: &str) -> bool {
    match &operation.body {
        Body::Json(fields) | Body::Form(fields) | Body::Related { fields, .. } => {
            fields.open.as_ref().is_some_and(|except| !except.iter().any(|other| other == name))
        }
        Body::Graphql(graphql) => name == "fields" && graphql.query.contains("{{ fields }}"),
        Body::None => false,
    }
}

fn is_known(operation: &Operation, name: &str) -> bool {
    let of_download = operation.action == Action::Download && DOWNLOAD_PARAMS.contains(&name);
    declared(operation, name).is_some()
        || matches!(name, "limit" | "cursor")
        || is_open(operation, name)
        || of_download
}

fn unknown(operation: &Operation, name: &str) -> ParamError {
    let parameters = operation.parameters.iter().map(|parameter| parameter.name.as_str());
    let mut names: Vec<&str> = Vec::new();
    for name in parameters.chain(operation.body_fields().iter().map(|field| field.name.as_str())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if operation.paging.is_some() {
        names.extend(["limit", "cursor"].iter().filter(|name| declared(operation, name).is_none()));
    }
    ParamError::new(name, "unknown", spelling::unknown("parameter", name, names))
}
