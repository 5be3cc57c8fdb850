//! Reads ranges, patterns and formats of parameters and body properties, where the document asks for their check.
//!
//! Knows the keywords of JSON Schema 2020-12 section 6 and `x-keybearer-validate`. Must not know values. Published
//! documents do not ask: their bounds are often wrong, and the provider judges better.

use super::node::Node;
use super::reader::{Object, Reader};
use super::{body, parameter};
use crate::plan::{Bounds, Format, Pattern};
use indexmap::IndexMap;

const KEY: &str = "x-keybearer-validate";

/// Bounds by parameter name; none where the document does not ask.
pub(super) fn read<'d>(
    reader: &mut Reader<'d>,
    operation: Object<'d>,
    parameters: &[Object<'d>],
) -> IndexMap<String, Bounds> {
    if reader.root.get(KEY).and_then(Node::as_bool) != Some(true) {
        return IndexMap::new();
    }
    let named = parameters
        .iter()
        .filter_map(|object| Some((object.get("name")?.as_str()?, parameter::schema_node(*object)?)));
    let all: Vec<_> = named.chain(body::property_nodes(reader.root, operation)).collect();
    let mut bounds = IndexMap::new();
    for (name, schema) in all {
        if let Some(read) = of_schema(reader, schema) {
            bounds.insert(name.to_owned(), read);
        }
    }
    bounds
}

/// The bounds of a schema and, for a list, of its items.
fn of_schema<'d>(reader: &mut Reader<'d>, schema: &'d Node) -> Option<Bounds> {
    let schema = reader.resolve(schema)?;
    let items = schema.get("items").and_then(|items| reader.resolve(items)).unwrap_or(schema);
    let number = |key: &str| items.get(key).and_then(|node| node.to_json().as_f64());
    let whole = |node: &Node, key: &str| node.get(key).and_then(|node| node.to_json().as_u64());
    let bounds = Bounds {
        minimum: number("minimum"),
        maximum: number("maximum"),
        above: number("exclusiveMinimum"),
        below: number("exclusiveMaximum"),
        min_length: whole(items, "minLength"),
        max_length: whole(items, "maxLength"),
        min_items: whole(schema, "minItems"),
        max_items: whole(schema, "maxItems"),
        pattern: pattern(reader, items),
        format: items.get("format").and_then(Node::as_str).and_then(format),
    };
    (bounds != Bounds::default()).then_some(bounds)
}

fn pattern<'d>(reader: &mut Reader<'d>, schema: &'d Node) -> Option<Pattern> {
    let node = schema.get("pattern")?;
    let text = node.as_str()?;
    match Pattern::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            reader.error(
                node,
                format!("the pattern {text:?} is no regular expression of linear run time: {why}"),
            );
            None
        }
    }
}

fn format(name: &str) -> Option<Format> {
    match name {
        "date" => Some(Format::Date),
        "date-time" => Some(Format::DateTime),
        "email" => Some(Format::Email),
        "uuid" => Some(Format::Uuid),
        "uri" => Some(Format::Uri),
        _ => None,
    }
}
