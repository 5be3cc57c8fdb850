//! Reads an operation's path, query and header parameters.
//!
//! Knows names, places, styles and defaults of parameters. Must not know bodies.

use super::credentials::CredentialNames;
use super::node::{Node, Value};
use super::reader::{Object, Reader};
use super::schema::{self, Typed};
use super::scheme::is_connection_header;
use super::shape::{INJECT, PARAMETER};
use crate::plan::{Location, ParamStyle, Parameter, PathTemplate, ValueType};
use indexmap::IndexMap;

/// Parameters for the plan, and their nodes in the same order.
#[derive(Default)]
pub(super) struct Parameters<'d> {
    pub(super) plan: Vec<Parameter>,
    pub(super) nodes: Vec<Object<'d>>,
}

/// The operation's own parameters, then those of its path item that it does not replace.
pub(super) fn read_all<'d>(
    reader: &mut Reader<'d>,
    item: Object<'d>,
    operation: Object<'d>,
    path: Option<&PathTemplate>,
    credentials: &CredentialNames,
) -> Parameters<'d> {
    let mut parameters = Parameters::default();
    for owner in [operation, item] {
        for node in reader.list(owner, "parameters") {
            let Some(resolved) = reader.resolve(node) else { continue };
            let Some(object) = reader.object(resolved, &PARAMETER) else { continue };
            let Some(parameter) = read(reader, object, credentials) else { continue };
            let same = |p: &Parameter| p.name == parameter.name && p.location == parameter.location;
            if !parameters.plan.iter().any(same) {
                parameters.plan.push(parameter);
                parameters.nodes.push(object);
            } else if owner.node.line == operation.node.line {
                reader.error(node, format!("the parameter {:?} stands twice", parameter.name));
            }
        }
    }
    if let Some(path) = path {
        check_path(reader, operation, path, &parameters);
    }
    parameters
}

fn check_path<'d>(
    reader: &mut Reader<'d>,
    operation: Object<'d>,
    path: &PathTemplate,
    parameters: &Parameters<'d>,
) {
    let declared: Vec<&str> =
        parameters.plan.iter().filter(|p| p.location == Location::Path).map(|p| p.name.as_str()).collect();
    for name in path.placeholders().filter(|name| !declared.contains(name)) {
        let hint = match crate::spelling::nearest(name, declared.iter().copied()) {
            Some(near) => format!("did you mean {{{near}}}?"),
            None => format!("add {{name: {name}, in: path, required: true, schema: {{type: string}}}}"),
        };
        reader.error_hint(
            operation.node,
            format!("the path uses {{{name}}}, which is no path parameter"),
            hint,
        );
    }
    for (parameter, object) in parameters.plan.iter().zip(&parameters.nodes) {
        if parameter.location == Location::Path && !path.placeholders().any(|name| name == parameter.name) {
            let message = format!("the path does not use the path parameter {:?}", parameter.name);
            reader.error_hint(
                object.node,
                message,
                format!("write {{{}}} into the path, or remove it", parameter.name),
            );
        }
    }
}

fn read<'d>(reader: &mut Reader<'d>, object: Object<'d>, credentials: &CredentialNames) -> Option<Parameter> {
    let name = reader.required_text(object, "name", "limit");
    reader.required_text(object, "in", "query")?;
    let places = [("path", Location::Path), ("query", Location::Query), ("header", Location::Header)];
    let location = reader.choice(object, "in", &places)?;
    let name = name?;
    if location == Location::Header {
        check_header(reader, object, name);
    }
    if let Some(node) = object.get("content") {
        reader.error_hint(node, "\"content\" in a parameter is not supported", "use \"schema\"");
    }
    let typed = match object.get("schema") {
        Some(schema) => {
            schema::check(reader, schema);
            schema::typed(reader, schema, 0)
        }
        None => Typed { value_type: ValueType::Any, nullable: false, allowed: Vec::new(), default: None },
    };
    let required = reader.flag(object, "required");
    if location == Location::Path && required == Some(false) {
        reader.error_hint(
            object.node,
            format!("the path parameter {name:?} must be required"),
            "required: true",
        );
    }
    let style = style(reader, object, location);
    let default = default(reader, &typed, credentials);
    Some(Parameter {
        name: name.to_owned(),
        location,
        required: location == Location::Path || required.unwrap_or(false),
        value_type: typed.value_type,
        nullable: typed.nullable,
        allowed: typed.allowed,
        default,
        style,
        inject: inject(reader, object, location, credentials),
    })
}

