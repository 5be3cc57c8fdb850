//! Reads request bodies: JSON, form, multipart/related.
//!
//! Knows media types and top-level properties. Must not know GraphQL (`graphql`) or parameters' places.

use super::credentials::CredentialNames;
use super::graphql;
use super::node::{Node, Value};
use super::parameter::default;
use super::reader::{Object, Reader};
use super::schema;
use super::shape::{MEDIA_TYPE, REQUEST_BODY};
use crate::plan::{Body, BodyField, Fields, Parameter};

/// Media types that bodies may have.
const SUPPORTED: &str = "application/json, application/x-www-form-urlencoded or multipart/related";

/// A JSON media type (RFC 6839 section 3.1).
pub(super) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

pub(super) fn read<'d>(
    reader: &mut Reader<'d>,
    operation: Object<'d>,
    parameters: &[Parameter],
    credentials: &CredentialNames,
) -> Body {
    let Some(node) = operation.get("requestBody").and_then(|node| reader.resolve(node)) else {
        return Body::None;
    };
    let Some(object) = reader.object(node, &REQUEST_BODY) else { return Body::None };
    let content = media_type(reader, object);
    if let Some(node) = object.get("x-airbyte-body-type") {
        let fields =
            content.map(|(_, schema)| fields(reader, schema, parameters, credentials)).unwrap_or_default();
        return graphql::read(reader, node, fields.fields, parameters, credentials);
    }
    let Some((media_type, schema)) = content else {
        if object.get("content").is_none() {
            reader.error_hint(object.node, "a request body needs \"content\"", format!("with {SUPPORTED}"));
        }
        return Body::None;
    };
    let mut fields = fields(reader, schema, parameters, credentials);
    media_type.clone_into(&mut fields.content_type);
    let file_field = reader.text(operation, "x-airbyte-upload-file-param");
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match (essence.as_str(), file_field) {
        ("multipart/related", Some(name)) => {
            if !fields.fields.iter().any(|field| field.name == name)
                && let Some(at) = operation.get("x-airbyte-upload-file-param")
            {
                let names: Vec<&str> = fields.fields.iter().map(|field| field.name.as_str()).collect();
                reader.not_one_of(at, "body property", name, &names);
            }
            Body::Related { fields, file_field: name.to_owned() }
        }
        ("multipart/related", None) => {
            let hint = "name the property that holds the file: x-airbyte-upload-file-param: file_content";
            reader.error_hint(object.node, "multipart/related needs a file property", hint);
            Body::None
        }
        ("application/x-www-form-urlencoded", _) => Body::Form(fields),
        _ => Body::Json(fields),
    }
}

/// The body's media type and its schema.
fn media_type<'d>(reader: &mut Reader<'d>, object: Object<'d>) -> Option<(&'d str, &'d Node)> {
    let content = reader.child_map(object, "content", "content")?;
    let supported = |name: &str| {
        is_json(name)
            || name.starts_with("application/x-www-form-urlencoded")
            || name.starts_with("multipart/related")
    };
    let chosen = content.map.iter().find(|(name, _)| supported(name));
    let Some((name, entry)) = chosen else {
        let given: Vec<&str> = content.map.keys().collect();
        let message = format!("the body type {} is not supported", given.join(", "));
        reader.error_hint(content.node, message, format!("use {SUPPORTED}"));
        return None;
    };
    if content.map.len() > 1 {
        reader.warn(content.node, format!("of several body types {name} is used"), None);
    }
    let media = reader.object(&entry.value, &MEDIA_TYPE)?;
    let Some(node) = media.get("schema") else {
        reader.error_hint(media.node, "a body needs a \"schema\"", "schema: {type: object, properties: {…}}");
        return None;
    };
    schema::check(reader, node);
    Some((name, node))
}

