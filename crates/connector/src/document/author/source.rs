//! A vendor's own OpenAPI document, as it came.
//!
//! Knows JSON and YAML, OpenAPI's version and where references lead. Must not know what becomes of it.

use super::super::yaml::{Limits, parse_within};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Largest document that is read, in bytes.
pub const MAX_BYTES: usize = 20 << 20;
const LIMITS: Limits = Limits { bytes: MAX_BYTES, depth: 128, nodes: 3_000_000 };
/// Longest chain of references.
const MAX_REFERENCES: usize = 16;

/// The document.
pub(super) struct Source {
    pub(super) root: Value,
}

impl Source {
    /// Reads JSON or YAML. Errors say what is wrong with it and what would be right.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("the document has {} bytes; at most {MAX_BYTES} are read", text.len()));
        }
        let text = text.trim_start_matches('\u{feff}');
        let root = if text.trim_start().starts_with('{') {
            // Not by the reader of YAML: JSON writes characters above U+FFFF as two escapes.
            serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?
        } else {
            let found = parse_within(text, LIMITS);
            let first = |problems: Vec<_>| problems.first().map(ToString::to_string).unwrap_or_default();
            found.map_err(first)?.to_json()
        };
        check_version(&root)?;
        Ok(Self { root })
    }

    /// Follows `$ref` inside the document; `None` where it leads nowhere or to another file.
    pub(super) fn resolve<'s>(&'s self, value: &'s Value) -> Option<&'s Value> {
        let mut value = value;
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Some(value) };
            let pointer = percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
            value = self.root.pointer(&pointer)?;
        }
        None
    }
}

fn check_version(root: &Value) -> Result<(), String> {
    let version = |key: &str| match root.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    if let Some(version) = version("swagger") {
        return Err(format!(
            "the document is Swagger {version}; OpenAPI 3.0 and 3.1 are read. Convert it first, for example with \
             `npx swagger2openapi FILE --outfile openapi.json`"
        ));
    }
    match version("openapi") {
        Some(version) if version.starts_with("3.0") || version.starts_with("3.1") => Ok(()),
        Some(version) => Err(format!("the document is OpenAPI {version}; 3.0 and 3.1 are read")),
        None => {
            Err("not an OpenAPI document: it has no key \"openapi\" with a version such as 3.0.3".to_owned())
        }
    }
}

/// Text under a key.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// Entries of a map under a key.
pub(super) fn entries<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// [`entries`] of a map that is known to be one.
pub(super) fn entries_of<'v>(
    map: &'v serde_json::Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = (&'v String, &'v Value)> {
    map.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// Items of a list under a key.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether a key is `true`.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

/// A text for people in one line: without mark-up, its first `most` characters, whole words.
pub(super) fn prose(text: &str, most: usize) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        match after.split_once('>') {
            Some((tag, behind))
                if tag.starts_with('/') || tag.starts_with(|c: char| c.is_ascii_alphabetic()) =>
            {
                plain.push(' ');
                rest = behind;
            }
            _ => {
                plain.push('<');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    let plain = without_links(&plain);
    let mut short = String::new();
    for word in plain.split_whitespace() {
        if short.chars().count() + word.chars().count() >= most {
            short.push_str(" …");
            break;
        }
        short.push_str(if short.is_empty() { "" } else { " " });
        short.push_str(word);
    }
    short.trim().to_owned()
}

/// `[words](address)` is `words`.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let words = before.rfind('[').filter(|open| !before.get(*open..).unwrap_or_default().contains('\n'));
        match (words, after.split_once(')')) {
            (Some(open), Some((_, behind))) => {
                plain.push_str(before.get(..open).unwrap_or_default());
                plain.push_str(before.get(open + 1..).unwrap_or_default());
                rest = behind;
            }
            _ => {
                plain.push_str(before);
                plain.push_str("](");
                rest = after;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let refused = |text: &str| Source::read(text).err().unwrap();
        assert!(refused("swagger: '2.0'").contains("swagger2openapi"));
        assert!(refused("{\"swagger\": 2.0}").contains("Swagger 2.0"));
        assert!(refused("openapi: 4.0.0").contains("OpenAPI 4.0.0"));
        assert!(refused("a: 1").contains("no key \"openapi\""));
        assert!(refused("{\"openapi\": }").contains("not valid JSON"));
        assert!(refused("openapi: 3.0.0\na: [\n").starts_with("3:1: error: not valid YAML"));
        assert!(Source::read("openapi: 3.1").is_ok() && Source::read(" {\"openapi\": \"3.0.3\"}").is_ok());
    }

    #[test]
    fn references() {
        let text = r##"{"openapi": "3.0.0", "paths": {"/a b": {"x": 1}}, "b": {"$ref": "#/paths/~1a%20b"},
            "loop": {"$ref": "#/loop"}, "far": {"$ref": "other.yaml#/x"}}"##;
        let source = Source::read(text).unwrap();
        let resolve = |key: &str| source.resolve(&source.root[key]);
        assert_eq!(resolve("b").unwrap()["x"], 1);
        assert!(resolve("loop").is_none() && resolve("far").is_none());
    }

    #[test]
    fn prose_is_one_line() {
        assert_eq!(prose("<p>A <b>bold</b>\n word, 1 < 2</p>", 80), "A bold word, 1 < 2");
        assert_eq!(prose("one two three", 9), "one two …");
        assert_eq!(
            prose("See [the docs](https://example.com/a) and [1](x), [2] (y) ](", 80),
            "See the docs and 1, [2] (y) ]("
        );
    }
}
