//! Writes GraphQL requests: a fixed query, a selection, and variables from parameters.
//!
//! Knows placeholders of the exact form `{{ name }}`. Must not know transport. Values only ever become variables,
//! never query text; `selection` says what may be selected.

use super::json;
use super::params::Accepted;
use super::selection;
use crate::plan::{GraphqlBody, Location, Operation};
use serde_json::{Map, Value};

/// The JSON body.
pub(super) fn render(operation: &Operation, graphql: &GraphqlBody, accepted: &Accepted) -> Value {
    let mut body = Map::new();
    let selection = accepted
        .values
        .get("fields")
        .filter(|value| !json::is_blank(value))
        .or(graphql.default_fields.as_ref());
    let query = match selection {
        Some(fields) => graphql.query.replace("{{ fields }}", &selection::write(fields)),
        None => graphql.query.replace("{{ fields }}", ""),
    };
    body.insert("query".to_owned(), Value::String(query));
    if let Some(template) = &graphql.variables {
        body.insert("variables".to_owned(), variables(operation, graphql, template, accepted));
    }
    if let Some(name) = &graphql.operation_name {
        body.insert("operationName".to_owned(), Value::String(name.clone()));
    }
    Value::Object(body)
}

fn variables(operation: &Operation, graphql: &GraphqlBody, template: &Value, accepted: &Accepted) -> Value {
    let filled = fill(template, &|name| lookup(operation, graphql, accepted, name));
    let (Value::Object(filled), Value::Object(template)) = (&filled, template) else { return filled };
    let kept = filled.iter().filter(|(name, value)| {
        !value.is_null() || (graphql.nullable.contains(name) && given_null(template.get(*name), accepted))
    });
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The variable is one placeholder, and the caller gave null for it.
fn given_null(template: Option<&Value>, accepted: &Accepted) -> bool {
    template
        .and_then(Value::as_str)
        .and_then(placeholder)
        .is_some_and(|name| accepted.nulls.iter().any(|null| null == name))
}

/// A given value, else the default of the query parameter or body property of that name.
fn lookup(operation: &Operation, graphql: &GraphqlBody, accepted: &Accepted, name: &str) -> Option<Value> {
    let parameter =
        operation.parameters.iter().find(|other| other.location == Location::Query && other.name == name);
    let field = || graphql.fields.iter().find(|field| field.name == name);
    let default = || parameter.and_then(|found| found.default.clone()).or_else(|| field()?.default.clone());
    accepted.values.get(name).cloned().or_else(default)
}

/// The name in a text that is exactly `{{ name }}`.
fn placeholder(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{ ")?.strip_suffix(" }}")?;
    (!name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(name)
}

/// A template tree with its placeholders filled: whole ones keep the value's type, others become text.
fn fill(template: &Value, lookup: &impl Fn(&str) -> Option<Value>) -> Value {
    match template {
        Value::String(text) => match placeholder(text) {
            Some(name) => lookup(name).unwrap_or(Value::Null),
            None => fill_text(text, lookup).map_or(Value::Null, Value::String),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, lookup)).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), fill(value, lookup))).collect())
        }
        other => other.clone(),
    }
}

/// Text with placeholders inside; none when a value is missing, since half a text would mean something else.
fn fill_text(text: &str, lookup: &impl Fn(&str) -> Option<Value>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{ ") {
        let (before, from) = rest.split_at(start);
        let Some((name, after)) =
            from.find(" }}").and_then(|end| Some((placeholder(from.get(..end + 3)?)?, from.get(end + 3..)?)))
        else {
            break;
        };
        filled.push_str(before);
        filled.push_str(&json::text(&lookup(name)?));
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn placeholders_keep_types_and_values_are_never_read_again() {
        let values = json!({"first": 5, "größe": 1, "owner": "a", "name": "{{ owner }}\"}} mutation"});
        let lookup = |name: &str| values.get(name).cloned();
        let template = json!({"n": "{{ first }}", "q": "repo:{{ owner }}/{{ name }}", "none": "{{ nope }}", "half": "x{{ nope }}", "odd": "{{first}}", "deep": [{"a": "{{ owner }}"}], "letters": "{{ größe }}"});
        let expected = json!({"n": 5, "q": "repo:a/{{ owner }}\"}} mutation", "none": null, "half": null, "odd": "{{first}}", "deep": [{"a": "a"}], "letters": 1});
        assert_eq!(fill(&template, &lookup), expected);
    }
}
