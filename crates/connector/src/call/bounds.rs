//! Checks a value against the bounds that its definition asks for.
//!
//! Knows ranges, patterns and formats. Must not know types, which are checked before.

use super::fault::ParamError;
use crate::plan::{Bounds, Format};
use serde_json::Value;
use url::Url;

/// What is wrong with a value that has its type; the text says what would be right.
pub(super) fn fault(name: &str, bounds: &Bounds, value: &Value) -> Option<ParamError> {
    let (code, message) = match value {
        Value::Array(items) => items_fault(bounds, items)
            .map(|message| ("range", message))
            .or_else(|| items.iter().find_map(|item| scalar_fault(bounds, item)))?,
        scalar => scalar_fault(bounds, scalar)?,
    };
    Some(ParamError::new(name, code, format!("{name:?} {message}")))
}

fn items_fault(bounds: &Bounds, items: &[Value]) -> Option<String> {
    let count = items.len() as u64;
    match (bounds.min_items, bounds.max_items) {
        (Some(least), _) if count < least => Some(format!("must have at least {least} items")),
        (_, Some(most)) if count > most => Some(format!("must have at most {most} items")),
        _ => None,
    }
}

fn scalar_fault(bounds: &Bounds, value: &Value) -> Option<(&'static str, String)> {
    match value {
        Value::Number(number) => range(bounds, number.as_f64()?).map(|message| ("range", message)),
        Value::String(text) => text_fault(bounds, text),
        _ => None,
    }
}

fn range(bounds: &Bounds, number: f64) -> Option<String> {
    let wrong = |bound: Option<f64>, bad: fn(f64, f64) -> bool, words: &str| {
        bound.filter(|bound| bad(number, *bound)).map(|bound| format!("must be {words} {bound}"))
    };
    wrong(bounds.minimum, |number, bound| number < bound, "at least")
        .or_else(|| wrong(bounds.maximum, |number, bound| number > bound, "at most"))
        .or_else(|| wrong(bounds.above, |number, bound| number <= bound, "more than"))
        .or_else(|| wrong(bounds.below, |number, bound| number >= bound, "less than"))
}

fn text_fault(bounds: &Bounds, text: &str) -> Option<(&'static str, String)> {
    let length = text.chars().count() as u64;
    if let Some(least) = bounds.min_length.filter(|least| length < *least) {
        return Some(("range", format!("must have at least {least} characters")));
    }
    if let Some(most) = bounds.max_length.filter(|most| length > *most) {
        return Some(("range", format!("must have at most {most} characters")));
    }
    if let Some(pattern) = bounds.pattern.as_ref().filter(|pattern| !pattern.is_in(text)) {
        return Some(("pattern", format!("must match {}", pattern.as_str())));
    }
    let format = bounds.format.filter(|format| !is_of(*format, text))?;
    Some(("format", format!("must be {}", words(format))))
}

fn is_of(format: Format, text: &str) -> bool {
    match format {
        Format::Date => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        Format::DateTime => text.contains(['T', 't']) && text.parse::<jiff::Timestamp>().is_ok(),
        Format::Email => text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace) && !host.contains('@')
        }),
        Format::Uuid => {
            let parts: Vec<usize> = text.split('-').map(str::len).collect();
            parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
        }
        Format::Uri => Url::parse(text).is_ok(),
    }
}

fn words(format: Format) -> &'static str {
    match format {
        Format::Date => "a date such as 2026-01-31",
        Format::DateTime => "a time such as 2026-01-31T09:30:00Z",
        Format::Email => "an email address such as ada@example.com",
        Format::Uuid => "a UUID such as 3f1c7a52-0d7e-4b8e-9c55-1a2b3c4d5e6f",
        Format::Uri => "an absolute URL such as https://example.com/a",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Pattern;
    use serde_json::json;

    fn message(bounds: &Bounds, value: &Value) -> Option<String> {
        fault("x", bounds, value).map(|error| format!("{} {}", error.code, error.message))
    }

    #[test]
    fn ranges() {
        let bounds = Bounds { minimum: Some(1.0), maximum: Some(100.0), ..Bounds::default() };
        assert_eq!(message(&bounds, &json!(1)), None);
        assert_eq!(message(&bounds, &json!(0)).unwrap(), "range \"x\" must be at least 1");
        assert_eq!(message(&bounds, &json!(100.5)).unwrap(), "range \"x\" must be at most 100");
        assert_eq!(message(&bounds, &json!([5, 200])).unwrap(), "range \"x\" must be at most 100");
        let open = Bounds { above: Some(0.0), below: Some(1.0), ..Bounds::default() };
        assert!(message(&open, &json!(0)).is_some() && message(&open, &json!(1)).is_some());
        assert_eq!(message(&open, &json!(0.5)), None);
        let items = Bounds { min_items: Some(1), max_items: Some(2), ..Bounds::default() };
        assert!(message(&items, &json!([])).is_some() && message(&items, &json!([1, 2, 3])).is_some());
        assert_eq!(message(&items, &json!([1])), None);
    }

    #[test]
    fn texts() {
        let bounds = Bounds {
            min_length: Some(2),
            max_length: Some(3),
            pattern: Some(Pattern::parse("^[a-zé]+$").unwrap()),
            ..Bounds::default()
        };
        assert_eq!(message(&bounds, &json!("éé")), None);
        for wrong in ["a", "aaaa", "A1"] {
            assert!(message(&bounds, &json!(wrong)).is_some(), "{wrong}");
        }
        for (format, good, bad) in [
            (Format::Date, "2026-02-28", "2026-02-30"),
            (Format::DateTime, "2026-02-28T10:00:00+01:00", "2026-02-28"),
            (Format::Email, "a@b", "a@b@c"),
            (Format::Uuid, "3f1c7a52-0d7e-4b8e-9c55-1a2b3c4d5e6f", "3f1c7a52"),
            (Format::Uri, "https://example.com", "/relative"),
        ] {
            let bounds = Bounds { format: Some(format), ..Bounds::default() };
            assert_eq!(message(&bounds, &json!(good)), None);
            assert!(message(&bounds, &json!(bad)).unwrap().starts_with("format"), "{bad}");
        }
    }
}
