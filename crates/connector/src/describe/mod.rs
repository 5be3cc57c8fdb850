//! What people and agents read of a connector: entities, operations, forms, as JSON Schemas and short texts.
//!
//! Knows how a definition is told. Must not know the document format, nor how a call runs. Cold: made anew when asked for.

mod compact;
mod forms;
mod operation;
mod tool_names;
mod tools;

#[cfg(test)]
mod tests;

pub use tools::ToolFormat;

use crate::document::Definition;
use crate::plan::Action;
use serde_json::{Value, json};

/// Tells about one definition.
#[derive(Debug, Clone, Copy)]
pub struct Description<'d> {
    definition: &'d Definition,
}

impl<'d> Description<'d> {
    /// Of a definition.
    pub fn of(definition: &'d Definition) -> Self {
        Self { definition }
    }

    /// `[{entity, actions: [name, …]}]` in document order; actions in the order of [`Action::ALL`].
    pub fn entities(&self) -> Value {
        self.grouped().into_iter().map(|(entity, actions)| json!({"entity": entity, "actions": actions.iter().map(|a| a.name()).collect::<Vec<_>>()})).collect()
    }

    /// `[{entity, actions: [{action, summary, required}]}]`: enough to choose an operation, small enough for a prompt.
    pub fn summary(&self) -> Value {
        let grouped = self.grouped().into_iter();
        grouped
            .map(|(entity, actions)| {
                let actions: Vec<Value> =
                    actions.into_iter().filter_map(|action| self.line(entity, action)).collect();
                json!({"entity": entity, "actions": actions})
            })
            .collect()
    }

    /// `{entity, actions: [operation, …]}` with all operations of an entity written out. `None`: no such entity.
    pub fn entity(&self, entity: &str) -> Option<Value> {
        let (entity, actions) = self.grouped().into_iter().find(|(name, _)| *name == entity)?;
        let operations: Vec<Value> =
            actions.into_iter().filter_map(|action| self.operation(entity, action)).collect();
        Some(json!({"entity": entity, "actions": operations}))
    }

    /// One operation: `{entity, action, summary, description, params, paging, example, result?}`. `params` is a JSON Schema of
    /// an object that lists every accepted name; `result` the documented shape of the result. `None`: no such operation.
    pub fn operation(&self, entity: &str, action: Action) -> Option<Value> {
        let operation = self.definition.plan.operation(entity, action)?;
        Some(operation::describe(self.definition, operation))
    }

    /// Tool definitions, one for each operation, of all entities or of one: `{tools, operations}`. `operations` leads from a
    /// tool's name to its `{entity, action, params?}`; `params` leads from the tool's input names to the operation's own,
    /// where they differ. `None`: no such entity.
    pub fn tools(&self, format: ToolFormat, entity: Option<&str>) -> Option<Value> {
        self.has(entity).then(|| tools::each(*self, format, entity))
    }

    /// One tool definition for all operations, of all entities or of one: `{tools: [tool]}`. Its input is the body of an
    /// execute: `{entity, action, params, select_fields}`. `None`: no such entity.
    pub fn summary_tool(&self, format: ToolFormat, entity: Option<&str>) -> Option<Value> {
        self.has(entity).then(|| tools::one(*self, format, entity))
    }

    /// Ways to give credentials: `[{auth_scheme, type, title, description?, schema}]`; `schema` is a JSON Schema of the form.
    pub fn credential_schemes(&self) -> Value {
        forms::credential_schemes(self.definition)
    }

    /// JSON Schema of an organization's OAuth app. `None`: the connector has no consent flow.
    pub fn oauth_app_schema(&self) -> Option<Value> {
        forms::oauth_app(self.definition)
    }

    /// JSON Schema of the variables that a user chooses for a connection (subdomain, shop, sandbox).
    pub fn connection_variables(&self) -> Value {
        forms::variables(&self.definition.plan)
    }

    fn has(self, entity: Option<&str>) -> bool {
        let operations = &self.definition.plan.operations;
        entity.is_none_or(|entity| operations.iter().any(|operation| operation.entity == entity))
    }

    fn grouped(self) -> Vec<(&'d str, Vec<Action>)> {
        let mut entities: Vec<(&str, Vec<Action>)> = Vec::new();
        for operation in &self.definition.plan.operations {
            match entities.iter_mut().find(|(entity, _)| *entity == operation.entity) {
                Some((_, actions)) => actions.push(operation.action),
                None => entities.push((&operation.entity, vec![operation.action])),
            }
        }
        for (_, actions) in &mut entities {
            actions.sort_unstable();
        }
        entities
    }

    fn line(self, entity: &str, action: Action) -> Option<Value> {
        let operation = self.definition.plan.operation(entity, action)?;
        let text = self.definition.document.operation(entity, action)?;
        let mut line = json!({"action": action.name(), "summary": text.summary.unwrap_or_default()});
        let required = operation::required(&self.definition.plan, operation);
        if let (false, Some(map)) = (required.is_empty(), line.as_object_mut()) {
            map.insert("required".to_owned(), json!(required));
        }
        Some(line)
    }
}
