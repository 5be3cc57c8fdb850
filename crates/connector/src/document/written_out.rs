//! Writes a schema out for people and agents: references followed, extensions gone, valid JSON Schema 2020-12.
//!
//! Knows the keywords of JSON Schema (2020-12, core and validation) and what kind of value each takes. Must not know whose
//! schema it is. What another dialect means by a keyword (`exclusiveMinimum: true`, a list of `items`) is left out.

use super::node::{Node, Value};
use super::schema::{follow, type_names};
use serde_json::{Map, json};

/// Most values of one schema; what goes beyond is left open.
const MOST_VALUES: usize = 1500;
/// Deepest nesting.
const MOST_DEPTH: usize = 12;

/// What a keyword takes.
#[derive(Clone, Copy)]
enum Takes {
    Schema,
    NamedSchemas,
    Schemas,
    Count,
    Number,
    Text,
    Flag,
    Names,
    Type,
    List,
    Anything,
}

fn takes(keyword: &str) -> Option<Takes> {
    Some(match keyword {
        "items" | "additionalProperties" | "not" | "contains" | "propertyNames" | "if" | "then" | "else" => {
            Takes::Schema
        }
        "properties" | "patternProperties" => Takes::NamedSchemas,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Takes::Schemas,
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => Takes::Count,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Takes::Number,
        "title" | "description" | "format" | "pattern" | "contentEncoding" | "contentMediaType" => {
            Takes::Text
        }
        "uniqueItems" | "readOnly" | "writeOnly" | "deprecated" => Takes::Flag,
        "required" => Takes::Names,
        "type" => Takes::Type,
        "enum" | "examples" => Takes::List,
        "const" | "default" => Takes::Anything,
        _ => return None,
    })
}

/// The schema as a JSON object; empty where it says nothing. Cycles cannot occur: the loader refuses them.
pub(super) fn write_out(root: &Node, schema: &Node) -> Map<String, serde_json::Value> {
    match (Writer { root, left: MOST_VALUES }).schema(schema, 0) {
        serde_json::Value::Object(map) => map,
        _ => Map::new(),
    }
}

struct Writer<'d> {
    root: &'d Node,
    left: usize,
}

impl Writer<'_> {
    fn schema(&mut self, node: &Node, depth: usize) -> serde_json::Value {
        if let Value::Bool(open) = node.value {
            return json!(open);
        }
        if self.left == 0 || depth > MOST_DEPTH {
            return json!({});
        }
        self.left -= 1;
        let Some(schema) = follow(self.root, node) else { return json!({}) };
        let mut map = Map::new();
        for (keyword, entry) in schema.entries() {
            if let Some(value) = takes(keyword).and_then(|takes| self.keyword(takes, &entry.value, depth)) {
                map.insert(keyword.to_owned(), value);
            }
        }
        // OpenAPI 3.0's two words for what JSON Schema says otherwise.
        if schema.get("nullable").and_then(Node::as_bool) == Some(true)
            && let [name] = type_names(schema).as_slice()
        {
            map.insert("type".to_owned(), json!([name, "null"]));
        }
        if let Some(example) = schema.get("example").filter(|_| !map.contains_key("examples")) {
            map.insert("examples".to_owned(), json!([example.to_json()]));
        }
        // What stands beside a reference is nearer than what stands behind it.
        for (keyword, takes) in [("description", Takes::Text), ("default", Takes::Anything)] {
            let beside = node.get(keyword).filter(|_| !std::ptr::eq(node, schema));
            if let Some(value) = beside.and_then(|value| self.keyword(takes, value, depth)) {
                map.insert(keyword.to_owned(), value);
            }
        }
        serde_json::Value::Object(map)
    }

    fn keyword(&mut self, takes: Takes, node: &Node, depth: usize) -> Option<serde_json::Value> {
        match takes {
            Takes::Schema => {
                let is_schema = matches!(node.value, Value::Mapping(_) | Value::Bool(_));
                is_schema.then(|| self.schema(node, depth + 1))
            }
            Takes::NamedSchemas => node.as_mapping().map(|_| self.named(node, depth)),
            Takes::Schemas => {
                let members = node.as_sequence().filter(|members| !members.is_empty())?;
                Some(members.iter().map(|member| self.schema(member, depth + 1)).collect())
            }
            Takes::Text => node.as_str().map(|text| json!(text.trim())),
            Takes::Flag => node.as_bool().map(|flag| json!(flag)),
            Takes::Count => Some(node.to_json()).filter(serde_json::Value::is_u64),
            Takes::Number => Some(node.to_json()).filter(serde_json::Value::is_number),
            Takes::Names => node.as_sequence().map(names),
            Takes::Type => match &node.value {
                Value::Sequence(given) => Some(names(given)).filter(|names| *names != json!([])),
                _ => node.as_str().map(|name| json!(name)),
            },
            Takes::List => node.as_sequence().map(|_| node.to_json()),
            // A default that is computed when the call runs is no value.
            Takes::Anything => {
                let computed = node.as_str().is_some_and(|text| text.contains("{{"));
                (!computed).then(|| node.to_json())
            }
        }
    }

    fn named(&mut self, node: &Node, depth: usize) -> serde_json::Value {
        let mut members = Map::new();
        for (name, entry) in node.entries() {
            if self.left == 0 {
                break;
            }
            members.insert(name.to_owned(), self.schema(&entry.value, depth + 1));
        }
        serde_json::Value::Object(members)
    }
}

/// Texts, each once.
fn names(nodes: &[Node]) -> serde_json::Value {
    let mut names: Vec<&str> = Vec::new();
    for name in nodes.iter().filter_map(Node::as_str) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    json!(names)
}
