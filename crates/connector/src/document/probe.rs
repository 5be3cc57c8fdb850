//! What the connector check calls: the probe's operation and its parameters.
//!
//! Knows the published rules of checks. Must not know how a call runs.

use super::credentials::{CredentialNames, Scope, template};
use super::node::{Node, Value};
use super::operations::Read;
use super::parameter::schema_node;
use super::reader::{Object, Reader};
use super::{body, schema};
use crate::plan::{Action, Check, CheckValue, Location, Operation, Template};

/// Names that a computed value may use.
const NAMES: &[&str] = &["now_utc", "duration", "day_delta", "config", "max", "min"];

/// A value that is computed when the call runs.
pub(super) fn computed<'d>(
    reader: &mut Reader<'d>,
    node: &'d Node,
    credentials: &CredentialNames,
) -> Option<Template> {
    let scope = Scope { place: "a computed value", names: NAMES, credentials: false, lenient: false };
    template(reader, node, credentials, &scope)
}

/// The parameters that a check of this operation sends.
pub(super) fn params<'d>(
    reader: &mut Reader<'d>,
    object: Object<'d>,
    operation: &Operation,
    nodes: &[Object<'d>],
    credentials: &CredentialNames,
) -> Vec<(String, CheckValue)> {
    let mut params = Vec::new();
    if operation.action == Action::List && operation.parameters.iter().any(|p| p.name == "limit") {
        params.push(("limit".to_owned(), CheckValue::Literal(1.into())));
    }
    for (parameter, object) in operation.parameters.iter().zip(nodes) {
        let own = object.get("x-airbyte-probe-default");
        let schema = schema_node(*object).and_then(|node| schema::follow(reader.root, node));
        let probe = own.or_else(|| schema.and_then(|node| node.get("x-airbyte-probe-default")));
        let default =
            schema.and_then(|node| node.get("default")).filter(|_| parameter.location == Location::Query);
        if parameter.name == "limit" && operation.action == Action::List && probe.is_none() {
            continue;
        }
        if let Some(value) = probe.or(default).and_then(|node| value(reader, node, credentials)) {
            set(&mut params, &parameter.name, value);
        }
    }
    for (name, node) in body::property_nodes(reader.root, object) {
        if let Some(value) =
            node.get("x-airbyte-probe-default").and_then(|node| value(reader, node, credentials))
        {
            set(&mut params, name, value);
        }
    }
    params
}

fn set(params: &mut Vec<(String, CheckValue)>, name: &str, value: CheckValue) {
    params.retain(|(existing, _)| existing != name);
    params.push((name.to_owned(), value));
}

fn value<'d>(reader: &mut Reader<'d>, node: &'d Node, credentials: &CredentialNames) -> Option<CheckValue> {
    match &node.value {
        Value::Null => None,
        Value::String(text) if text.contains("{{") => {
            computed(reader, node, credentials).map(CheckValue::Template)
        }
        _ => Some(CheckValue::Literal(node.to_json())),
    }
}

/// The preferred operation, else the first list that needs nothing.
pub(super) fn choose(operations: &[Read<'_>]) -> Option<Check> {
    let preferred = operations.iter().position(|read| read.preferred_for_check);
    let position = preferred.or_else(|| {
        operations.iter().position(|read| {
            let needs_nothing = |p: &crate::plan::Parameter| {
                p.location != Location::Path && !(p.required && p.default.is_none() && p.inject.is_none())
            };
            read.operation.action == Action::List && read.operation.parameters.iter().all(needs_nothing)
        })
    })?;
    let params = operations.get(position)?.probe.clone();
    Some(Check { operation: position, params })
}
