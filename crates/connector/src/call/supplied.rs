//! Values that the caller need not give: from configuration and from the definition's defaults.
//!
//! Knows scoping, injection and defaults. Must not know what the caller may give.

use super::environment::Environment;
use super::fault::{Fault, FaultKind};
use super::target::Target;
use super::template::TemplateError;
use super::{coerce, json};
use crate::plan::{Operation, Parameter, Plan, Scoping, Template};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Fills parameters that the operation declares, the caller did not give, and configuration scopes.
pub(super) fn scope(
    plan: &Plan,
    operation: &Operation,
    target: &Target,
    values: &mut Map<String, Value>,
    now: Timestamp,
) -> Result<(), Fault> {
    for scoping in &plan.scoping {
        let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.name == scoping.param)
        else {
            continue;
        };
        if values.contains_key(&scoping.param) {
            continue;
        }
        let value = scoped(scoping, &target.environment, now).map_err(|error| broken(&error))?;
        if let Some(value) = value.and_then(|value| coerce::coerce(value, &parameter.value_type).ok()) {
            values.insert(scoping.param.clone(), value);
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
