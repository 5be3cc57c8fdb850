//! Reads JSON Schemas of parameters and bodies as far as a call needs them, and checks the rest.
//!
//! Knows types, enums, defaults and references. Must not know where a value goes.

use super::node::{Node, Value};
use super::problem::Severity;
use super::reader::{Reader, lookup};
use super::shape::SCHEMA_KEYWORDS;
use crate::plan::ValueType;
use crate::spelling::nearest;
use std::collections::HashMap;

/// Longest chain of references.
const MAX_REFERENCES: usize = 64;

/// What a call needs to know of a schema.
pub(super) struct Typed<'d> {
    pub(super) value_type: ValueType,
    pub(super) nullable: bool,
    /// Accepted values; for arrays the items'.
    pub(super) allowed: Vec<serde_json::Value>,
    pub(super) default: Option<&'d Node>,
}

/// Types of JSON Schema.
const TYPES: &[&str] = &["string", "integer", "number", "boolean", "array", "object", "null"];

/// The type of a schema, through references, `allOf`, `oneOf` and `anyOf`.
pub(super) fn typed<'d>(reader: &mut Reader<'d>, node: &'d Node, depth: usize) -> Typed<'d> {
    let mut typed = Typed { value_type: ValueType::Any, nullable: false, allowed: Vec::new(), default: None };
    if depth > 8 {
        return typed;
    }
    let Some(schema) = reader.resolve(node) else { return typed };
    let names = type_names(schema);
    typed.nullable =
        names.contains(&"null") || schema.get("nullable").and_then(Node::as_bool).unwrap_or(false);
    let real: Vec<&str> = names.iter().copied().filter(|name| *name != "null").collect();
    typed.value_type = match real.as_slice() {
        ["string"] => ValueType::String,
        ["integer"] => ValueType::Integer,
        ["number"] | ["integer", "number"] | ["number", "integer"] => ValueType::Number,
        ["boolean"] => ValueType::Boolean,
        ["object"] => ValueType::Object,
        ["array"] => items(reader, schema, &mut typed, depth),
        [] => combined(reader, schema, &mut typed, depth),
        _ => ValueType::Any,
    };
    // A default beside the reference is nearer than one behind it.
    typed.default = node.get("default").or(schema.get("default")).or(typed.default);
    if let Some(values) = schema.get("enum").and_then(Node::as_sequence) {
        typed.nullable |= values.iter().any(|value| matches!(value.value, Value::Null));
        typed.allowed =
            values.iter().filter(|value| !matches!(value.value, Value::Null)).map(Node::to_json).collect();
    } else if let Some(value) = schema.get("const") {
        typed.allowed = vec![value.to_json()];
    }
    typed
}

fn items<'d>(reader: &mut Reader<'d>, schema: &'d Node, typed: &mut Typed<'d>, depth: usize) -> ValueType {
    let Some(items) = schema.get("items").filter(|items| items.as_mapping().is_some()) else {
        return ValueType::Array(Box::new(ValueType::Any));
    };
    let inner = self::typed(reader, items, depth + 1);
    typed.allowed = inner.allowed;
    ValueType::Array(Box::new(inner.value_type))
}

/// Without a type of its own: what all alternatives agree on.
fn combined<'d>(reader: &mut Reader<'d>, schema: &'d Node, typed: &mut Typed<'d>, depth: usize) -> ValueType {
    if schema.get("properties").is_some() {
        return ValueType::Object;
    }
    let mut found: Option<ValueType> = None;
    for key in ["allOf", "oneOf", "anyOf"] {
        for member in schema.get(key).and_then(Node::as_sequence).unwrap_or_default() {
            if matches!(type_names(member).as_slice(), ["null"]) {
                typed.nullable = true;
                continue;
            }
            let inner = self::typed(reader, member, depth + 1);
            typed.nullable |= inner.nullable;
            if key == "allOf" {
                typed.default = typed.default.or(inner.default);
                if typed.allowed.is_empty() {
                    typed.allowed = inner.allowed;
                }
            }
            match &found {
                None => found = Some(inner.value_type),
                Some(before) if *before == inner.value_type || key == "allOf" => {}
                Some(_) => return ValueType::Any,
            }
        }
    }
    found.unwrap_or(ValueType::Any)
}

