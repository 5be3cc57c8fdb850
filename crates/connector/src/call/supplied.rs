//! Values that the caller need not give: from configuration and from the definition's defaults.
//!
//! Knows scoping, injection and defaults. Must not know what the caller may give.

use super::environment::Environment;
use super::fault::{Fault, FaultKind, ParamError};
use super::json;
use super::params::fit_named;
use super::target::Target;
use super::template::TemplateError;
use crate::plan::{Location, Operation, Parameter, Plan, Scoping, Template};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Fills parameters and body properties that the operation declares, the caller did not give, and configuration scopes.
/// A value that does not fit is an error: left out, it would list what it was to keep out.
pub(super) fn scope(
    plan: &Plan,
    operation: &Operation,
    target: &Target,
    values: &mut Map<String, Value>,
    errors: &mut Vec<ParamError>,
    now: Timestamp,
) -> Result<(), Fault> {
    for scoping in &plan.scoping {
        let name = &scoping.param;
        if values.contains_key(name) || !operation.takes(name) {
            continue;
        }
        let value = scoped(scoping, &target.environment, now).map_err(|error| broken(&error))?;
        match value.and_then(|value| fit_named(operation, name, name, &value)) {
            Some(Ok(value)) => {
                values.insert(name.clone(), value);
            }
            Some(Err(error)) => {
                let message = format!("{}: this is from the connector's configuration", error.message);
                errors.push(ParamError { message, ..error });
            }
            None => {}
        }
    }
    Ok(())
}

/// A path leaves no value out, so that what is not given there is its default.
pub(super) fn path_defaults(
    operation: &Operation,
    target: &Target,
    values: &mut Map<String, Value>,
    now: Timestamp,
) -> Result<(), Fault> {
    for parameter in operation.parameters.iter().filter(|one| one.location == Location::Path) {
        if let (false, Some(given)) = (values.contains_key(&parameter.name), &parameter.default) {
            values.insert(parameter.name.clone(), default(given, target, now)?);
        }
    }
    Ok(())
}

/// One element of a list stands for itself; none or several decide nothing.
fn scoped(
    scoping: &Scoping,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<Value>, TemplateError> {
    match environment.value(&scoping.config_key) {
        Some(Value::Array(items)) if items.len() > 1 => Ok(None),
        _ => first(scoping, environment, now),
    }
}

/// What scoping gives to a check, where the first element of a list stands for all of them.
pub(super) fn sample(
    scoping: &Scoping,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<Value>, Fault> {
    first(scoping, environment, now).map_err(|error| broken(&error))
}

fn first(
    scoping: &Scoping,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<Value>, TemplateError> {
    let value = match environment.value(&scoping.config_key) {
        Some(Value::Array(items)) => items.first(),
        other => other,
    };
    let Some(value) = value else { return Ok(None) };
    let Some(template) = &scoping.value_template else { return Ok(Some(value.clone())) };
    let config = environment.config();
    let param = Value::String(scoping.param.clone());
    let text = template.render([("value", value), ("config", &config), ("param", &param)], now)?;
    let text = text.trim();
    Ok(if matches!(text, "" | "None" | "none" | "null") {
        None
    } else {
        Some(Value::String(text.to_owned()))
    })
}

/// What configuration says for a parameter: mapped exactly, then by upper case; values that are not mapped say nothing.
pub(super) fn injected(parameter: &Parameter, target: &Target) -> Option<Value> {
    let (key, map) = parameter.inject.as_ref()?;
    let value = target.environment.value(key)?;
    if map.is_empty() {
        return Some(value.clone());
    }
    let text = json::text(value);
    map.get(&text).or_else(|| map.get(&text.to_uppercase())).cloned()
}

/// A definition's default; one that is a template is rendered first.
pub(super) fn default(default: &Value, target: &Target, now: Timestamp) -> Result<Value, Fault> {
    match default {
        Value::String(source) if source.contains("{{") => {
            rendered(source, &target.environment, now).map(Value::String).map_err(|error| broken(&error))
        }
        other => Ok(other.clone()),
    }
}

/// A value that a check computes.
pub(super) fn computed(
    template: &Template,
    environment: &Environment,
    now: Timestamp,
) -> Result<Value, Fault> {
    rendered(&template.source, environment, now).map(Value::String).map_err(|error| broken(&error))
}

fn rendered(source: &str, environment: &Environment, now: Timestamp) -> Result<String, TemplateError> {
    let config = environment.config();
    let template = Template { source: source.to_owned(), lenient: false };
    template.render(
        environment.0.iter().map(|(name, value)| (name.as_str(), value)).chain([("config", &config)]),
        now,
    )
}

/// The definition is at fault, not the caller.
fn broken(error: &TemplateError) -> Fault {
    Fault::new(FaultKind::UpstreamError, format!("the definition's template could not be rendered: {error}"))
}
