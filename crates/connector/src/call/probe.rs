//! What a check sends: an operation's parameters as far as configuration, probes and defaults give them, and which are
//! left for a record of another entity to give.
//!
//! Knows the published rules of checks. Must not know how a call runs, nor how often one may.

use super::environment::Environment;
use super::fault::Fault;
use super::{json, supplied};
use crate::plan::{CheckValue, Location, Operation, Plan, Relationship, ValueType};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// How many records a probe asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageSize {
    /// One, where the operation has a `limit`.
    Least,
    /// What comes without a word about it.
    Usual,
}

/// The parameters of a check's call.
#[derive(Debug)]
pub struct Probe<'p> {
    /// Those that are known.
    pub params: Map<String, Value>,
    /// Those that a record of another entity gives.
    pub open: Vec<OpenParam<'p>>,
}

/// A parameter without a value.
#[derive(Debug)]
pub struct OpenParam<'p> {
    /// Its name.
    pub name: &'p str,
    /// The call cannot be made without it. Where it can, the value decides what is listed.
    pub required: bool,
    /// Where a value may be found.
    pub parent: Option<&'p Relationship>,
}

/// What a check of this operation sends. Scoping comes first (of a list its first element stands for all), then
/// configuration of the parameter's name, then a parent's record, then the definition's probe value or default.
pub fn probe<'p>(
    plan: &'p Plan,
    operation: &'p Operation,
    environment: &Environment,
    page: PageSize,
    now: Timestamp,
) -> Result<Probe<'p>, Fault> {
    let environment = environment.with_defaults(plan);
    let mut params = Map::new();
    for (name, value) in &operation.probe {
        let value = match value {
            CheckValue::Literal(value) => value.clone(),
            CheckValue::Template(template) => supplied::computed(template, &environment, now)?,
        };
        params.insert(name.clone(), value);
    }
    if page == PageSize::Usual {
        params.shift_remove("limit");
        let limit = operation.parameters.iter().find(|parameter| parameter.name == "limit");
        if let Some(default) = limit.and_then(|limit| limit.default.clone()) {
            params.insert("limit".to_owned(), default);
        }
    }
    let mut open = Vec::new();
    for input in inputs(operation) {
        if let Some(value) = configured(plan, &input, &environment, now)? {
            params.insert(input.name.to_owned(), value);
            continue;
        }
        let required = input.required && !params.contains_key(input.name);
        let parent = relationship(plan, &operation.entity, input.name, input.in_path);
        if required || parent.is_some() {
            open.push(OpenParam { name: input.name, required, parent });
        }
    }
    Ok(Probe { params, open })
}

/// What a caller may give, as far as a probe cares.
struct Input<'p> {
    name: &'p str,
    value_type: &'p ValueType,
    required: bool,
    in_path: bool,
}

fn inputs(operation: &Operation) -> impl Iterator<Item = Input<'_>> {
    let parameters = operation.parameters.iter().filter(|parameter| parameter.inject.is_none());
    let parameters = parameters.map(|parameter| Input {
        name: &parameter.name,
        value_type: &parameter.value_type,
        required: parameter.required && parameter.default.is_none(),
        in_path: parameter.location == Location::Path,
    });
    parameters.chain(operation.body_fields().iter().map(|field| Input {
        name: &field.name,
        value_type: &field.value_type,
        required: field.required && field.default.is_none(),
        in_path: false,
    }))
}

fn configured(
    plan: &Plan,
    input: &Input<'_>,
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<Value>, Fault> {
    for rule in plan.scoping.iter().filter(|rule| rule.param == input.name) {
        if let Some(value) = supplied::sample(rule, environment, now)? {
            return Ok(Some(value));
        }
    }
    // Where a rule reads this key, the plain value is not what the parameter wants.
    if plan.scoping.iter().any(|rule| rule.param == input.name && rule.value_template.is_some()) {
        return Ok(None);
    }
    let value = environment.value(input.name);
    Ok(match value {
        Some(Value::Array(items)) if !matches!(input.value_type, ValueType::Array(_)) => items.first(),
        other => other,
    }
    .cloned())
}

/// The entity's own relationship for a parameter, the last where there are several; for one in the path, else any entity's
/// of that name.
fn relationship<'p>(plan: &'p Plan, entity: &str, param: &str, in_path: bool) -> Option<&'p Relationship> {
    let mut named = plan.relationships.iter().filter(|relationship| relationship.param == param);
    let own = named.clone().rfind(|relationship| relationship.child == entity);
    own.or_else(|| named.find(|_| in_path))
}