/// The top-level properties that a caller may give.
fn fields<'d>(
    reader: &mut Reader<'d>,
    node: &'d Node,
    parameters: &[Parameter],
    credentials: &CredentialNames,
) -> Fields {
    let mut fields = Fields::default();
    let Some(mut schema) = reader.resolve(node) else { return fields };
    if schema::type_names(schema).contains(&"array") {
        fields.array = true;
        let Some(items) = schema.get("items").and_then(|items| reader.resolve(items)) else {
            reader.error(schema, "a list as body needs \"items\" with properties");
            return fields;
        };
        schema = items;
    }
    let mut parts = Vec::new();
    members(reader, schema, &mut parts, 0);
    let required: Vec<&str> = parts
        .iter()
        .filter_map(|part| part.get("required").and_then(Node::as_sequence))
        .flatten()
        .filter_map(Node::as_str)
        .collect();
    for part in &parts {
        for (name, entry) in part.get("properties").into_iter().flat_map(Node::entries) {
            if read_only(reader, &entry.value) || fields.fields.iter().any(|field| field.name == name) {
                continue;
            }
            if parameters.iter().any(|parameter| parameter.name == name) {
                let message = format!(
                    "{name:?} is both a parameter and a body property: a caller's value goes to both"
                );
                reader.warn(&entry.value, message, None);
            }
            fields.fields.push(field(reader, name, &entry.value, required.contains(&name), credentials));
        }
    }
    for name in &required {
        if !fields.fields.iter().any(|field| field.name == *name) {
            let names: Vec<&str> = fields.fields.iter().map(|field| field.name.as_str()).collect();
            let hint = crate::spelling::nearest(name, names).map(|near| format!("did you mean {near:?}?"));
            reader.warn(schema, format!("the required body property {name:?} is not declared"), hint);
        }
    }
    let open = parts.iter().any(|part| match part.get("additionalProperties").map(|node| &node.value) {
        Some(Value::Bool(open)) => *open,
        Some(_) => true,
        None => false,
    });
    if open {
        // Names of parameters are theirs alone, and a record's own id is never part of its fields.
        let mut except: Vec<String> = parameters.iter().map(|parameter| parameter.name.clone()).collect();
        if !except.iter().any(|name| name == "id") {
            except.push("id".to_owned());
        }
        fields.open = Some(except);
    }
    fields
}

/// The schema itself and what `allOf` adds to it.
fn members<'d>(reader: &mut Reader<'d>, schema: &'d Node, parts: &mut Vec<&'d Node>, depth: usize) {
    parts.push(schema);
    if depth > 8 {
        return;
    }
    for member in schema.get("allOf").and_then(Node::as_sequence).unwrap_or_default() {
        if let Some(member) = reader.resolve(member) {
            members(reader, member, parts, depth + 1);
        }
    }
}

/// `readOnly` properties are the provider's to set.
fn read_only(reader: &Reader<'_>, node: &Node) -> bool {
    let schema = schema::follow(reader.root, node);
    [Some(node), schema]
        .into_iter()
        .flatten()
        .any(|n| n.get("readOnly").and_then(Node::as_bool) == Some(true))
}

fn field<'d>(
    reader: &mut Reader<'d>,
    name: &str,
    node: &'d Node,
    required: bool,
    credentials: &CredentialNames,
) -> BodyField {
    let typed = schema::typed(reader, node, 0);
    let default = default(reader, &typed, credentials);
    BodyField {
        name: name.to_owned(),
        required,
        value_type: typed.value_type,
        nullable: typed.nullable,
        allowed: typed.allowed,
        default,
    }
}

/// Top-level body properties with their nodes, without noting problems: for probes and descriptions.
pub(super) fn property_nodes<'d>(root: &'d Node, operation: Object<'d>) -> Vec<(&'d str, &'d Node)> {
    let Some(body) = operation.get("requestBody").and_then(|node| schema::follow(root, node)) else {
        return Vec::new();
    };
    let content = body.get("content").and_then(Node::as_mapping);
    let Some(media) = content.and_then(|content| content.iter().next()) else { return Vec::new() };
    let Some(schema) = media.1.value.get("schema").and_then(|node| schema::follow(root, node)) else {
        return Vec::new();
    };
    let schema = match schema.get("items").filter(|_| schema::type_names(schema).contains(&"array")) {
        Some(items) => schema::follow(root, items).unwrap_or(items),
        None => schema,
    };
    let own = std::iter::once(schema);
    let all = schema.get("allOf").and_then(Node::as_sequence).unwrap_or_default();
    own.chain(all.iter().filter_map(|node| schema::follow(root, node)))
        .filter_map(|part| part.get("properties"))
        .flat_map(Node::entries)
        .map(|(name, entry)| (name, &entry.value))
        .collect()
}
