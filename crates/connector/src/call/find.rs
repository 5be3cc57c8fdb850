//! From an entity's and an action's name to an operation.
//!
//! Knows names only. Must not know what an operation does.

use super::fault::{Fault, FaultKind, ParamError};
use crate::plan::{Action, Plan};
use crate::spelling;

/// The operation's position in [`Plan::operations`]. An unknown name is a fault that lists the known ones, near ones first.
pub fn find_operation(plan: &Plan, entity: &str, action: &str) -> Result<usize, Fault> {
    if let Some(position) = Action::parse(action).and_then(|action| plan.position(entity, action)) {
        return Ok(position);
    }
    find_entity(plan, entity)?;
    let actions = plan
        .operations
        .iter()
        .filter(|operation| operation.entity == entity)
        .map(|operation| operation.action.name());
    let message = format!("{} (entity {entity:?})", spelling::unknown("action", action, actions));
    Err(fault(FaultKind::UnknownAction, "/action", action, message))
}

/// Says whether there is such an entity. An unknown name is a fault that lists the known ones, near ones first.
pub fn find_entity(plan: &Plan, entity: &str) -> Result<(), Fault> {
    let mut entities: Vec<&str> = Vec::new();
    for operation in &plan.operations {
        if !entities.contains(&operation.entity.as_str()) {
            entities.push(&operation.entity);
        }
    }
    if entities.contains(&entity) {
        return Ok(());
    }
    let message = spelling::unknown("entity", entity, entities);
    Err(fault(FaultKind::UnknownEntity, "/entity", entity, message))
}

fn fault(kind: FaultKind, pointer: &str, name: &str, message: String) -> Fault {
    let error =
        ParamError { pointer: pointer.to_owned(), ..ParamError::new(name, "unknown", message.clone()) };
    Fault { errors: vec![error], ..Fault::new(kind, message) }
}
