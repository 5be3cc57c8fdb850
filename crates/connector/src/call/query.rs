//! Writes the query: which pairs in which order, and how lists and maps stand in it.
//!
//! Knows OpenAPI styles and Rest.li. Must not know paths, hosts or bodies.

use super::encode::Pairs;
use super::fault::Fault;
use super::params::Accepted;
use super::target::Target;
use super::{json, supplied};
use crate::plan::{Action, Location, Operation, ParamStyle, Parameter};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use serde_json::Value;

/// A request that names Rest.li's protocol version has its query in Rest.li's own encoding.
const RESTLI: HeaderName = HeaderName::from_static("x-restli-protocol-version");

/// The encoded query, without `?`; empty when there is none. Given parameters stand in the caller's order, then those
/// from configuration and defaults in the document's. Optional defaults are sent on downloads only.
pub(super) fn render(
    operation: &Operation,
    target: &Target,
    accepted: &Accepted,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<String, Fault> {
    let mut pairs = Pairs::new(headers.contains_key(&RESTLI));
    let find = |name: &str| {
        operation
            .parameters
            .iter()
            .find(|parameter| parameter.location == Location::Query && parameter.name == name)
    };
    for (name, value) in &accepted.values {
        if let Some(parameter) = find(name) {
            write(parameter, value, &mut pairs);
        }
    }
    for parameter in &operation.parameters {
        if parameter.location != Location::Query || accepted.values.contains_key(&parameter.name) {
            continue;
        }
        let wanted = parameter.required || operation.action == Action::Download;
        if let Some(value) = supplied::injected(parameter, target) {
            write(parameter, &value, &mut pairs);
        } else if let Some(default) = parameter.default.as_ref().filter(|_| wanted) {
            write(parameter, &supplied::default(default, target, now)?, &mut pairs);
        }
    }
    Ok(pairs.text)
}

/// The pairs of one parameter.
fn write(parameter: &Parameter, value: &Value, pairs: &mut Pairs) {
    let name = parameter.name.as_str();
    let join = |items: &[Value], by: &str| items.iter().map(json::text).collect::<Vec<_>>().join(by);
    match (value, parameter.style) {
        (Value::Array(items), ParamStyle::Comma) => pairs.push(name, &join(items, ",")),
        (Value::Array(items), ParamStyle::Space) => pairs.push(name, &join(items, " ")),
        (Value::Array(items), ParamStyle::Pipe) => pairs.push(name, &join(items, "|")),
        // OpenAPI does not say how; providers that declare it (Stripe) take what PHP and Rails read as a list.
        (Value::Array(items), ParamStyle::DeepObject) => {
            let name = format!("{name}[]");
            for item in items {
                pairs.push(&name, &json::written(item));
            }
        }
        (Value::Array(items), _) => items.iter().for_each(|item| pairs.push(name, &json::written(item))),
        (Value::Object(_), ParamStyle::DeepObject) => deep(name, value, pairs),
        (value, _) => pairs.push(name, &json::written(value)),
    }
}

/// `name[key]=value`, at every depth; null members are left out, list members repeat.
fn deep(prefix: &str, value: &Value, pairs: &mut Pairs) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| deep(&format!("{prefix}[{name}]"), value, pairs));
        }
        Value::Array(items) => items.iter().for_each(|item| deep(prefix, item, pairs)),
        scalar => pairs.push(prefix, &json::written(scalar)),
    }
}
