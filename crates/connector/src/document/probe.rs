//! What the connector check calls: the probe's operation and its parameters.
//!
//! Knows the published rules of checks. Must not know how a call runs.

use super::credentials::{CredentialNames, Scope, template};
use super::node::{Node, Value};
use super::operations::Read;
use super::parameter::schema_node;
use super::reader::{Object, Reader};
use super::{body, schema};
use crate::plan::{Action, BodyField, CheckValue, Location, Operation, Parameter, Scoping, Template};

const PROBE_DEFAULT: &str = "x-airbyte-probe-default";

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
    let limited = operation.action == Action::List && operation.takes("limit");
    if limited {
        params.push(("limit".to_owned(), CheckValue::Literal(1.into())));
    }
    for (parameter, object) in operation.parameters.iter().zip(nodes) {
        let own = object.get(PROBE_DEFAULT);
        let schema = schema_node(*object).and_then(|node| schema::follow(reader.root, node));
        let probe = own.or_else(|| schema.and_then(|node| node.get(PROBE_DEFAULT)));
        let default =
            schema.and_then(|node| node.get("default")).filter(|_| parameter.location == Location::Query);
        if limited && parameter.name == "limit" && probe.is_none() {
            continue;
        }
        if let Some(value) = probe.or(default).and_then(|node| value(reader, node, credentials)) {
            set(&mut params, &parameter.name, value);
        }
    }
    for (name, node) in body::property_nodes(reader.root, object) {
        let referred = schema::follow(reader.root, node).and_then(|node| node.get(PROBE_DEFAULT));
        let probe = node.get(PROBE_DEFAULT).or(referred);
        if let Some(value) = probe.and_then(|node| value(reader, node, credentials)) {
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

/// Position of the preferred operation, else of the first list that needs nothing of a caller.
pub(super) fn choose(operations: &[Read<'_>], scoping: &[Scoping]) -> Option<usize> {
    let scoped = |name: &str| scoping.iter().any(|rule| rule.param == name);
    let probed = |operation: &Operation, name: &str| operation.probe.iter().any(|(probed, _)| probed == name);
    let supplied = |operation: &Operation, parameter: &Parameter| {
        scoped(&parameter.name)
            || parameter.location != Location::Path
                && (!parameter.required || parameter.default.is_some() || parameter.inject.is_some())
            || parameter.location == Location::Header && probed(operation, &parameter.name)
    };
    let filled = |operation: &Operation, field: &BodyField| {
        !field.required || field.default.is_some() || scoped(&field.name) || probed(operation, &field.name)
    };
    let preferred = operations.iter().position(|read| read.preferred_for_check);
    preferred.or_else(|| {
        let needs_nothing = |one: &Operation| {
            one.parameters.iter().all(|parameter| supplied(one, parameter))
                && one.body_fields().iter().all(|field| filled(one, field))
        };
        let lists = |read: &Read<'_>| read.operation.action == Action::List && needs_nothing(&read.operation);
        operations.iter().position(lists)
    })
}
