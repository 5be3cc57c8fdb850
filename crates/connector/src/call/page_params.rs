//! `limit` and `cursor`: the caller's two words for paging, put where the provider wants them.
//!
//! Knows an operation's paging. Must not know how the next cursor is found.

use super::fault::{Fault, FaultKind, ParamError};
use super::params::{Accepted, fit_named};
use super::{coerce, json};
use crate::plan::{Operation, Paging, ValueType};
use serde_json::{Map, Value};

/// Takes `limit`: 1 to 2^64 - 1; where the provider has no such parameter nothing is sent.
pub(super) fn take_limit(
    operation: &Operation,
    value: Value,
    accepted: &mut Accepted,
    errors: &mut Vec<ParamError>,
) {
    let limit = match coerce::coerce(value, &ValueType::Integer) {
        Ok(limit) if limit.as_u64().is_some_and(|limit| limit > 0) => limit,
        Ok(_) => {
            let message = format!("\"limit\" must be a whole number from 1 to {}", u64::MAX);
            return errors.push(ParamError::new("limit", "invalid", message));
        }
        Err(message) => return errors.push(ParamError::new("limit", "type", format!("\"limit\" {message}"))),
    };
    if let Some(name) = operation.paging.as_ref().and_then(|paging| paging.limit_param.as_deref()) {
        place(operation, "limit", name, limit, accepted, errors);
    }
}

/// Takes `cursor`, which continues what pages, and is refused elsewhere.
pub(super) fn take_cursor(
    operation: &Operation,
    value: &Value,
    accepted: &mut Accepted,
    errors: &mut Vec<ParamError>,
) -> Result<(), Fault> {
    let Some(paging) = &operation.paging else {
        let message =
            format!("{} {} does not page: leave out \"cursor\"", operation.entity, operation.action.name());
        let errors = vec![ParamError::new("cursor", "unknown", message.clone())];
        return Err(Fault { errors, ..Fault::new(FaultKind::NotPageable, message) });
    };
    let usable = matches!(value, Value::String(_) | Value::Number(_)) && !json::is_blank(value);
    if !usable {
        let message = "\"cursor\" must be the end_cursor of an earlier answer";
        errors.push(ParamError::new("cursor", "invalid", message));
    } else if let Paging { cursor_param: Some(name), .. } = paging {
        place(operation, "cursor", name, Value::String(json::text(value)), accepted, errors);
    } else {
        accepted.next_url = Some(json::text(value));
    }
    Ok(())
}

/// Puts a value under a declared name, or (`pagination.per_page`) inside a declared object.
fn place(
    operation: &Operation,
    given: &str,
    name: &str,
    value: Value,
    accepted: &mut Accepted,
    errors: &mut Vec<ParamError>,
) {
    if let Some(value) = fit_named(operation, given, name, &value) {
        return match value {
            Ok(value) => insert(accepted, errors, given, name, value),
            Err(error) => errors.push(error),
        };
    }
    match name.split_once('.') {
        Some((outer, inner)) => insert(accepted, errors, given, outer, nested(inner, value)),
        None => insert(accepted, errors, given, name, value),
    }
}

/// Sets a parameter. A different second value is a conflict; objects that say different things are joined.
pub(super) fn insert(
    accepted: &mut Accepted,
    errors: &mut Vec<ParamError>,
    given: &str,
    name: &str,
    value: Value,
) {
    let joined = match accepted.values.get_mut(name) {
        Some(other) => join(other, value),
        None => {
            accepted.values.insert(name.to_owned(), value);
            true
        }
    };
    if !joined {
        let message = format!("{given:?} and another parameter both set {name:?}; give one of them");
        errors.push(ParamError::new(given, "conflict", message));
    }
}

/// False when both say something else about the same thing.
fn join(left: &mut Value, right: Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => right.into_iter().all(|(name, value)| {
            let other = left.entry(name).or_insert(Value::Null);
            if other.is_null() {
                *other = value;
                return true;
            }
            join(other, value)
        }),
        (left, right) => *left == right,
    }
}

/// `{"per_page": 1}` for `per_page`, one level for each dot.
pub(super) fn nested(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |value, name| Value::Object(Map::from_iter([(name.to_owned(), value)])))
}

/// The value under a name, or inside an object where the name has dots.
pub(super) fn value_at<'a>(values: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = values.get(name) {
        return Some(value);
    }
    let (outer, inner) = name.split_once('.')?;
    value_at(values.get(outer)?.as_object()?, inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_are_joined_and_contradictions_are_not() {
        let mut page = json!({"per_page": 2, "starting_after": null});
        assert!(join(&mut page, nested("starting_after", json!("x"))));
        assert_eq!(page, json!({"per_page": 2, "starting_after": "x"}));
        assert!(!join(&mut page, nested("per_page", json!(3))));
        let values = Map::from_iter([("pagination".to_owned(), page)]);
        assert_eq!(value_at(&values, "pagination.per_page"), Some(&json!(2)));
        assert_eq!(nested("a.b", json!(1)), json!({"a": {"b": 1}}));
    }
}
