//! Puts the parts of a document together into a plan.
//!
//! Knows the order of reading and what the parts promise each other. Must not know the parts' own rules.

use super::credentials::CredentialNames;
use super::node::Node;
use super::operations::Read;
use super::problem::Problem;
use super::reader::{Object, Reader};
use super::scheme::{Around, Promised};
use super::shape::{COMPONENTS, ROOT};
use super::{info, operations, probe, relationships, schema, scheme, server};
use crate::plan::{Action, Location, Operation, Plan, Scheme};

/// The plan where enough could be read, and all mistakes.
pub(super) fn compile(root: &Node) -> (Option<Plan>, Vec<Problem>) {
    let mut reader = Reader::new(root);
    let plan = read(&mut reader, root);
    (plan, reader.finish())
}

fn read<'d>(reader: &mut Reader<'d>, node: &'d Node) -> Option<Plan> {
    let root = reader.object(node, &ROOT)?;
    version(reader, root);
    let credentials = CredentialNames::of(node);
    let info = info::read(reader, root, &credentials);
    let server = server::read(reader, root, &credentials);
    let hosts = server::hosts(reader, root);
    let concurrency = server::concurrency(reader, root);
    let components = reader.child(root, "components", &COMPONENTS);
    schema::check_components(reader);
    let mut promised = Vec::new();
    let around = Around { credentials: &credentials, server: server.as_ref() };
    let schemes = scheme::read_all(reader, components, &around, &mut promised);
    if schemes.is_empty() && components.and_then(|c| c.get("securitySchemes")).is_none() {
        let at = components.map_or(node, |components| components.node);
        let hint = "declare one under components.securitySchemes";
        reader.error_hint(at, "the document has no security scheme", hint);
    }
    let mut operations = operations::read_all(reader, root, &credentials);
    for read in &mut operations {
        leave_to_credentials(&mut read.operation, &schemes);
    }
    check_promises(reader, &promised, &operations);
    check_scoping(reader, root, &operations);
    relationships::check(reader, root, &operations);
    let check =
        probe::choose(&operations, info.as_ref().map(|info| info.scoping.as_slice()).unwrap_or_default());
    let operations = operations.into_iter().map(|read| read.operation).collect();
    let info = info?;
    Some(Plan {
        info: info.info,
        server: server?,
        hosts,
        concurrency,
        schemes,
        operations,
        check,
        scoping: info.scoping,
        relationships: info.relationships,
        error_check: info.error_check,
        graphql_errors: info.graphql_errors,
        retry: info.retry,
    })
}

fn version<'d>(reader: &mut Reader<'d>, root: Object<'d>) {
    let Some(version) = reader.required_text(root, "openapi", "3.1.0") else { return };
    if !version.starts_with("3.1.")
        && let Some(at) = root.get("openapi")
    {
        reader.error_hint(at, format!("the document is OpenAPI {version}"), "3.1 is read: openapi: 3.1.0");
    }
}

/// The operation that tells whose account it is must exist.
fn check_promises(reader: &mut Reader<'_>, promised: &[Promised<'_>], operations: &[Read<'_>]) {
    for promise in promised {
        let of_entity: Vec<Action> = operations
            .iter()
            .filter(|read| read.operation.entity == promise.entity)
            .map(|read| read.operation.action)
            .collect();
        if of_entity.is_empty() {
            let mut entities: Vec<&str> =
                operations.iter().map(|read| read.operation.entity.as_str()).collect();
            entities.dedup();
            reader.not_one_of(promise.node, "entity of the identity", &promise.entity, &entities);
        } else if !of_entity.contains(&promise.action) {
            let actions: Vec<&str> = of_entity.iter().map(|action| action.name()).collect();
            reader.not_one_of(promise.node, "action of the identity", promise.action.name(), &actions);
        }
    }
}

/// A header that every scheme sets over what a caller gives is none that a caller must give.
fn leave_to_credentials(operation: &mut Operation, schemes: &[Scheme]) {
    for parameter in operation.parameters.iter_mut().filter(|one| one.location == Location::Header) {
        let set = |scheme: &Scheme| {
            scheme.headers.iter().any(|(name, _)| name.as_str().eq_ignore_ascii_case(&parameter.name))
        };
        if !schemes.is_empty() && schemes.iter().all(set) {
            parameter.required = false;
        }
    }
}

/// A scoping rule for a parameter that no operation has is a slip.
fn check_scoping<'d>(reader: &mut Reader<'d>, root: Object<'d>, operations: &[Read<'_>]) {
    let Some(info) = root.get("info") else { return };
    for rule in info.get("x-airbyte-scoping").and_then(Node::as_sequence).unwrap_or_default() {
        let Some(param) = rule.get("param").and_then(Node::as_str) else { continue };
        if !operations.iter().any(|read| read.operation.takes(param)) {
            reader.warn(rule, format!("no operation has the parameter {param:?}"), None);
        }
    }
}
