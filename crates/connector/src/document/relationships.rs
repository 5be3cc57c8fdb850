//! Reads which entity's records another entity's parameters name.
//!
//! Knows `x-airbyte-entity-relationships`. Must not know what the values are used for.

use super::node::{Node, Value};
use super::operations::Read;
use super::reader::{Object, Reader};
use super::shape::RELATIONSHIP;
use crate::plan::Relationship;
use crate::spelling::nearest;

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

/// A relationship of an entity that no operation has is a slip.
pub(super) fn check<'d>(reader: &mut Reader<'d>, root: Object<'d>, operations: &[Read<'_>]) {
    let Some(info) = root.get("info") else { return };
    let entities: Vec<&str> = operations.iter().map(|read| read.operation.entity.as_str()).collect();
    for node in info.get("x-airbyte-entity-relationships").and_then(Node::as_sequence).unwrap_or_default() {
        for name in ["source_entity", "target_entity"].iter().filter_map(|key| node.get(key)?.as_str()) {
            if !entities.contains(&name) {
                let hint =
                    nearest(name, entities.iter().copied()).map(|near| format!("did you mean {near:?}?"));
                reader.warn(node, format!("no operation has the entity {name:?}"), hint);
            }
        }
    }
}

/// One value, or a list of them.
fn values(node: &Node) -> Vec<serde_json::Value> {
    match &node.value {
        Value::Sequence(items) => items.iter().map(Node::to_json).collect(),
        _ => vec![node.to_json()],
    }
}
