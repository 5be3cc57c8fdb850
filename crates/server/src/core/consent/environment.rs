//! Values that a connector's URLs need: checked when given, pinned to the grant, and not contradicted later.
//!
//! Knows declared variables. Must not know flows.

use crate::core::call::field_error;
use crate::core::error::{Error, FieldError, Result};
use keybearer_connector::call::Environment;
use keybearer_connector::plan::Plan;
use serde_json::{Map, Value};

/// Checks given values against the plan's declared variables; `field` names them in errors.
pub fn accept_environment(plan: &Plan, given: &Map<String, Value>, field: &str) -> Result<Environment> {
    Environment::accept(plan, given)
        .map_err(|errors| Error::invalid(errors.iter().map(|error| field_error(field, error)).collect()))
}

/// 422 for required variables without a value.
pub fn check_missing(plan: &Plan, environment: &Environment) -> Result<()> {
    let missing = environment.missing(plan);
    if missing.is_empty() {
        return Ok(());
    }
    let field = |name: String| FieldError {
        field: format!("environment.{name}"),
        message: "is required by this connector".to_owned(),
        code: "missing",
    };
    Err(Error::invalid(missing.into_iter().map(field).collect()))
}

/// Later values over pinned ones: new names are added, a contradiction is refused.
pub fn merge_pinned(pinned: &Map<String, Value>, later: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut merged = pinned.clone();
    let mut wrong = Vec::new();
    for (name, value) in later {
        match merged.get(name) {
            Some(known) if text(known) != text(value) => wrong.push(FieldError {
                field: format!("environment.{name}"),
                message: "contradicts the value that was given at initiate".to_owned(),
                code: "conflict",
            }),
            _ => {
                merged.insert(name.clone(), value.clone());
            }
        }
    }
    if wrong.is_empty() { Ok(merged) } else { Err(Error::invalid(wrong)) }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