fn check_header<'d>(reader: &mut Reader<'d>, object: Object<'d>, name: &str) {
    let at = object.get("name").unwrap_or(object.node);
    match http::HeaderName::try_from(name) {
        Err(_) => reader.error(at, format!("{name:?} is no header name")),
        Ok(header) if is_connection_header(&header) => {
            reader.error(at, format!("the header {name} is set by the HTTP client"));
        }
        Ok(header) if header == http::header::AUTHORIZATION || header == http::header::COOKIE => {
            let hint = "a security scheme sets it";
            reader.error_hint(at, format!("the header {name} carries credentials and is no parameter"), hint);
        }
        Ok(_) => {}
    }
}

fn style<'d>(reader: &mut Reader<'d>, object: Object<'d>, location: Location) -> ParamStyle {
    let explode = reader.flag(object, "explode");
    let form = if explode == Some(false) { ParamStyle::Comma } else { ParamStyle::Repeat };
    let (styles, default): (&[(&str, ParamStyle)], ParamStyle) = match location {
        Location::Query => (
            &[
                ("form", form),
                ("spaceDelimited", ParamStyle::Space),
                ("pipeDelimited", ParamStyle::Pipe),
                ("deepObject", ParamStyle::DeepObject),
            ],
            form,
        ),
        Location::Path | Location::Header => (&[("simple", ParamStyle::Comma)], ParamStyle::Comma),
    };
    reader.choice(object, "style", styles).unwrap_or(default)
}

/// The default; one that is a template is checked here and rendered when the call runs.
pub(super) fn default<'d>(
    reader: &mut Reader<'d>,
    typed: &Typed<'d>,
    credentials: &CredentialNames,
) -> Option<serde_json::Value> {
    let node = typed.default.filter(|node| !matches!(node.value, Value::Null))?;
    if node.as_str().is_some_and(|text| text.contains("{{")) {
        super::probe::computed(reader, node, credentials)?;
        return Some(node.to_json());
    }
    let value = node.to_json();
    if !typed.allowed.is_empty() && !value.is_array() && !typed.allowed.contains(&value) {
        reader.warn(node, format!("the default {value} is not in the enum"), None);
    }
    Some(value)
}

fn inject<'d>(
    reader: &mut Reader<'d>,
    object: Object<'d>,
    location: Location,
    credentials: &CredentialNames,
) -> Option<(String, IndexMap<String, serde_json::Value>)> {
    let inject = reader.child(object, "x-airbyte-param-config-inject", &INJECT)?;
    if location != Location::Query {
        let message = "x-airbyte-param-config-inject fills query parameters only";
        reader.error_hint(inject.node, message, "x-airbyte-scoping of info fills parameters of every place");
        return None;
    }
    let source = reader.required_text(inject, "source", "region")?;
    if credentials.has(source) {
        reader.error(
            inject.node,
            format!("a parameter must not be filled from the credential value {source:?}"),
        );
        return None;
    }
    let map = reader.child_map(inject, "map", "map");
    let entries = map.into_iter().flat_map(|map| map.map.iter());
    Some((source.to_owned(), entries.map(|(key, entry)| (key.to_owned(), entry.value.to_json())).collect()))
}

/// The node of a parameter's schema.
pub(super) fn schema_node(object: Object<'_>) -> Option<&Node> {
    object.get("schema")
}
