//! Whose account it is: id and name from a token answer or from an operation's result.
//!
//! Knows paths. Must not call anything.

use crate::plan::{JsonPath, Step};
use serde_json::Value;

/// The account behind a grant, as the provider names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
}

/// Longest id or name that is kept, in characters.
const LONGEST: usize = 250;

/// The account in an identity operation's result (the JSON text of the payload). None when there is no id.
pub fn identity_of(id: &JsonPath, name: Option<&JsonPath>, result: &[u8]) -> Option<Account> {
    in_value(id, name, &serde_json::from_slice(result).ok()?)
}

/// The account in a parsed answer.
pub(super) fn in_value(id: &JsonPath, name: Option<&JsonPath>, value: &Value) -> Option<Account> {
    let text = |path: &JsonPath| at(value, &path.steps).and_then(scalar);
    Some(Account { id: text(id)?, name: name.and_then(text) })
}

/// The first value at a path.
pub(super) fn at<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    let Some((first, rest)) = steps.split_first() else { return Some(value) };
    match (first, value) {
        (Step::Name(name), Value::Object(members)) => at(members.get(name)?, rest),
        (Step::Index(index), Value::Array(items)) => at(items.get(*index)?, rest),
        (Step::Every, Value::Array(items)) => items.iter().find_map(|item| at(item, rest)),
        (Step::Every, Value::Object(members)) => members.values().find_map(|member| at(member, rest)),
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text: String = text.chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    (!text.trim().is_empty()).then_some(text)
}
