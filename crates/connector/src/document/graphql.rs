//! Reads GraphQL bodies (`x-airbyte-body-type`).
//!
//! Knows query, variables and placeholders. Must not know other bodies.

use super::credentials::CredentialNames;
use super::node::{Node, Value};
use super::reader::{Object, Reader};
use super::shape::GRAPHQL;
use crate::plan::{Body, BodyField, GraphqlBody, Location, Parameter, ValueType};

pub(super) fn read<'d>(
    reader: &mut Reader<'d>,
    node: &'d Node,
    declared: Vec<BodyField>,
    parameters: &[Parameter],
    credentials: &CredentialNames,
) -> Body {
    let Some(object) = reader.object(node, &GRAPHQL) else { return Body::None };
    if reader.choice(object, "type", &[("graphql", ())]).is_none() {
        if object.get("type").is_none() {
            reader.error_hint(node, "x-airbyte-body-type lacks \"type\"", "type: graphql");
        }
        return Body::None;
    }
    let Some(query) = reader.required_text(object, "query", "query { viewer { login } }") else {
        return Body::None;
    };
    let variables = object.get("variables");
    let mut placeholders = Vec::new();
    if let Some(variables) = variables {
        if variables.as_mapping().is_none() {
            reader.error(variables, "\"variables\" must be a map");
        }
        collect(reader, variables, credentials, &mut placeholders);
    }
    let default_fields = default_fields(reader, object);
    let selects = query.contains("{{ fields }}");
    if selects && default_fields.is_none() {
        let hint = "give default_fields, such as \"id name\"";
        reader.error_hint(node, "the query has {{ fields }} but there are no default_fields", hint);
    }
    let fields = caller_fields(reader, node, declared, parameters, &placeholders, selects);
    let key = if object.get("nullable_variables").is_some() {
        "nullable_variables"
    } else {
        "x-airbyte-nullable-variables"
    };
    Body::Graphql(Box::new(GraphqlBody {
        query: query.to_owned(),
        variables: variables.map(Node::to_json),
        operation_name: reader.text(object, "operationName").map(str::to_owned),
        default_fields,
        nullable: reader.texts(object, key).into_iter().map(str::to_owned).collect(),
        fields,
    }))
}

/// Names of `{{ name }}` in the variables, in order. Only this spelling is filled.
fn collect<'d>(
    reader: &mut Reader<'d>,
    node: &'d Node,
    credentials: &CredentialNames,
    found: &mut Vec<String>,
) {
    match &node.value {
        Value::String(text) => {
            for inside in
                text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}").map(|(name, _)| name))
            {
                let name = inside.strip_prefix(' ').and_then(|name| name.strip_suffix(' ')).unwrap_or(inside);
                let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
                if !is_name || name == inside {
                    let hint = "write {{ name }}, with one space on each side";
                    reader.error_hint(node, format!("{{{{{inside}}}}} is no placeholder"), hint);
                } else if credentials.has(name) && name != "password" {
                    reader.error(node, format!("a variable uses the credential value {name:?}"));
                } else if !found.iter().any(|existing| existing == name) {
                    found.push(name.to_owned());
                }
            }
        }
        Value::Mapping(map) => {
            map.iter().for_each(|(_, entry)| collect(reader, &entry.value, credentials, found));
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect(reader, item, credentials, found)),
        _ => {}
    }
}

fn default_fields<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<serde_json::Value> {
    let node = object.get("default_fields")?;
    match &node.value {
        Value::String(_) => Some(node.to_json()),
        Value::Sequence(items) if items.iter().all(|item| item.as_str().is_some()) => Some(node.to_json()),
        _ => {
            reader.error_hint(
                node,
                "default_fields must be text or a list of names",
                "for example \"id name\"",
            );
            None
        }
    }
}

/// Everything a caller may give: declared body properties, then placeholders, then the selection.
fn caller_fields(
    reader: &mut Reader<'_>,
    node: &Node,
    declared: Vec<BodyField>,
    parameters: &[Parameter],
    placeholders: &[String],
    selects: bool,
) -> Vec<BodyField> {
    let mut fields = declared;
    for field in &fields {
        if !(placeholders.contains(&field.name) || selects && field.name == "fields") {
            let message = format!("no variable uses the body property {:?}", field.name);
            reader.warn(node, message, Some(format!("write {{{{ {} }}}} where it belongs", field.name)));
        }
    }
    for name in placeholders {
        if fields.iter().any(|field| field.name == *name) {
            continue;
        }
        let parameter = parameters.iter().find(|p| p.name == *name && p.location == Location::Query);
        fields.push(match parameter {
            // The parameter itself says what is required.
            Some(parameter) => BodyField {
                name: name.clone(),
                required: false,
                value_type: parameter.value_type.clone(),
                nullable: parameter.nullable,
                allowed: parameter.allowed.clone(),
                default: parameter.default.clone(),
            },
            None => plain(name, ValueType::Any),
        });
    }
    if selects && !fields.iter().any(|field| field.name == "fields") {
        fields.push(plain("fields", ValueType::Array(Box::new(ValueType::String))));
    }
    fields
}

fn plain(name: &str, value_type: ValueType) -> BodyField {
    BodyField {
        name: name.to_owned(),
        required: false,
        value_type,
        nullable: false,
        allowed: Vec::new(),
        default: None,
    }
}
