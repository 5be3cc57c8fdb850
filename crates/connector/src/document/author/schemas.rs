//! Converts a vendor's schemas: OpenAPI 3.0 to 3.1, references written out, recursion and depth bounded.
//!
//! Knows JSON Schema. Must not know where a schema is used.

use super::left_out::LeftOut;
use super::source::{Source, flag, items, prose, text};
use serde_json::{Map, Value, json};

/// Longest description of a property, in characters.
const DESCRIPTION: usize = 160;
/// Most values of one converted schema; what comes after is left open.
const MOST_VALUES: usize = 4000;
/// Most schemas that lead into each other without nesting (`$ref`, `allOf`).
const MAX_HOPS: usize = 24;
/// Keywords that are kept as they are.
const KEPT: &[&str] = &[
    "format",
    "pattern",
    "const",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "readOnly",
];
const TYPES: &[&str] = &["string", "integer", "number", "boolean", "array", "object", "null"];

/// Reasons, as they are told.
const TOO_DEEP: &str = "schemas were cut where they nest deeper, at";
const ALTERNATIVES: &str = "alternatives (oneOf, anyOf) became one open schema, at";
const NOWHERE: &str = "references that lead nowhere or to another file became open schemas, at";

/// Converts one schema and what is inside it.
pub(super) struct Converter<'s, 'l> {
    source: &'s Source,
    left_out: &'l mut LeftOut,
    /// What is being converted, for the report.
    place: &'l str,
    values: usize,
}

impl<'s, 'l> Converter<'s, 'l> {
    pub(super) fn new(source: &'s Source, left_out: &'l mut LeftOut, place: &'l str) -> Self {
        Self { source, left_out, place, values: 0 }
    }

    /// The schema with at most `depth` levels of nesting.
    pub(super) fn schema(&mut self, schema: &'s Value, depth: usize) -> Map<String, Value> {
        let mut parts = Vec::new();
        self.parts(schema, &mut parts, 0);
        let mut converted = Map::new();
        Self::types(&parts, &mut converted);
        for part in &parts {
            for key in KEPT {
                if let Some(value) = part.get(*key)
                    && !converted.contains_key(*key)
                {
                    converted.insert((*key).to_owned(), value.clone());
                }
            }
            Self::values(part, &mut converted);
            bounds(part, &mut converted);
        }
        self.values += 1;
        let open = depth == 0 || self.values > MOST_VALUES;
        self.array(&parts, &mut converted, depth, open);
        self.object(&parts, &mut converted, depth, open);
        self.alternatives(&parts, &mut converted, depth, open);
        converted
    }

    /// The schema, what it refers to, and the members of `allOf`: the nearest first.
    fn parts(&mut self, schema: &'s Value, parts: &mut Vec<&'s Value>, hops: usize) {
        if hops > MAX_HOPS || parts.len() > MAX_HOPS {
            return;
        }
        if schema.get("$ref").is_some() {
            // Beside a reference stands what is nearer: description, default, nullable.
            parts.push(schema);
            match self.source.resolve(schema) {
                Some(target) => self.parts(target, parts, hops + 1),
                None => self.left_out.note(NOWHERE, self.place),
            }
            return;
        }
        parts.push(schema);
        for member in items(schema, "allOf") {
            self.parts(member, parts, hops + 1);
        }
        // An alternative to null only says that null is possible.
        for key in ["oneOf", "anyOf"] {
            let real: Vec<&Value> = items(schema, key).iter().filter(|member| !is_null(member)).collect();
            if let [only] = real.as_slice() {
                self.parts(only, parts, hops + 1);
            }
        }
    }

