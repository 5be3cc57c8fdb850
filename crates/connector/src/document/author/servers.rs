//! Converts `servers`.
//!
//! Knows server URLs and variables. Must not know operations.

use super::super::emit::Comments;
use super::left_out::LeftOut;
use super::source::{Source, entries, items, prose, text};
use serde_json::{Map, Value, json};

/// Stands where the document names no host.
const NO_HOST: &str = "https://api.example.com";

/// The first server, and its URL with variables as it is written.
pub(super) fn convert(source: &Source, left_out: &mut LeftOut, comments: &mut Comments) -> (Value, String) {
    let servers = items(&source.root, "servers");
    for other in servers.iter().skip(1) {
        left_out.note("servers beside the first", text(other, "url").unwrap_or_default());
    }
    let first = servers.first().unwrap_or(&Value::Null);
    let url = absolute(text(first, "url").unwrap_or("/"), comments);
    let mut server = Map::from_iter([("url".to_owned(), json!(url))]);
    let mut variables = Map::new();
    for (name, variable) in entries(first, "variables") {
        if url.contains(&format!("{{{name}}}")) {
            variables.insert(name.clone(), Value::Object(variable_of(variable)));
        } else {
            left_out.note("server variables that the URL does not use", name);
        }
    }
    if !variables.is_empty() {
        let words =
            "TODO: values that users give; limit free ones with x-keybearer-pattern: \"^[a-z0-9-]+$\"";
        comments.insert("/servers/0/variables".to_owned(), vec![words.to_owned()]);
        server.insert("variables".to_owned(), Value::Object(variables));
    }
    (json!([server]), url)
}

fn absolute(url: &str, comments: &mut Comments) -> String {
    let url = url.trim_end_matches('/');
    let mut todo = |words: &str| drop(comments.insert("/servers".to_owned(), vec![words.to_owned()]));
    if url.starts_with('{') || url.starts_with("https://") {
        return url.to_owned();
    }
    if let Some(rest) = url.strip_prefix("http://") {
        let host = rest.split([':', '/']).next().unwrap_or_default();
        if host == "localhost" || host.starts_with("127.") {
            return url.to_owned();
        }
        todo("TODO: the vendor's document says http, not https");
        return format!("https://{rest}");
    }
    if let Some(rest) = url.strip_prefix("//") {
        return format!("https://{rest}");
    }
    todo("TODO: the vendor's document does not name the host");
    let path = url.trim_start_matches('/');
    if path.is_empty() { NO_HOST.to_owned() } else { format!("{NO_HOST}/{path}") }
}

fn variable_of(variable: &Value) -> Map<String, Value> {
    let mut converted = Map::new();
    if let Some(words) = text(variable, "description") {
        converted.insert("description".to_owned(), json!(prose(words, 120)));
    }
    if let Some(default) = text(variable, "default") {
        converted.insert("default".to_owned(), json!(default));
    }
    let values: Vec<&str> = items(variable, "enum").iter().filter_map(Value::as_str).collect();
    if !values.is_empty() {
        converted.insert("enum".to_owned(), json!(values));
    }
    converted
}
