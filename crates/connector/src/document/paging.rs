//! Reads `x-keybearer-pagination`: how an operation pages, said by its author.
//!
//! Knows the extension. Must not know how paging is guessed (`infer`).

use super::node::Node;
use super::operations::meta_source;
use super::reader::{Object, Reader};
use super::shape::PAGINATION;
use crate::plan::{Body, Fields, Location, MetaSource, NextCursor, Operation, Paging, ValueType};

pub(super) fn read<'d>(reader: &mut Reader<'d>, node: &'d Node, operation: &Operation) -> Option<Paging> {
    let object = reader.object(node, &PAGINATION)?;
    let inputs = inputs(operation);
    let names: Vec<&str> = inputs.iter().map(|input| input.name).collect();
    let cursor_param = input_name(reader, object, "cursor_param", &inputs, &names);
    let limit_param = input_name(reader, object, "limit_param", &inputs, &names);
    let is_url = reader.choice(object, "cursor_is", &[("url", true), ("value", false)]);
    let first_page = reader.whole(object, "first_page");
    let cursor = reader.required_text(object, "cursor", "$.paging.next.after")?;
    if first_page.is_some() && cursor != "page" {
        let at = object.get("first_page").unwrap_or(node);
        reader.error(at, "first_page is for counting pages: cursor: page");
    }
    let next = match cursor {
        "offset" => NextCursor::Offset,
        "page" => NextCursor::Page { first: first_page.unwrap_or(1) },
        _ => match meta_source(cursor) {
            Ok(MetaSource::Path(path)) if is_url == Some(true) => NextCursor::Url(path),
            Ok(MetaSource::Path(path)) => NextCursor::Path(path),
            Ok(MetaSource::Link(relation)) => NextCursor::Link(relation),
            Ok(MetaSource::Header(_)) | Err(_) => {
                let at = object.get("cursor").unwrap_or(node);
                let hint = "a path such as $.next, or @link.next, offset, page";
                reader.error_hint(at, format!("{cursor:?} is no source of a cursor"), hint);
                return None;
            }
        },
    };
    if cursor_param.is_none() && !matches!(next, NextCursor::Url(_) | NextCursor::Link(_)) {
        if object.get("cursor_param").is_none() {
            let hint = format!("name the parameter that continues; declared: {}", names.join(", "));
            reader.error_hint(node, "x-keybearer-pagination lacks \"cursor_param\"", hint);
        }
        return None;
    }
    let has_more = super::oauth_parts::path(reader, object, "has_more");
    let declared = limit_param.as_deref().and_then(|name| default_limit(operation, name));
    let default_limit = reader.whole(object, "default_limit").or(declared);
    Some(Paging { cursor_param, limit_param, next, has_more, default_limit })
}

/// A declared name, or a member of a declared object (`pagination.starting_after`).
fn input_name<'d>(
    reader: &mut Reader<'d>,
    object: Object<'d>,
    key: &str,
    inputs: &[Input<'_>],
    names: &[&str],
) -> Option<String> {
    let name = reader.text(object, key)?;
    let inside = name.split_once('.').is_some_and(|(outer, member)| {
        let holds = |input: &&Input<'_>| matches!(input.value_type, ValueType::Object | ValueType::Any);
        !member.is_empty() && inputs.iter().filter(holds).any(|input| input.name == outer)
    });
    if inside || names.contains(&name) {
        return Some(name.to_owned());
    }
    let at = object.get(key).unwrap_or(object.node);
    reader.not_one_of(at, key, name, names);
    None
}

/// Something that a caller gives and that can page: a query parameter or a top-level body field.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) value_type: &'a ValueType,
    pub(super) default: Option<&'a serde_json::Value>,
}

/// All inputs of an operation, parameters first.
pub(super) fn inputs(operation: &Operation) -> Vec<Input<'_>> {
    let mut inputs: Vec<Input<'_>> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.location != Location::Path)
        .map(|p| Input { name: &p.name, value_type: &p.value_type, default: p.default.as_ref() })
        .collect();
    let fields = match &operation.body {
        Body::None => &[],
        Body::Graphql(graphql) => graphql.fields.as_slice(),
        Body::Json(Fields { fields, .. })
        | Body::Form(Fields { fields, .. })
        | Body::Related { fields: Fields { fields, .. }, .. } => fields,
    };
    for field in fields {
        if !inputs.iter().any(|input| input.name == field.name) {
            let (value_type, default) = (&field.value_type, field.default.as_ref());
            inputs.push(Input { name: &field.name, value_type, default });
        }
    }
    inputs
}

/// The page size that is used when none is asked for, as the document says.
pub(super) fn default_limit(operation: &Operation, name: &str) -> Option<u64> {
    inputs(operation).into_iter().find(|input| input.name == name)?.default?.as_u64()
}
