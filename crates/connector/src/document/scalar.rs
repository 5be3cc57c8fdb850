//! Plain YAML scalars by the YAML 1.2 core schema (YAML 1.2.2 section 10.3).
//!
//! Knows which text is which value. Must not know where it stands.

use super::node::Value;

/// A plain scalar's value, or why it has none in JSON.
pub(super) fn resolve(text: &str) -> Result<Value, &'static str> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Err("not-a-number has no place in JSON"),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err("infinity has no place in JSON");
    }
    if let Some(number) = number(text, unsigned) {
        return Ok(Value::Number(number));
    }
    Ok(Value::String(text.to_owned()))
}

fn number(text: &str, unsigned: &str) -> Option<serde_json::Number> {
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Into::into);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Into::into);
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(position) => unsigned.split_at(position),
        None => (unsigned, ""),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction.unwrap_or("")) || whole.len() + fraction.unwrap_or("").len() == 0 {
        return None;
    }
    if !exponent.is_empty() {
        let power = exponent.get(1..)?;
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        if power.is_empty() || !digits(power) {
            return None;
        }
    }
    // JSON wants no leading zeros and digits on both sides of the point.
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.map(|f| if f.is_empty() { ".0".to_owned() } else { format!(".{f}") });
    serde_json::from_str(&format!("{sign}{whole}{}{exponent}", fraction.unwrap_or_default())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        match resolve(text).unwrap() {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => format!("{text:?}"),
            _ => unreachable!("a scalar"),
        }
    }

    #[test]
    fn core_schema() {
        let cases = [
            ("", "null"),
            ("~", "null"),
            ("TRUE", "true"),
            ("yes", "\"yes\""),
            ("on", "\"on\""),
            ("12", "12"),
            ("+12", "12"),
            ("-012", "-12"),
            ("0", "0"),
            ("-0", "-0"),
            ("0o17", "15"),
            ("0xFF", "255"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.0", "1.0"),
            (".5", "0.5"),
            ("5.", "5.0"),
            ("1e3", "1e3"),
            ("1.5E-3", "1.5e-3"),
            (".", "\".\""),
            ("1.2.3", "\"1.2.3\""),
            ("1_000", "\"1_000\""),
            ("12e", "\"12e\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("0o9", "\"0o9\""),
        ];
        for (text, expected) in cases {
            let got = json(text);
            assert_eq!(got.replace("e+", "e"), expected, "{text}");
        }
        assert!(resolve(".nan").is_err() && resolve("-.inf").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,20}") {
            let _ = resolve(&text);
        }

        #[test]
        fn integers_are_exact(text in "-?[1-9][0-9]{0,60}") {
            proptest::prop_assert_eq!(json(&text), text);
        }
    }
}
