//! The selection of a GraphQL query that a caller may choose, as `fields`.
//!
//! Knows names, dotted names and the lexical grammar of GraphQL (October 2021, section 2.1). Must not know queries. What
//! a caller selects is query text by its nature; it is accepted where it cannot end the selection that it stands in.

use serde_json::{Map, Value};

/// Deepest nesting of one dotted name.
const DEEPEST: usize = 16;

/// The text for `{{ fields }}`: a definition's own text as it is; names, dotted ones nested in braces; else a caller's
/// selections one after the other.
pub(super) fn write(fields: &Value) -> String {
    match fields {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(is_path) => {
            let mut tree = Map::new();
            for path in items.iter().filter_map(Value::as_str) {
                grow(&mut tree, path);
            }
            braces(&tree)
        }
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn grow(tree: &mut Map<String, Value>, path: &str) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let below = tree.entry(name.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let (Some(rest), Value::Object(below)) = (rest, below) {
        grow(below, rest);
    }
}

fn braces(tree: &Map<String, Value>) -> String {
    let parts = tree.iter().map(|(name, below)| match below {
        Value::Object(below) if !below.is_empty() => format!("{name} {{ {} }}", braces(below)),
        _ => name.clone(),
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// GraphQL names joined by dots.
fn is_path(item: &Value) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    item.as_str().is_some_and(|path| path.split('.').count() <= DEEPEST && path.split('.').all(is_name))
}

/// Why these `fields` cannot stand in that query.
pub(super) fn fault(fields: &Value, query: &str) -> Option<String> {
    let Value::Array(items) = fields else {
        return Some("\"fields\" must be a list of field names such as [\"id\", \"owner.login\"]".to_owned());
    };
    if items.iter().all(is_path) || (items.iter().all(Value::is_string) && stays(&write(fields), query)) {
        return None;
    }
    let message = "\"fields\" must select fields and nothing else, such as [\"id\", \"owner.login\"] or [\"owner { login }\"]: \
                   every brace, bracket, parenthesis and quote must be closed";
    Some(message.to_owned())
}

/// Text in place of the query's `{{ fields }}` ends where it began: no bracket that it did not open is closed, none stays
/// open, no string either, and a comment does not swallow what follows.
fn stays(text: &str, query: &str) -> bool {
    let mut open = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            '{' => open.push('}'),
            '(' => open.push(')'),
            '[' => open.push(']'),
            '}' | ')' | ']' if open.pop() != Some(first) => return false,
            '"' => match after_string(rest) {
                Some(after) => rest = after,
                None => return false,
            },
            '#' => match rest.find(['\n', '\r']) {
                Some(end) => rest = rest.get(end..).unwrap_or_default(),
                None => {
                    return open.is_empty()
                        && query.split("{{ fields }}").skip(1).all(|after| after.starts_with('\n'));
                }
            },
            _ => {}
        }
    }
    open.is_empty()
}

/// What follows a string whose first quote is read; none where it does not end (section 2.9.4).
fn after_string(text: &str) -> Option<&str> {
    if let Some(block) = text.strip_prefix("\"\"") {
        let mut rest = block;
        loop {
            let end = rest.find("\"\"\"")?;
            let escaped = rest.get(..end).is_some_and(|before| before.ends_with('\\'));
            rest = rest.get(end + 3..)?;
            if !escaped {
                return Some(rest);
            }
        }
    }
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '\n' | '\r' => return None,
            '"' if !escaped => return text.get(at + 1..),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_nest_and_other_selections_stay_as_they_are() {
        assert_eq!(write(&json!(["id", "owner.login", "owner.name"])), "id owner { login name }");
        assert_eq!(write(&json!(["id", "owner { login }"])), "id owner { login }");
        assert_eq!(write(&json!("id name")), "id name");
    }

    #[test]
    fn a_selection_cannot_leave_its_place() {
        let query = "query { a { {{ fields }}\n } }";
        for good in [
            json!(["id", "a.b_c"]),
            json!(["owner { login }", "labels(first: 5, name: \"a } b\") { nodes { name } }"]),
            json!(["a # the rest of the line } {"]),
            json!(["a(x: \"\"\" } \"quoted\" \\\"\"\" } \"\"\")"]),
            json!(["fields_0-y2"]),
            json!([]),
        ] {
            assert_eq!(fault(&good, query), None, "{good}");
        }
        for bad in [
            json!("id"),
            json!([1]),
            json!(["id } mutation { x"]),
            json!(["id {"]),
            json!(["a(b: [1)])"]),
            json!(["a(b: \"x)"]),
            json!(["a(b: \"x\\\")"]),
            json!(["a(b: \"\"\"x\")"]),
            json!(["id # { \n }"]),
            json!(["a", "}", "{"]),
        ] {
            assert!(fault(&bad, query).is_some(), "{bad}");
        }
        assert!(
            fault(&json!(["a # b"]), "query { a { {{ fields }} } }").is_some(),
            "the comment would swallow braces"
        );
    }
}
