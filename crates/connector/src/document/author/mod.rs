//! Writes new definitions: from a vendor's OpenAPI document, to be pruned, or an empty one to be filled.
//!
//! Knows both formats. Must not know files or where ids come from. The same input gives the same text.

mod answers;
mod inputs;
mod left_out;
mod naming;
mod operations;
mod paging;
mod schemas;
mod security;
mod servers;
mod source;

#[cfg(test)]
mod tests;

pub use left_out::LeftOut;
pub use source::MAX_BYTES;

use super::emit::{Comments, yaml};
use super::{Additions, load};
use serde_json::{Map, Value, json};
use source::{Source, entries, prose, text};

/// What a new definition is called.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The type's slug: lower-case letters, digits and hyphens.
    pub name: &'a str,
    /// A new UUID.
    pub definition_id: &'a str,
}

/// A new definition.
#[derive(Debug)]
pub struct Draft {
    /// Its text.
    pub text: String,
    /// What the vendor's document has and this has not.
    pub left_out: LeftOut,
}

/// An empty definition with comments, which can be loaded as it is.
pub fn skeleton(names: Names<'_>) -> String {
    let title = title_of(names.name);
    include_str!("skeleton.yaml")
        .replace("NAME", names.name)
        .replace("TITLE", &title)
        .replace("DEFINITION_ID", names.definition_id)
}

/// Turns a vendor's OpenAPI 3.0 or 3.1 document (JSON or YAML) into a definition.
///
/// `only`: path prefixes (`/v1/contacts`) or tags; empty takes everything.
/// Errors: the document cannot be read, or nothing of it is left.
pub fn from_openapi(document: &str, names: Names<'_>, only: &[String]) -> Result<Draft, String> {
    let source = Source::read(document)?;
    let mut left_out = LeftOut::default();
    let mut comments = Comments::new();
    for key in ["webhooks", "x-webhooks"] {
        for (name, _) in entries(&source.root, key) {
            left_out.note("webhooks", name);
        }
    }
    let (servers, url) = servers::convert(&source, &mut left_out, &mut comments);
    let schemes = security::convert(&source, &url, &mut left_out, &mut comments);
    let mut converted = operations::convert(&source, only, &mut left_out);
    if converted.paths.is_empty() {
        let reasons: Vec<String> = left_out.lines().collect();
        return Err(format!("no operation is left\n{}", reasons.join("\n")));
    }
    let mut root = root(&source, names);
    root.insert("servers".to_owned(), servers);
    root.insert("security".to_owned(), schemes.keys().map(|name| json!({name.as_str(): []})).collect());
    let mut components = Map::from_iter([("securitySchemes".to_owned(), Value::Object(schemes))]);
    if !converted.schemas.is_empty() {
        components.insert("schemas".to_owned(), Value::Object(converted.schemas));
    }
    root.insert("components".to_owned(), Value::Object(components));
    root.insert("paths".to_owned(), Value::Object(converted.paths.clone()));
    let first = yaml(&Value::Object(root.clone()), &comments);
    if let Ok(definition) = load(&first, &Additions::none()) {
        paging::write(&mut converted.paths, &definition.plan, &mut comments);
        root.insert("paths".to_owned(), Value::Object(converted.paths));
        if definition.plan.check.is_none() {
            let words = "TODO: x-airbyte-preferred-for-check: true on an operation that needs no parameter";
            comments.insert("/paths".to_owned(), vec![words.to_owned()]);
        }
    }
    Ok(Draft { text: yaml(&Value::Object(root), &comments), left_out })
}

fn root(source: &Source, names: Names<'_>) -> Map<String, Value> {
    let info = source.root.get("info").unwrap_or(&Value::Null);
    let version = match info.get("version") {
        Some(Value::String(version)) if !version.trim().is_empty() => version.clone(),
        Some(Value::Number(version)) => version.to_string(),
        _ => "1.0.0".to_owned(),
    };
    let title = text(info, "title").map_or_else(|| title_of(names.name), |title| prose(title, 60));
    let mut converted = Map::new();
    let mut put = |key: &str, value: Value| drop(converted.insert(key.to_owned(), value));
    put("title", json!(title));
    put("version", json!(version));
    if let Some(words) = text(info, "description") {
        put("description", json!(prose(words, 200)));
    }
    put("x-airbyte-connector-name", json!(names.name));
    put("x-airbyte-connector-definition-id", json!(names.definition_id));
    let link = source.root.get("externalDocs").and_then(|docs| text(docs, "url"));
    put(
        "x-airbyte-external-documentation-urls",
        link.map_or_else(
            || json!([]),
            |url| json!([{"type": "api_reference", "title": "API reference", "url": url}]),
        ),
    );
    Map::from_iter([("openapi".to_owned(), json!("3.1.0")), ("info".to_owned(), Value::Object(converted))])
}

/// `acme-desk` is `Acme Desk`.
fn title_of(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}