    fn types(parts: &[&'s Value], converted: &mut Map<String, Value>) {
        let mut names: Vec<&str> = Vec::new();
        for part in parts {
            let found: Vec<&str> = match part.get("type") {
                Some(Value::String(name)) => vec![name],
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            if names.is_empty() {
                names = found.into_iter().filter(|name| TYPES.contains(name)).collect();
            }
        }
        let has = |key: &str| parts.iter().any(|part| part.get(key).is_some());
        if names.is_empty() && has("properties") {
            names.push("object");
        } else if names.is_empty() && has("items") {
            names.push("array");
        }
        let nullable = parts.iter().any(|part| nullable(part));
        if nullable && !names.is_empty() && !names.contains(&"null") {
            names.push("null");
        }
        match names.as_slice() {
            [] => {}
            [one] => drop(converted.insert("type".to_owned(), json!(one))),
            many => drop(converted.insert("type".to_owned(), json!(many))),
        }
    }

    /// Description, enum and default.
    fn values(part: &'s Value, converted: &mut Map<String, Value>) {
        if let Some(words) = text(part, "description").or(text(part, "title"))
            && !converted.contains_key("description")
        {
            converted.insert("description".to_owned(), json!(prose(words, DESCRIPTION)));
        }
        let values = items(part, "enum");
        if !values.is_empty() && !converted.contains_key("enum") {
            let mut values = values.to_vec();
            let nullable =
                converted.get("type").is_some_and(|names| items_of(names).any(|name| name == "null"));
            if nullable && !values.contains(&Value::Null) {
                values.push(Value::Null);
            }
            converted.insert("enum".to_owned(), Value::Array(values));
        }
        // A default in braces would be taken for a template.
        let template = |value: &Value| value.as_str().is_some_and(|text| text.contains("{{"));
        if let Some(value) = part.get("default").filter(|value| !value.is_null() && !template(value))
            && !converted.contains_key("default")
        {
            converted.insert("default".to_owned(), value.clone());
        }
    }

    fn array(&mut self, parts: &[&'s Value], converted: &mut Map<String, Value>, depth: usize, open: bool) {
        let Some(inner) = parts.iter().find_map(|part| part.get("items")).filter(|inner| inner.is_object())
        else {
            return;
        };
        let inner = if open {
            let kind = self.source.resolve(inner).and_then(|inner| text(inner, "type"));
            let known = kind.filter(|kind| TYPES.contains(kind));
            known.map(|kind| Map::from_iter([("type".to_owned(), json!(kind))])).unwrap_or_default()
        } else {
            let mut inner = self.schema(inner, depth - 1);
            inner.remove("description");
            inner
        };
        converted.insert("items".to_owned(), Value::Object(inner));
    }

    fn object(&mut self, parts: &[&'s Value], converted: &mut Map<String, Value>, depth: usize, open: bool) {
        let declared = parts.iter().flat_map(|part| super::source::entries(part, "properties"));
        let mut properties = Map::new();
        for (name, schema) in declared {
            if open {
                self.left_out.note(TOO_DEEP, self.place);
                return;
            }
            if !properties.contains_key(name) {
                properties.insert(name.clone(), Value::Object(self.schema(schema, depth - 1)));
            }
        }
        let required: Vec<&str> = parts
            .iter()
            .flat_map(|part| items(part, "required"))
            .filter_map(Value::as_str)
            .filter(|name| properties.contains_key(*name))
            .collect();
        if !required.is_empty() {
            converted.insert("required".to_owned(), json!(required));
        }
        let free = parts.iter().find_map(|part| part.get("additionalProperties"));
        if free.is_some_and(|free| free != &Value::Bool(false)) {
            converted.insert("additionalProperties".to_owned(), Value::Bool(true));
        }
        if !properties.is_empty() {
            converted.insert("properties".to_owned(), Value::Object(properties));
        }
    }

    /// What all alternatives have in common: their type, and the properties of objects, of which none is required then.
    fn alternatives(
        &mut self,
        parts: &[&'s Value],
        converted: &mut Map<String, Value>,
        depth: usize,
        open: bool,
    ) {
        let several = |key: &str| {
            let found = parts.iter().map(|part| items(part, key)).find(|members| !members.is_empty());
            found.unwrap_or_default().iter().filter(|member| !is_null(member)).collect::<Vec<_>>()
        };
        let members = [several("oneOf"), several("anyOf")].into_iter().find(|members| members.len() > 1);
        let Some(members) = members else { return };
        if open {
            return self.left_out.note(TOO_DEEP, self.place);
        }
        let members: Vec<Map<String, Value>> =
            members.into_iter().map(|member| self.schema(member, depth - 1)).collect();
        self.left_out.note(ALTERNATIVES, self.place);
        let mut kinds: Vec<&str> = Vec::new();
        for kind in members.iter().flat_map(|member| member.get("type").into_iter().flat_map(items_of)) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let untyped = members.iter().any(|member| !member.contains_key("type"));
        let objects = !untyped && kinds.iter().all(|kind| ["object", "null"].contains(kind));
        if parts.iter().any(|part| nullable(part)) && !kinds.contains(&"null") {
            kinds.push("null");
        }
        if !untyped && !converted.contains_key("type") {
            let kind = if let [one] = kinds.as_slice() { json!(one) } else { json!(kinds) };
            converted.insert("type".to_owned(), kind);
        }
        merge_enums(&members, converted);
        if !objects {
            return;
        }
        let mut all = match converted.remove("properties") {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        for (name, schema) in
            members.iter().flat_map(|member| super::source::entries_of(member, "properties"))
        {
            if !all.contains_key(name) {
                all.insert(name.clone(), schema.clone());
            }
        }
        if !all.is_empty() {
            converted.insert("properties".to_owned(), Value::Object(all));
        }
    }
}

/// Says that null is possible: by 3.0's word for it, or by an alternative.
fn nullable(part: &Value) -> bool {
    flag(part, "nullable") || ["oneOf", "anyOf"].iter().any(|key| items(part, key).iter().any(is_null))
}

/// All alternatives' values, where each lists some.
fn merge_enums(members: &[Map<String, Value>], converted: &mut Map<String, Value>) {
    let enums: Vec<&[Value]> =
        members.iter().filter_map(|member| member.get("enum")?.as_array()).map(Vec::as_slice).collect();
    if enums.len() == members.len() && !converted.contains_key("enum") {
        let mut values: Vec<Value> = Vec::new();
        for value in enums.concat() {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        converted.insert("enum".to_owned(), Value::Array(values));
    }
}

/// OpenAPI 3.0 says by a truth value that a bound is exclusive; 3.1 gives the bound itself.
fn bounds(part: &Value, converted: &mut Map<String, Value>) {
    for (exclusive, inclusive) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match part.get(exclusive) {
            Some(Value::Bool(true)) => {
                if let Some(bound) = converted.remove(inclusive) {
                    converted.insert(exclusive.to_owned(), bound);
                }
            }
            Some(bound @ Value::Number(_)) => drop(converted.insert(exclusive.to_owned(), bound.clone())),
            _ => {}
        }
    }
}

fn items_of(names: &Value) -> impl Iterator<Item = &str> {
    names.as_array().into_iter().flatten().chain(std::iter::once(names)).filter_map(Value::as_str)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|names| {
        names == "null" || names.as_array().is_some_and(|names| names.iter().all(|name| name == "null"))
    }) || schema
        .get("enum")
        .and_then(Value::as_array)
        .is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_null))
}
