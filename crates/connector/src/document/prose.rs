//! Gives out what people and agents read of a document: texts and schemas, by entity and action.
//!
//! Knows where texts stand. Must not know how they are arranged for a reader (`describe`).

use super::node::Node;
use super::operations::METHODS;
use super::reader::Object;
use super::schema::{at_path, follow};
use super::written_out::write_out;
use super::{Document, body};
use crate::plan::{Action, JsonPath};
use serde_json::{Map, json};

/// The texts of one operation.
#[derive(Debug)]
pub struct OperationText<'d> {
    /// One line.
    pub summary: Option<&'d str>,
    /// More lines.
    pub description: Option<&'d str>,
    /// The author says that it does not page.
    pub never_pages: bool,
    node: &'d Node,
    item: &'d Node,
}

impl Document {
    /// The texts of an operation. Of two with the same names the last counts, as in the plan.
    pub fn operation(&self, entity: &str, action: Action) -> Option<OperationText<'_>> {
        let paths = self.root.get("paths")?;
        let mut found = None;
        for (_, entry) in paths.entries() {
            let item = follow(&self.root, &entry.value)?;
            for node in METHODS.iter().filter_map(|(method, _)| item.get(method)) {
                let text = |key: &str| node.get(key).and_then(Node::as_str);
                let same_action = text("x-airbyte-action").and_then(Action::parse) == Some(action);
                if same_action && text("x-airbyte-entity") == Some(entity) {
                    let never_pages = node.get("x-airbyte-no-pagination").is_some();
                    let (summary, description) = (text("summary"), text("description"));
                    found = Some(OperationText { summary, description, never_pages, node, item });
                }
            }
        }
        found
    }

    /// The JSON Schema of an input (parameter or body property) with its description, references written out.
    pub fn input_schema(
        &self,
        operation: &OperationText<'_>,
        name: &str,
    ) -> Option<Map<String, serde_json::Value>> {
        if let Some(parameter) = self.parameter(operation, name) {
            let mut schema =
                parameter.get("schema").map(|schema| write_out(&self.root, schema)).unwrap_or_default();
            if let Some(text) = parameter.get("description").and_then(Node::as_str) {
                schema.insert("description".to_owned(), json!(text.trim()));
            }
            if let Some(example) = parameter.get("example") {
                schema.insert("examples".to_owned(), json!([example.to_json()]));
            }
            return Some(schema);
        }
        let object = Object { node: operation.node, map: operation.node.as_mapping()?, what: "an operation" };
        let properties = body::property_nodes(&self.root, object);
        let (_, node) = properties.into_iter().find(|(property, _)| *property == name)?;
        Some(write_out(&self.root, node))
    }

    fn parameter<'d>(&'d self, operation: &OperationText<'d>, name: &str) -> Option<&'d Node> {
        [operation.node, operation.item]
            .into_iter()
            .filter_map(|owner| owner.get("parameters").and_then(Node::as_sequence))
            .flatten()
            .filter_map(|node| follow(&self.root, node))
            .find(|node| node.get("name").and_then(Node::as_str) == Some(name))
    }

    /// The JSON Schema of what a record path finds in the documented answer (200, else 201), else of the entity.
    pub fn result_schema(
        &self,
        operation: &OperationText<'_>,
        records: Option<&JsonPath>,
    ) -> Option<Map<String, serde_json::Value>> {
        let responses = operation.node.get("responses")?;
        let schema = ["200", "201"].iter().find_map(|status| {
            let response = follow(&self.root, responses.get(status)?)?;
            let media = response.get("content")?.entries().find(|(name, _)| body::is_json(name))?.1;
            media.value.get("schema")
        });
        let found = schema.and_then(|schema| match records {
            Some(path) => at_path(&self.root, schema, path),
            None => Some(schema),
        });
        found.map(|schema| write_out(&self.root, schema)).filter(|schema| !schema.is_empty())
    }

    /// The JSON Schema of an entity's records: the component that names the entity, else the one named like it.
    pub fn entity_schema(&self, entity: &str) -> Option<Map<String, serde_json::Value>> {
        let schemas = self.root.get("components")?.get("schemas")?;
        let named = |node: &Node| node.get("x-airbyte-entity-name").and_then(Node::as_str) == Some(entity);
        let by_key = || schemas.entries().find(|(name, _)| name.eq_ignore_ascii_case(entity));
        let (_, entry) = schemas.entries().find(|(_, entry)| named(&entry.value)).or_else(by_key)?;
        Some(write_out(&self.root, &entry.value))
    }

    /// The connector's description.
    pub fn description(&self) -> Option<&str> {
        self.root.get("info")?.get("description")?.as_str()
    }

    /// The title of a scheme's credential form, and the scheme's description.
    pub fn scheme_texts(&self, name: &str) -> (Option<&str>, Option<&str>) {
        let scheme =
            self.root.get("components").and_then(|c| c.get("securitySchemes")).and_then(|s| s.get(name));
        let form = scheme.and_then(|scheme| scheme.get("x-airbyte-auth-config"));
        let title = form.and_then(|form| form.get("title")).and_then(Node::as_str);
        let descriptions =
            [scheme, form].into_iter().flatten().filter_map(|node| node.get("description")?.as_str());
        (title, descriptions.map(str::trim).find(|text| !text.is_empty()))
    }

    /// Links that the author gives: title and URL.
    pub fn links(&self) -> Vec<(&str, &str)> {
        let links = self.root.get("info").and_then(|info| info.get("x-airbyte-external-documentation-urls"));
        let links = links.and_then(Node::as_sequence).unwrap_or_default();
        links
            .iter()
            .filter_map(|link| {
                let url = link.get("url")?.as_str()?;
                Some((link.get("title").and_then(Node::as_str).unwrap_or(url), url))
            })
            .collect()
    }
}