/// Names under `type`; empty when there is none.
pub(super) fn type_names(schema: &Node) -> Vec<&str> {
    match schema.get("type").map(|node| &node.value) {
        Some(Value::String(name)) => vec![name],
        Some(Value::Sequence(names)) => names.iter().filter_map(Node::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Checks a schema and all schemas inside it: keywords, types, references.
pub(super) fn check<'d>(reader: &mut Reader<'d>, node: &'d Node) {
    if matches!(node.value, Value::Bool(_)) {
        return;
    }
    let Some(object) = reader.map(node, "a schema") else { return };
    for (key, entry) in object.map.iter() {
        if !key.starts_with("x-") && !SCHEMA_KEYWORDS.contains(&key) {
            let hint =
                nearest(key, SCHEMA_KEYWORDS.iter().copied()).map(|near| format!("did you mean {near:?}?"));
            reader.key_problem(Severity::Warning, entry, format!("unknown schema keyword {key:?}"), hint);
        }
        check_keyword(reader, key, &entry.value);
    }
}

fn check_keyword<'d>(reader: &mut Reader<'d>, key: &str, value: &'d Node) {
    match key {
        "$ref" => {
            let Some(target) = reader.text_node(value, "\"$ref\"") else { return };
            if let Err(hint) = lookup(reader.root, target) {
                reader.error_hint(value, format!("the reference {target:?} leads nowhere"), hint);
            }
        }
        "type" => check_type(reader, value),
        "properties" | "patternProperties" | "$defs" | "dependentSchemas" => {
            let Some(map) = reader.map(value, "properties") else { return };
            for (_, entry) in map.map.iter() {
                check(reader, &entry.value);
            }
        }
        "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains" | "propertyNames" => {
            check(reader, value);
        }
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => match value.as_sequence() {
            Some(members) => members.iter().for_each(|member| check(reader, member)),
            None => reader.error(value, format!("{key:?} must be a list of schemas")),
        },
        "enum" => match value.as_sequence() {
            Some([]) => reader.error(value, "an enum needs at least one value"),
            Some(_) => {}
            None => reader.error_hint(value, "\"enum\" must be a list", "for example enum: [open, closed]"),
        },
        "required" => match value.as_sequence() {
            Some(names) => {
                for name in names {
                    reader.text_node(name, "a required name");
                }
            }
            // A habit from JSON Schema draft 3; common, and without effect.
            None if value.as_bool().is_some() => {
                let hint = Some("list the name under \"required\" of the object around it".to_owned());
                reader.warn(value, "\"required: true\" in a schema has no effect", hint);
            }
            None => {
                let hint = "a list of property names";
                reader.error_hint(value, "\"required\" in a schema must be a list", hint);
            }
        },
        "nullable" => {
            let hint = Some("write type: [string, \"null\"]".to_owned());
            reader.warn(value, "\"nullable\" is not part of OpenAPI 3.1", hint);
        }
        _ => {}
    }
}

fn check_type(reader: &mut Reader<'_>, value: &Node) {
    let names = match &value.value {
        Value::String(_) => std::slice::from_ref(value),
        Value::Sequence(names) => names.as_slice(),
        _ => {
            let message = format!("a type must be text or a list of texts, not {}", value.kind());
            reader.error_hint(value, message, "put null in quotes: type: [string, \"null\"]");
            return;
        }
    };
    for name in names {
        match name.as_str() {
            Some(text) if TYPES.contains(&text) => {}
            Some(text) => reader.not_one_of(name, "type", text, TYPES),
            None => reader.error_hint(
                name,
                format!("a type must be text, not {}", name.kind()),
                "put null in quotes: [string, \"null\"]",
            ),
        }
    }
}

/// Checks the document's own schemas and that none leads back to itself.
pub(super) fn check_components(reader: &mut Reader<'_>) {
    let root = reader.root;
    let Some(schemas) = root.get("components").and_then(|c| c.get("schemas")) else { return };
    let Some(map) = reader.map(schemas, "schemas") else { return };
    for (_, entry) in map.map.iter() {
        check(reader, &entry.value);
    }
    let mut states: HashMap<&str, State> = HashMap::new();
    for (name, entry) in map.map.iter() {
        let mut trail = vec![name];
        visit(reader, name, &entry.value, &mut states, &mut trail);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Done,
}

fn visit<'d>(
    reader: &mut Reader<'d>,
    name: &'d str,
    node: &'d Node,
    states: &mut HashMap<&'d str, State>,
    trail: &mut Vec<&'d str>,
) {
    if states.contains_key(name) {
        return;
    }
    states.insert(name, State::Open);
    let mut references = Vec::new();
    collect_references(node, &mut references);
    for reference in references {
        let Some(target) = reference.as_str().and_then(|text| text.strip_prefix("#/components/schemas/"))
        else {
            continue;
        };
        let schemas = reader.root.get("components").and_then(|c| c.get("schemas"));
        let Some(next) = schemas.and_then(|s| s.get(target)) else { continue };
        if states.get(target) == Some(&State::Open) {
            let start = trail.iter().position(|name| *name == target).unwrap_or(0);
            let around = trail.get(start..).unwrap_or_default().join(" -> ");
            reader.error_hint(
                reference,
                format!("the schema {target} contains itself: {around} -> {target}"),
                "leave the inner one out, or make it a plain object",
            );
        } else if trail.len() >= MAX_REFERENCES {
            reader.error(reference, format!("more than {MAX_REFERENCES} references lead into each other"));
        } else {
            trail.push(target);
            visit(reader, target, next, states, trail);
            trail.pop();
        }
    }
    states.insert(name, State::Done);
}

fn collect_references<'d>(node: &'d Node, found: &mut Vec<&'d Node>) {
    match &node.value {
        Value::Mapping(map) => {
            for (key, entry) in map.iter() {
                if key == "$ref" {
                    found.push(&entry.value);
                } else if !key.starts_with("x-")
                    && !matches!(key, "example" | "examples" | "default" | "enum")
                {
                    collect_references(&entry.value, found);
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

/// The schema that a path leads to in a value of this schema; `None` where the schema does not say.
pub(super) fn at_path<'d>(
    root: &'d Node,
    schema: &'d Node,
    path: &crate::plan::JsonPath,
) -> Option<&'d Node> {
    use crate::plan::Step;
    let mut node = follow(root, schema)?;
    for step in &path.steps {
        let next = match step {
            Step::Name(name) => node.get("properties")?.get(name)?,
            Step::Index(_) | Step::Every => node.get("items")?,
        };
        node = follow(root, next)?;
    }
    Some(node)
}

/// Follows references without noting problems.
pub(super) fn follow<'d>(root: &'d Node, node: &'d Node) -> Option<&'d Node> {
    let mut node = node;
    for _ in 0..MAX_REFERENCES {
        let Some(target) = node.get("$ref").and_then(Node::as_str) else { return Some(node) };
        node = lookup(root, target).ok()?;
    }
    None
}