/// What relationships read of these records, so that little is kept of a big list. `result` is the JSON text of an
/// entity's list; null where no relationship reads it.
pub fn parent_records(plan: &Plan, entity: &str, result: &[u8]) -> Value {
    let read: Vec<&str> = plan
        .relationships
        .iter()
        .filter(|relationship| relationship.parent == entity)
        .flat_map(|one| one.filter.iter().map(|(field, _)| field).chain([&one.key]))
        .flat_map(|name| [name.as_str(), name.split('.').next().unwrap_or_default()])
        .collect();
    if read.is_empty() {
        return Value::Null;
    }
    let mut records = serde_json::from_slice::<Value>(result).unwrap_or_default();
    let each = match &mut records {
        Value::Array(records) => records.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for record in each.iter_mut().filter_map(Value::as_object_mut) {
        record.retain(|name, _| read.contains(&name.as_str()));
    }
    records
}

/// The key of the first record that passes the relationship's filter and has one. `records` is the result of a list.
pub fn parent_value(relationship: &Relationship, records: &Value) -> Option<Value> {
    let records = match records {
        Value::Array(records) => records.as_slice(),
        one => std::slice::from_ref(one),
    };
    let passes = |record: &&Value| {
        relationship.filter.iter().all(|(field, values)| {
            record
                .get(field)
                .is_some_and(|value| values.iter().any(|one| json::text(one) == json::text(value)))
        })
    };
    let key =
        |record: &Value| field(record, &relationship.key).filter(|value| !json::is_blank(value)).cloned();
    records.iter().filter(passes).find_map(key)
}

/// A field by its literal name, else by a dotted path.
fn field<'v>(record: &'v Value, name: &str) -> Option<&'v Value> {
    record.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        field(record.get(outer)?, inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;
    use serde_json::json;

    fn relationship(key: &str, filter: Vec<(String, Vec<Value>)>) -> Relationship {
        let [child, param, parent] = ["tasks", "project_id", "projects"].map(str::to_owned);
        Relationship { child, param, parent, key: key.to_owned(), filter }
    }

    #[test]
    fn the_first_record_that_passes_and_has_a_key_gives_it() {
        let records = json!([
            {"id": 1, "kind": "form"},
            {"kind": "board", "id": null},
            {"kind": "board", "id": 3, "owner": {"id": "o"}, "owner.id": "literal"},
        ]);
        assert_eq!(parent_value(&relationship("id", vec![]), &records), Some(json!(1)));
        let boards = vec![("kind".to_owned(), vec![json!("list"), json!("board")])];
        assert_eq!(parent_value(&relationship("id", boards.clone()), &records), Some(json!(3)));
        assert_eq!(parent_value(&relationship("owner.id", boards), &records), Some(json!("literal")));
        let none = vec![("kind".to_owned(), vec![json!("gantt")])];
        assert_eq!(parent_value(&relationship("id", none), &records), None);
        assert_eq!(parent_value(&relationship("id", vec![]), &json!(null)), None);
        assert_eq!(
            parent_value(&relationship("owner.id", vec![]), &json!({"owner": {"id": 9}})),
            Some(json!(9))
        );
    }

    #[test]
    fn only_what_is_read_of_records_is_kept() {
        let mut plan = sample::plan(vec![]);
        plan.relationships = vec![relationship("owner.id", vec![("kind".to_owned(), vec![json!("board")])])];
        let result = br#"[{"id": 1, "kind": "board", "owner": {"id": 2}, "text": "long"}, 3]"#;
        let kept = json!([{"kind": "board", "owner": {"id": 2}}, 3]);
        assert_eq!(parent_records(&plan, "projects", result), kept);
        assert_eq!(parent_records(&plan, "tasks", result), json!(null));
        assert_eq!(parent_records(&plan, "projects", b"no json"), json!(null));
    }
}
