//! The page: whole, escaped, and without anything from elsewhere.

use super::html::{inline, prose};
use super::render;
use crate::api::openapi::document;
use serde_json::{Value, json};

#[test]
fn every_operation_has_an_anchor_and_its_path() {
    let page = render(document());
    for (path, item) in document()["paths"].as_object().unwrap() {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
    }
}

#[test]
fn every_link_leads_somewhere_on_the_page() {
    let page = render(document());
    for part in page.split("href=\"#").skip(1) {
        let anchor = part.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{anchor}\"")), "#{anchor}");
    }
}

#[test]
fn nothing_runs_and_nothing_is_loaded() {
    let page = render(document()).to_ascii_lowercase();
    for forbidden in
        ["<script", "<img", "<link", "<iframe", "javascript:", "@import", "url(", " onload", "src="]
    {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn texts_are_escaped_wherever_they_stand() {
    const HOSTILE: &str = "\"'><script>x</script>&";
    // Every text of the document becomes hostile, names of fields and paths too.
    fn poison(value: &Value) -> Value {
        match value {
            Value::String(text) if text.starts_with("#/") => value.clone(),
            Value::String(text) => json!(format!("{text}{HOSTILE}")),
            Value::Array(items) => items.iter().map(poison).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), poison(value))).collect(),
            other => other.clone(),
        }
    }
    let mut poisoned = poison(document());
    let paths = poisoned["paths"].as_object_mut().unwrap();
    let operation = paths.values().next().unwrap().clone();
    paths.insert(format!("/x{HOSTILE}"), operation);
    let schema = json!({"type": "object", "properties": {HOSTILE: {"type": HOSTILE, "format": HOSTILE}}});
    poisoned["components"]["schemas"]["ErrorBody"] = schema;
    let page = render(&poisoned);
    assert!(page.contains("&lt;script&gt;"));
    assert!(!page.contains("<script") && !page.contains("'><"), "a text came through as markup");
}

#[test]
fn prose_knows_code_and_paragraphs() {
    assert_eq!(inline("a `b<c` d"), "a <code>b&lt;c</code> d");
    assert_eq!(inline("an odd ` stays"), "an odd ` stays");
    assert_eq!(prose("one\n\ntwo"), "<p>one</p><p>two</p>");
}
