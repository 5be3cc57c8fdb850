//! Reads which entity's records another entity's parameters name.
//!
//! Knows `x-airbyte-entity-relationships`. Must not know what the values are used for.

use super::node::{Node, Value};
use super::reader::{Object, Reader};
use super::shape::RELATIONSHIP;
use crate::plan::Relationship;

/// The relationships of `info`, in document order.
pub(super) fn read<'d>(reader: &mut Reader<'d>, info: Object<'d>) -> Vec<Relationship> {
    let mut relationships = Vec::new();
    for node in reader.list(info, "x-airbyte-entity-relationships") {
        let Some(object) = reader.object(node, &RELATIONSHIP) else { continue };
        let child = reader.required_text(object, "source_entity", "comments");
        let parent = reader.required_text(object, "target_entity", "posts");
        let param = reader.required_text(object, "foreign_key", "post_id");
        let key = reader.text(object, "target_key").unwrap_or("id");
        let filter = reader.child_map(object, "parent_record_filter", "parent_record_filter");
        let filter = filter.into_iter().flat_map(|filter| filter.map.iter());
        let filter = filter.map(|(field, entry)| (field.to_owned(), values(&entry.value))).collect();
        if let (Some(child), Some(parent), Some(param)) = (child, parent, param) {
            relationships.push(Relationship {
                child: child.to_owned(),
                param: param.to_owned(),
                parent: parent.to_owned(),
                key: key.to_owned(),
                filter,
            });
        }
    }
    relationships
}

/// One value, or a list of them.
fn values(node: &Node) -> Vec<serde_json::Value> {
    match &node.value {
        Value::Sequence(items) => items.iter().map(Node::to_json).collect(),
        _ => vec![node.to_json()],
    }
}
