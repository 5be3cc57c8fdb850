//! From a JSON value to YAML text that people edit: block style, short parts in one line, comments above keys.
//!
//! Knows YAML's spelling. Must not know what a value means. The same value gives the same text, and [`super::parse`] reads it back.

use super::node;
use super::scalar;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Longest line that a map or list is put into, in characters.
const WIDTH: usize = 110;
/// Deepest nesting inside one line.
const FLOW_DEPTH: usize = 3;

/// Comments by the JSON pointer (RFC 6901) of what they stand above.
pub(super) type Comments = BTreeMap<String, Vec<String>>;

/// The text of a document. Comments whose pointer leads nowhere are not written.
pub(super) fn yaml(value: &Value, comments: &Comments) -> String {
    let mut writer = Writer { out: String::new(), comments };
    writer.comment("", 0);
    match value {
        Value::Object(map) if !map.is_empty() => writer.map(map, 0, "", false),
        Value::Array(items) if !items.is_empty() => writer.list(items, 0, ""),
        other => {
            writer.out.push_str(&scalar_text(other));
            writer.out.push('\n');
        }
    }
    writer.out
}

/// A pointer one step further.
pub(super) fn pointer(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

struct Writer<'a> {
    out: String,
    comments: &'a Comments,
}

impl Writer<'_> {
    fn indent(&mut self, width: usize) {
        self.out.extend(std::iter::repeat_n(' ', width));
    }

    fn comment(&mut self, at: &str, indent: usize) {
        for line in self.comments.get(at).into_iter().flatten() {
            self.indent(indent);
            self.out.push_str("# ");
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    /// `in_item`: the first key continues a line that begins with `- `.
    fn map(&mut self, map: &Map<String, Value>, indent: usize, at: &str, in_item: bool) {
        for (position, (key, value)) in map.iter().enumerate() {
            let at = pointer(at, key);
            if position > 0 || !in_item {
                self.comment(&at, indent);
                self.indent(indent);
            }
            self.out.push_str(&text(key));
            self.out.push(':');
            self.value(value, indent, &at);
        }
    }

    fn list(&mut self, items: &[Value], indent: usize, at: &str) {
        for (position, item) in items.iter().enumerate() {
            let at = pointer(at, &position.to_string());
            self.comment(&at, indent);
            self.indent(indent);
            self.out.push('-');
            match item {
                Value::Object(map) if !map.is_empty() && self.line(item, indent + 2, &at).is_none() => {
                    self.out.push(' ');
                    self.map(map, indent + 2, &at, true);
                }
                _ => self.value(item, indent, &at),
            }
        }
    }

    /// What follows a key or a `-`: in the same line where it fits, else below.
    fn value(&mut self, value: &Value, indent: usize, at: &str) {
        let used = indent + at.len() - at.rfind('/').unwrap_or(0);
        if let Some(line) = self.line(value, used, at) {
            self.out.push(' ');
            self.out.push_str(&line);
            self.out.push('\n');
            return;
        }
        self.out.push('\n');
        match value {
            Value::Object(map) => self.map(map, indent + 2, at, false),
            Value::Array(items) => self.list(items, indent + 2, at),
            _ => {}
        }
    }

    /// The value in one line: always for scalars, for others where it is short and holds no comment.
    fn line(&self, value: &Value, used: usize, at: &str) -> Option<String> {
        if !matches!(value, Value::Object(_) | Value::Array(_)) {
            return Some(scalar_text(value));
        }
        let inside = format!("{at}/");
        let after = (Bound::Included(inside.as_str()), Bound::Unbounded);
        let commented =
            self.comments.range::<str, _>(after).next().is_some_and(|(key, _)| key.starts_with(&inside));
        let mut line = String::new();
        (!commented && flow(value, FLOW_DEPTH, WIDTH.saturating_sub(used), &mut line)).then_some(line)
    }
}

/// Writes a value in flow style; false as soon as it gets too long or too deep.
fn flow(value: &Value, depth: usize, room: usize, line: &mut String) -> bool {
    match value {
        Value::Object(map) => {
            line.push('{');
            for (position, (key, value)) in map.iter().enumerate() {
                line.push_str(if position > 0 { ", " } else { "" });
                line.push_str(&text(key));
                line.push_str(": ");
                if depth == 0 || !flow(value, depth - 1, room, line) {
                    return false;
                }
            }
            line.push('}');
        }
        Value::Array(items) => {
            line.push('[');
            for (position, item) in items.iter().enumerate() {
                line.push_str(if position > 0 { ", " } else { "" });
                if depth == 0 || !flow(item, depth - 1, room, line) {
                    return false;
                }
            }
            line.push(']');
        }
        scalar => line.push_str(&scalar_text(scalar)),
    }
    line.chars().count() <= room
}

fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// A text as it may stand anywhere, in flow style too: plain where nothing can mistake it, else in double quotes.
fn text(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Not printable by YAML 1.2.2 section 5.1, or a line break to some readers.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let digits =
                    (0..4).rev().map(|place| char::from_digit(u32::from(c) >> (4 * place) & 0xf, 16));
                quoted.push_str("\\u");
                quoted.extend(digits.flatten());
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn is_plain(value: &str) -> bool {
    let good = |c: char| {
        c.is_ascii_alphanumeric() || " _-./$@+()'!;~=*%^:".contains(c) || (c.is_alphabetic() && !c.is_ascii())
    };
    let first = value.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '/' | '$' | '('));
    // Words that YAML 1.1 readers take for truth values.
    let word = ["y", "n", "yes", "no", "on", "off"].iter().any(|word| value.eq_ignore_ascii_case(word));
    first
        && !word
        && value.chars().all(good)
        && !value.contains(": ")
        && !value.ends_with([' ', ':'])
        // The reader takes `-}` for an entry of a list.
        && !value.ends_with(" -")
        && matches!(scalar::resolve(value), Ok(node::Value::String(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_like_written_by_hand() {
        let value = json!({
            "openapi": "3.1.0",
            "servers": [{"url": "https://{shop}.example.com/v1", "variables": {"shop": {"default": "a"}}}],
            "paths": {"/a/{id}": {"get": {
                "summary": "One: a thing",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": ["string", "null"]}}],
                "responses": {"200": {"description": "no"}},
            }}},
            "empty": {},
        });
        let mut comments = Comments::new();
        comments.insert("/servers".to_owned(), vec!["TODO: check".to_owned()]);
        comments.insert("/paths/~1a~1{id}/get/responses".to_owned(), vec!["as told".to_owned()]);
        let expected = r#"openapi: "3.1.0"
# TODO: check
servers:
  - {url: "https://{shop}.example.com/v1", variables: {shop: {default: a}}}
paths:
  "/a/{id}":
    get:
      summary: "One: a thing"
      parameters:
        - {name: id, in: path, required: true, schema: {type: [string, "null"]}}
      # as told
      responses: {"200": {description: "no"}}
empty: {}
"#;
        assert_eq!(yaml(&value, &comments), expected);
    }

    #[test]
    fn a_dash_at_the_end_is_quoted() {
        assert_eq!(yaml(&json!([{"a": "b -", "c": "d-"}]), &Comments::new()), "- {a: \"b -\", c: d-}\n");
    }

    fn any_value() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let word = "[ -~]{0,12}|[a-z: #-]{0,8}|\\PC{0,6}|(no|null|~|1e3|0x1f|true|-|- a|\\? b|a:|\\.inf|2024-01-01)|[\\x00-\\x1f\u{7f}-\u{9f}\u{2028}a]{0,4}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            word.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(word, inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            let text = yaml(&value, &Comments::new());
            let read = super::super::parse(&text).map_err(|problems| format!("{problems:?}\n{text}"));
            proptest::prop_assert_eq!(read.map(|node| node.to_json()), Ok(value));
        }
    }
}
