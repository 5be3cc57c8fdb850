//! Small JSON writing and reading that several parts of a call need.
//!
//! Knows text forms of values. Must not know parameters or answers.

use serde_json::Value;
use std::borrow::Cow;

/// A JSON string literal.
pub(crate) fn quote(text: &str) -> String {
    // Strings always have a JSON form; the second way is for the type alone.
    serde_json::to_string(text).unwrap_or_else(|_| Value::from(text).to_string())
}

/// The text that a value has in a path, query, header or form: strings bare, numbers exactly as written,
/// `true`/`false`, null empty, lists and maps as compact JSON.
pub(crate) fn text(value: &Value) -> String {
    written(value).into_owned()
}

/// [`text`], copied only where it must be put together.
pub(crate) fn written(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Borrowed(number.as_str()),
        Value::Array(_) | Value::Object(_) => Cow::Owned(value.to_string()),
    }
}

/// Equality as definitions mean it: numbers by value, and `0`/`1` equal `false`/`true`.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        (None, None) => left == right,
        _ => false,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

/// Null, `""`, blank text, `[]` and `{}` say nothing.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn zero_equals_false_and_big_numbers_stay_exact() {
        assert!(same(&json!(0), &json!(false)));
        assert!(same(&json!(1.0), &json!(1)));
        assert!(!same(&json!("0"), &json!(0)));
        let big: Value = serde_json::from_str("123456789012345678901234567890").unwrap();
        assert_eq!(text(&big), "123456789012345678901234567890");
    }
}
