//! Mends a value's type where nothing is lost: `"10"` for 10, 10 for `"10"`.
//!
//! Knows types and enums. Must not know where the value goes.

use super::json;
use crate::plan::ValueType;
use serde_json::{Number, Value};

/// A value of the type, or what would be right.
pub(super) fn coerce(value: Value, wanted: &ValueType) -> Result<Value, String> {
    match (wanted, value) {
        (ValueType::String, value @ (Value::Number(_) | Value::Bool(_))) => {
            Ok(Value::String(json::text(&value)))
        }
        (ValueType::Any, value)
        | (_, value @ Value::Null)
        | (ValueType::String, value @ Value::String(_))
        | (ValueType::Number, value @ Value::Number(_))
        | (ValueType::Boolean, value @ Value::Bool(_))
        | (ValueType::Object, value @ Value::Object(_)) => Ok(value),
        (ValueType::Integer, Value::Number(given)) => match whole(given.as_str()) {
            Some(digits) if digits == given.as_str() => Ok(Value::Number(given)),
            digits => digits.and_then(number).ok_or_else(|| must_be(wanted, &Value::Number(given))),
        },
        (ValueType::Integer, Value::String(text)) => {
            whole(text.trim()).and_then(number).ok_or_else(|| must_be(wanted, &Value::String(text)))
        }
        (ValueType::Number, Value::String(text)) => {
            number(text.trim()).ok_or_else(|| must_be(wanted, &Value::String(text)))
        }
        (ValueType::Boolean, Value::String(text)) => match text.trim() {
            "true" | "True" => Ok(Value::Bool(true)),
            "false" | "False" => Ok(Value::Bool(false)),
            _ => Err(must_be(wanted, &Value::String(text))),
        },
        (ValueType::Array(item), Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(index, value)| coerce(value, item).map_err(|message| format!("element {index} {message}")))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        (wanted, value) => Err(must_be(wanted, &value)),
    }
}

/// One of the accepted values, mending its type to theirs; for lists each element.
pub(super) fn one_of(value: Value, allowed: &[Value]) -> Result<Value, String> {
    if allowed.is_empty() {
        return Ok(value);
    }
    if let Value::Array(items) = value {
        return items
            .into_iter()
            .map(|item| one_of(item, allowed))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array);
    }
    let text = json::text(&value);
    let exact = allowed.iter().find(|candidate| **candidate == value);
    let found =
        exact.or_else(|| allowed.iter().find(|candidate| !value.is_null() && json::text(candidate) == text));
    found.cloned().ok_or_else(|| {
        let listed = allowed.iter().map(json::text).collect::<Vec<_>>().join(", ");
        format!("must be one of {listed}; it is {}", shown(&value))
    })
}

/// The JSON whole number of a text: digits with an optional minus; a fraction of zeros is left out.
fn whole(text: &str) -> Option<&str> {
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => text,
    };
    let bare = digits.strip_prefix('-').unwrap_or(digits);
    let canonical = bare == "0" || !bare.starts_with('0');
    if bare.is_empty() || !canonical || !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits)
}

/// A JSON number written exactly so.
fn number(text: &str) -> Option<Value> {
    serde_json::from_str::<Number>(text).ok().map(Value::Number)
}

fn must_be(wanted: &ValueType, value: &Value) -> String {
    let wanted = match wanted {
        ValueType::Any => "a value",
        ValueType::String => "text",
        ValueType::Integer => "a whole number",
        ValueType::Number => "a number",
        ValueType::Boolean => "true or false",
        ValueType::Array(_) => "a list",
        ValueType::Object => "an object",
    };
    format!("must be {wanted}; it is {}", shown(value))
}

/// The value, short enough for a message.
fn shown(value: &Value) -> String {
    let text: String = value.to_string().chars().take(60).collect();
    match value {
        Value::Array(_) => format!("the list {text}"),
        Value::Object(_) => format!("the object {text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lossless_only() {
        let cases = [
            (ValueType::Integer, json!("10"), Ok(json!(10))),
            (ValueType::Integer, json!(10.0), Ok(json!(10))),
            (ValueType::Integer, json!("ten"), Err(())),
            (ValueType::Integer, json!(1.5), Err(())),
            (ValueType::Integer, json!("007"), Err(())),
            (ValueType::Integer, json!(true), Err(())),
            (ValueType::String, json!(10), Ok(json!("10"))),
            (ValueType::String, json!(true), Ok(json!("true"))),
            (ValueType::String, json!(["a"]), Err(())),
            (ValueType::Number, json!("1.50"), Ok(serde_json::from_str("1.50").unwrap())),
            (ValueType::Boolean, json!("true"), Ok(json!(true))),
            (ValueType::Boolean, json!(1), Err(())),
            (ValueType::Array(Box::new(ValueType::Integer)), json!(["1", 2]), Ok(json!([1, 2]))),
            (ValueType::Array(Box::new(ValueType::String)), json!("a"), Err(())),
            (ValueType::Object, json!([]), Err(())),
        ];
        for (wanted, value, expected) in cases {
            assert_eq!(coerce(value.clone(), &wanted).map_err(|_| ()), expected, "{wanted:?} {value}");
        }
    }

    #[test]
    fn enums_mend_types_too() {
        assert_eq!(one_of(json!("1"), &[json!(1), json!(2)]), Ok(json!(1)));
        assert_eq!(one_of(json!(["a"]), &[json!("a")]), Ok(json!(["a"])));
        assert_eq!(
            one_of(json!("c"), &[json!("a"), json!("b")]),
            Err("must be one of a, b; it is \"c\"".to_owned())
        );
    }
}
