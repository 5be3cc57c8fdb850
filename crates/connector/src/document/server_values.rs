//! Reads how else a server's variables may be given: the publisher's own names, spellings, and parts of credentials.
//!
//! Knows `x-airbyte-replication-environment-mapping` and `x-airbyte-config-normalization`. Must not know server URLs.

use super::credentials::{CredentialNames, Scope, template};
use super::node::{Entry, Node};
use super::reader::{Object, Reader};
use crate::plan::{Alias, Derived, Rendering, ServerVariable};

const MAPPING: &str = "x-airbyte-replication-environment-mapping";

/// Reads the mapping of a server: aliases; and into the variables themselves, how their values are rendered.
pub(super) fn aliases<'d>(
    reader: &mut Reader<'d>,
    server: Object<'d>,
    variables: &mut [ServerVariable],
    credentials: &CredentialNames,
) -> Vec<Alias> {
    let mut aliases = Vec::new();
    let Some(map) = reader.child_map(server, MAPPING, MAPPING) else { return aliases };
    for (name, entry) in map.map.iter() {
        let source = entry.value.get("source").or(Some(&entry.value)).and_then(Node::as_str);
        let format = entry.value.get("format").and_then(Node::as_str).unwrap_or("{value}");
        let known = |wanted: &str| variables.iter().position(|variable| variable.name == wanted);
        match source.map(|source| (source, known(source), known(name))) {
            Some((_, Some(position), Some(same))) if position == same => {
                if let Some(variable) = variables.get_mut(position).filter(|_| format.contains("{{")) {
                    variable.rendering = rendering(reader, entry, variable, credentials);
                }
            }
            Some((source, Some(_), None)) if !credentials.has(name) && !format.contains("{{") => {
                let (prefix, suffix) = format.split_once("{value}").unwrap_or_default();
                let (name, variable) = (name.to_owned(), source.to_owned());
                aliases.push(Alias { name, variable, prefix: prefix.to_owned(), suffix: suffix.to_owned() });
            }
            _ => {
                let hint =
                    Some("a variable's name, or {source: <variable>, format: \"{value}…\"}".to_owned());
                reader.warn(&entry.value, format!("{MAPPING} of {name:?} is not understood"), hint);
            }
        }
    }
    aliases
}

/// Where the default is not among the listed values, these are what users say and the default is what the URL wants.
fn rendering<'d>(
    reader: &mut Reader<'d>,
    entry: &'d Entry,
    variable: &ServerVariable,
    credentials: &CredentialNames,
) -> Option<Rendering> {
    let scope = Scope { place: MAPPING, names: &["value"], credentials: false, lenient: false };
    let template = template(reader, entry.value.get("format")?, credentials, &scope)?;
    let listed = variable.default.as_ref().is_some_and(|default| variable.allowed.contains(default));
    (!variable.allowed.is_empty()).then_some(Rendering { template, of_allowed: !listed })
}

/// Reads rules that cut a variable out of a credential. Other kinds of rules are for synchronisation only.
pub(super) fn derived(root: &Node, variables: &[ServerVariable]) -> Vec<Derived> {
    let rules = root.get("info").and_then(|info| info.get("x-airbyte-config-normalization")?.get("rules"));
    let rules = rules.and_then(Node::as_sequence).unwrap_or_default();
    rules.iter().filter_map(|rule| rule_of(root, rule, variables)).collect()
}

fn rule_of(root: &Node, rule: &Node, variables: &[ServerVariable]) -> Option<Derived> {
    let transform = rule.get("transform")?;
    let delimiter = transform.get("delimiter")?.as_str().filter(|delimiter| !delimiter.is_empty())?;
    let variable = rule.get("target")?.as_str()?;
    let known = variables.iter().any(|known| known.name == variable);
    if !known || transform.get("type")?.as_str()? != "suffix" {
        return None;
    }
    Some(Derived {
        variable: variable.to_owned(),
        field: form_field(root, rule.get("source")?.as_str()?)?,
        delimiter: delimiter.to_owned(),
    })
}

/// The credential form's field behind a path of the publisher's configuration.
fn form_field(root: &Node, source: &str) -> Option<String> {
    let schemes = root.get("components")?.get("securitySchemes")?;
    let field = schemes.entries().find_map(|(_, scheme)| {
        let mapping = scheme.value.get("x-airbyte-auth-config")?.get("replication_auth_key_mapping")?;
        mapping.get(source)?.as_str()
    });
    field.map(str::to_owned)
}
