//! Other ways to give a server variable: under the publisher's own name, in its own spelling, or inside a credential.
//!
//! Knows what a plan says about them. Must not know which values are good: the usual checks follow.

use super::environment::Environment;
use super::fault::ParamError;
use super::host::{check_variable, is_label};
use crate::plan::{Plan, Server, ServerVariable};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The longest part of a credential that may become a variable: a name such as `us21`, never a secret half.
const LONGEST_PART: usize = 8;

/// The given values with each alias put under its variable. An error where both say different things.
pub(super) fn renamed<'a>(
    server: &Server,
    given: &'a Map<String, Value>,
) -> Result<Cow<'a, Map<String, Value>>, ParamError> {
    let mut all = Cow::Borrowed(given);
    for alias in &server.aliases {
        let Some(value) = given.get(&alias.name).filter(|value| !value.is_null()) else { continue };
        let value = match value {
            Value::String(text) => {
                let text = text.trim_end_matches('/');
                let inner =
                    text.strip_prefix(&alias.prefix).and_then(|rest| rest.strip_suffix(&alias.suffix));
                Value::from(inner.unwrap_or(text))
            }
            other => other.clone(),
        };
        let all = all.to_mut();
        all.shift_remove(&alias.name);
        if let Some(other) = all.insert(alias.variable.clone(), value.clone())
            && !other.is_null()
            && other != value
        {
            let message =
                format!("{:?} and {:?} say different things; give one of them", alias.name, alias.variable);
            return Err(ParamError::new(&alias.name, "conflict", message));
        }
    }
    Ok(all)
}

/// Fills variables that nobody gave and that the text of a credential tells, such as the data center at the end of an
/// API key.
pub fn derive_variables(plan: &Plan, credentials: &Map<String, Value>, environment: &mut Environment) {
    for derived in &plan.server.derived {
        if environment.value(&derived.variable).is_some() {
            continue;
        }
        let variable = plan.server.variables.iter().find(|variable| variable.name == derived.variable);
        let text = credentials.get(&derived.field).and_then(Value::as_str);
        let part = text.and_then(|text| text.rsplit_once(&derived.delimiter)).map(|(_, part)| part);
        if let (Some(variable), Some(part)) = (variable, part)
            && part.len() <= LONGEST_PART
            && is_label(part)
            && check_variable(variable, part).is_ok()
        {
            environment.0.insert(variable.name.clone(), Value::from(part));
        }
    }
}

/// The value as the variable's list of values spells it.
pub(super) fn listed<'a>(variable: &ServerVariable, value: &'a str) -> Cow<'a, str> {
    match &variable.rendering {
        Some(rendering)
            if !rendering.of_allowed && !variable.allowed.iter().any(|allowed| allowed == value) =>
        {
            rendered(variable, value)
        }
        _ => Cow::Borrowed(value),
    }
}

/// The value as it stands in the URL.
pub(super) fn in_url<'a>(variable: &ServerVariable, value: &'a str) -> Cow<'a, str> {
    match &variable.rendering {
        Some(rendering) if rendering.of_allowed => rendered(variable, value),
        _ => listed(variable, value),
    }
}

/// A template that fails leaves the value, which the checks then judge.
fn rendered<'a>(variable: &ServerVariable, value: &'a str) -> Cow<'a, str> {
    let Some(rendering) = &variable.rendering else { return Cow::Borrowed(value) };
    let given = Value::from(value);
    match rendering.template.render([("value", &given)], Timestamp::UNIX_EPOCH) {
        Ok(text) => Cow::Owned(text.trim().to_owned()),
        Err(_) => Cow::Borrowed(value),
    }
}
