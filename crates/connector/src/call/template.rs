//! Renders a definition's templates: a Jinja subset with the few Python methods that definitions use.
//!
//! Knows expressions, fuel, and the time it is given. Must not know what a text is for. There is no I/O, no include,
//! and values are data: what they contain is never rendered again.

use crate::plan::Template;
use jiff::Timestamp;
use minijinja::value::{Rest, Value as JinjaValue, ValueKind, from_args};
use minijinja::{Environment as Jinja, Error, ErrorKind, UndefinedBehavior};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Instructions that one rendering may take.
const FUEL: u64 = 100_000;
/// Longest text that one rendering may give, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// A template that could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// A template made ready to be rendered many times.
pub(crate) struct Renderer {
    jinja: Jinja<'static>,
}

impl Renderer {
    /// Compiles a template; `now` is what `now_utc()` says in it.
    pub(crate) fn new(template: &Template, now: Timestamp) -> Result<Self, TemplateError> {
        let mut jinja = Jinja::new();
        jinja.set_fuel(Some(FUEL));
        jinja.set_undefined_behavior(if template.lenient {
            UndefinedBehavior::Chainable
        } else {
            UndefinedBehavior::Strict
        });
        jinja.set_unknown_method_callback(|_, value, method, args| call_method(value, method, args));
        // Times are seconds since 1970 and durations seconds, so that their sums and differences are plain arithmetic.
        jinja.add_function("now_utc", move || now.as_second());
        jinja.add_function("duration", |text: String| seconds(&text));
        jinja.add_function("day_delta", move |days: i64, format: Option<String>| {
            let then = now.as_second().saturating_add(days.saturating_mul(86_400));
            strftime(then, &format.unwrap_or_else(|| "%Y-%m-%dT%H:%M:%SZ".to_owned()))
        });
        jinja.add_function("max", |values: Rest<JinjaValue>| first(&values, |a, b| b.cmp(a)));
        jinja.add_function("min", |values: Rest<JinjaValue>| first(&values, JinjaValue::cmp));
        jinja.add_template_owned("text", template.source.clone()).map_err(|error| wrong(template, &error))?;
        Ok(Self { jinja })
    }

    /// The text over these names.
    pub(crate) fn render(&self, names: BTreeMap<String, JinjaValue>) -> Result<String, TemplateError> {
        let text =
            self.jinja.get_template("text").and_then(|compiled| compiled.render(JinjaValue::from(names)));
        match text {
            Ok(text) if text.len() <= MAX_TEXT => Ok(text),
            Ok(_) => Err(TemplateError("a template gives more than 1 MB of text".to_owned())),
            Err(error) => Err(TemplateError(explain(&error))),
        }
    }
}

impl Template {
    /// The text over these values, once.
    pub(crate) fn render<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, &'a Value)>,
        now: Timestamp,
    ) -> Result<String, TemplateError> {
        let names = values.into_iter().map(|(name, value)| (name.to_owned(), jinja_value(value))).collect();
        Renderer::new(self, now)?.render(names)
    }
}

fn wrong(template: &Template, error: &Error) -> TemplateError {
    TemplateError(format!("the template {:?} is no valid expression: {}", template.source, explain(error)))
}

/// What an error says, without the template's values.
fn explain(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
}

/// A JSON value as templates see it. Numbers that fit no machine number stay text, exactly.
pub(crate) fn jinja_value(value: &Value) -> JinjaValue {
    match value {
        Value::Null => JinjaValue::from(()),
        Value::Bool(flag) => JinjaValue::from(*flag),
        Value::Number(number) => number
            .as_i64()
            .map(JinjaValue::from)
            .or_else(|| number.as_u64().map(JinjaValue::from))
            .or_else(|| {
                number.as_f64().filter(|_| number.to_string().contains(['.', 'e', 'E'])).map(JinjaValue::from)
            })
            .unwrap_or_else(|| JinjaValue::from(number.to_string())),
        Value::String(text) => JinjaValue::from(text.as_str()),
        Value::Array(items) => JinjaValue::from(items.iter().map(jinja_value).collect::<Vec<_>>()),
        Value::Object(members) => JinjaValue::from(
            members
                .iter()
                .map(|(name, value)| (name.clone(), jinja_value(value)))
                .collect::<BTreeMap<_, _>>(),
        ),
    }
}

/// The Python methods that published definitions call.
fn call_method(value: &JinjaValue, method: &str, args: &[JinjaValue]) -> Result<JinjaValue, Error> {
    let unknown = || Error::from(ErrorKind::UnknownMethod);
    if value.kind() == ValueKind::Number && method == "strftime" {
        let (format,): (&str,) = from_args(args)?;
        let seconds = i64::try_from(value.clone()).map_err(|_| unknown())?;
        return strftime(seconds, format).map(JinjaValue::from);
    }
    if value.kind() == ValueKind::Map && method == "get" {
        let (name, default): (&str, Option<JinjaValue>) = from_args(args)?;
        let found = value.get_attr(name)?;
        return Ok(if found.is_undefined() {
            default.unwrap_or_else(|| JinjaValue::from(()))
        } else {
            found
        });
    }
    let text = value.as_str().ok_or_else(unknown)?;
    Ok(match method {
        "lower" => JinjaValue::from(text.to_lowercase()),
        "upper" => JinjaValue::from(text.to_uppercase()),
        "strip" => {
            let (of,): (Option<&str>,) = from_args(args)?;
            JinjaValue::from(of.map_or_else(|| text.trim(), |of| text.trim_matches(|c| of.contains(c))))
        }
        "split" => {
            let (by,): (Option<&str>,) = from_args(args)?;
            let parts =
                by.map_or_else(|| text.split_whitespace().collect(), |by| text.split(by).collect::<Vec<_>>());
            JinjaValue::from(parts.into_iter().map(JinjaValue::from).collect::<Vec<_>>())
        }
        "startswith" => JinjaValue::from(text.starts_with(from_args::<(&str,)>(args)?.0)),
        "endswith" => JinjaValue::from(text.ends_with(from_args::<(&str,)>(args)?.0)),
        "replace" => {
            let (from, to): (&str, &str) = from_args(args)?;
            JinjaValue::from(text.replace(from, to))
        }
        _ => return Err(unknown()),
    })
}

/// The first in an order, of several arguments or of one list.
fn first(
    values: &[JinjaValue],
    order: impl Fn(&JinjaValue, &JinjaValue) -> Ordering,
) -> Result<JinjaValue, Error> {
    let none = || Error::new(ErrorKind::MissingArgument, "max and min need a value");
    let found = match values {
        [list] => list.try_iter()?.min_by(order),
        several => several.iter().cloned().min_by(|left, right| order(left, right)),
    };
    found.ok_or_else(none)
}

/// Seconds since 1970 in a `strftime` format, UTC.
fn strftime(seconds: i64, format: &str) -> Result<String, Error> {
    let invalid = |what: String| Error::new(ErrorKind::InvalidOperation, what);
    let time = Timestamp::from_second(seconds).map_err(|_| invalid("a time is out of range".to_owned()))?;
    jiff::fmt::strtime::format(format, time).map_err(|_| invalid(format!("{format:?} is no time format")))
}

/// Seconds of an ISO 8601 duration of days, hours, minutes and seconds: `P730D`, `PT1H`.
fn seconds(text: &str) -> Result<i64, Error> {
    let invalid = || {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("{text:?} is no ISO 8601 duration such as P7D or PT1H"),
        )
    };
    let span: jiff::Span = text.parse().map_err(|_| invalid())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    span.total((jiff::Unit::Second, days))
        .ok()
        .and_then(|seconds| format!("{seconds:.0}").parse().ok())
        .ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn render(source: &str, lenient: bool, values: &Value) -> Result<String, TemplateError> {
        let template = Template { source: source.to_owned(), lenient };
        let now = "2026-03-04T05:06:07Z".parse().unwrap();
        template.render(values.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value)), now)
    }

    #[test]
    fn what_published_definitions_write() {
        let values = json!({"value": "owner/name", "record": {"isPrivate": false, "resource_name": "customers/1"}, "is_sandbox": "true", "n": 12_345_678_901_234_567_890_u64});
        let cases = [
            ("{{ value.split('/')[0] }}", "owner"),
            ("{{ value.split('/')[1] if '/' in value else none }}", "name"),
            ("{{ not record.isPrivate }}", "True"),
            ("{{ record.resource_name | replace('customers/', '') }}", "1"),
            (
                "https://{{ 'test' if is_sandbox in [true, 'true'] else 'login' }}.salesforce.com",
                "https://test.salesforce.com",
            ),
            ("{{ (now_utc() - duration('P730D')).strftime('%Y-%m-%dT%H:%M:%SZ') }}", "2024-03-04T05:06:07Z"),
            ("{{ now_utc().strftime('%Y%m%d') }}", "20260304"),
            ("{{ day_delta(-180, '%Y-%m-%d') }}", "2025-09-05"),
            ("{{ value|upper }}{{ value.lower() }}", "OWNER/NAMEowner/name"),
            ("{{ n }}", "12345678901234567890"),
            ("{{ max(now_utc() - duration('P1D'), 0).strftime('%Y-%m-%d') }}", "2026-03-03"),
            ("{{ min(3, 12, 7) }} {{ max([3, 12, 7]) }}", "3 12"),
            (
                "{{ max(now_utc() - duration('P1W'), now_utc() - duration('PT36H')).strftime('%Y-%m-%d') }}",
                "2026-03-02",
            ),
            ("{{ min([3, 1, 2]) }}{{ min(2, 1.5) }}", "11.5"),
            ("{{ value.strip('eo') }}", "wner/nam"),
        ];
        for (source, expected) in cases {
            assert_eq!(
                render(source, false, &values).unwrap().to_lowercase(),
                expected.to_lowercase(),
                "{source}"
            );
        }
    }

    #[test]
    fn values_are_data_and_undefined_names_are_errors_unless_lenient() {
        assert_eq!(render("{{ a }}", false, &json!({"a": "{{ b }}", "b": "secret"})).unwrap(), "{{ b }}");
        assert!(render("{{ a.b }}", false, &json!({})).is_err());
        assert!(
            render("{{ max() }}", false, &json!({})).is_err()
                && render("{{ min(3) }}", false, &json!({})).is_err()
        );
        assert_eq!(render("x{{ a.b }}y", true, &json!({})).unwrap(), "xy");
    }

    #[test]
    fn fuel_ends_loops_and_nothing_is_included() {
        assert!(
            render(
                "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
                false,
                &json!({})
            )
            .is_err()
        );
        assert!(render("{% include 'secrets' %}", false, &json!({})).is_err());
    }
}
