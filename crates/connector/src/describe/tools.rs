//! Renders operations as the tool definitions that model providers and MCP clients take.
//!
//! Knows the formats' keys and limits: OpenAI's function tools, Anthropic's client tools, MCP 2025-06-18 ("Tool",
//! "ToolAnnotations"). Must not know how a tool call becomes an execute, beyond the names that lead back to one.

use super::tool_names::{fitting, of_property, of_tool};
use super::{Description, compact, operation};
use crate::plan::{Action, Operation};
use http::Method;
use serde_json::{Map, Value, json};

/// Longest description that every provider accepts, in characters.
const LONGEST_DESCRIPTION: usize = 1024;

/// Whose tool definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFormat {
    /// `{type: function, function: {name, description, parameters}}`, as Chat Completions takes it.
    Openai,
    /// `{name, description, input_schema}`, as the Messages API takes it.
    Anthropic,
    /// `{name, title, description, inputSchema, annotations}`, as a result of `tools/list` has it.
    Mcp,
}

impl ToolFormat {
    /// All, by the name that callers use.
    pub const ALL: [(&'static str, Self); 3] =
        [("openai", Self::Openai), ("anthropic", Self::Anthropic), ("mcp", Self::Mcp)];
}

/// A tool before it is put into a format.
struct Tool {
    name: String,
    title: String,
    description: String,
    input: Value,
    hints: Hints,
}

/// What a client may rely on when it decides whether to ask its user.
struct Hints {
    read_only: bool,
    destructive: bool,
    idempotent: bool,
}

impl Hints {
    fn of(operation: &Operation) -> Self {
        let read_only = operation.action.reads();
        Self {
            read_only,
            destructive: matches!(operation.action, Action::Update | Action::Delete),
            idempotent: read_only || matches!(operation.method, Method::PUT | Method::DELETE),
        }
    }

    fn of_all<'o>(operations: impl Iterator<Item = &'o Operation>) -> Self {
        let all = Self { read_only: true, destructive: false, idempotent: true };
        operations.map(Self::of).fold(all, |all, one| Self {
            read_only: all.read_only && one.read_only,
            destructive: all.destructive || one.destructive,
            idempotent: all.idempotent && one.idempotent,
        })
    }
}

impl Tool {
    fn render(self, format: ToolFormat) -> Value {
        let Self { name, title, description, input, hints } = self;
        match format {
            ToolFormat::Openai => json!({
                "type": "function",
                "function": {"name": name, "description": description, "parameters": input},
            }),
            ToolFormat::Anthropic => json!({"name": name, "description": description, "input_schema": input}),
            ToolFormat::Mcp => json!({
                "name": name,
                "title": title,
                "description": description,
                "inputSchema": input,
                "annotations": {
                    "readOnlyHint": hints.read_only,
                    "destructiveHint": hints.destructive,
                    "idempotentHint": hints.idempotent,
                    "openWorldHint": true,
                },
            }),
        }
    }
}

/// `{tools: […], operations: {name: {entity, action, params?}}}`: a tool for each operation, of all entities or of one.
/// `params` leads from names of the tool's input back to those of parameters, where they differ.
pub(super) fn each(description: Description<'_>, format: ToolFormat, entity: Option<&str>) -> Value {
    let plan = &description.definition.plan;
    let words: Vec<String> = plan
        .operations
        .iter()
        .map(|operation| format!("{}_{}_{}", plan.info.slug, operation.entity, operation.action.name()))
        .collect();
    // Made of all operations, so that one has the same name in every list.
    let names = fitting(&words.iter().map(String::as_str).collect::<Vec<_>>(), of_tool);
    let (mut tools, mut operations) = (Vec::new(), Map::new());
    for (operation, name) in plan.operations.iter().zip(names) {
        if entity.is_some_and(|entity| entity != operation.entity) {
            continue;
        }
        let (tool, renamed) = of_operation(description, operation, name.clone());
        let mut leads = json!({"entity": operation.entity, "action": operation.action.name()});
        if let (false, Some(leads)) = (renamed.is_empty(), leads.as_object_mut()) {
            leads.insert("params".to_owned(), Value::Object(renamed));
        }
        operations.insert(name, leads);
        tools.push(tool.render(format));
    }
    json!({"tools": tools, "operations": operations})
}

fn of_operation(
    description: Description<'_>,
    operation: &Operation,
    name: String,
) -> (Tool, Map<String, Value>) {
    let told = operation::describe(description.definition, operation);
    let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
    let plain = format!("{} {}", operation.entity, operation.action.name());
    let title = if text("summary").is_empty() { &plain } else { text("summary") };
    let mut input = told.get("params").cloned().unwrap_or_default();
    let renamed = rename(&mut input);
    compact::input(&mut input);
    let tool = Tool {
        name,
        title: title.trim_end_matches('.').to_owned(),
        description: sentences(title, text("description"), text("paging")),
        input,
        hints: Hints::of(operation),
    };
    (tool, renamed)
}

/// Gives every property a name that providers accept; the new ones lead to the old.
fn rename(input: &mut Value) -> Map<String, Value> {
    let mut renamed = Map::new();
    let Some(properties) = input.get_mut("properties").and_then(Value::as_object_mut) else { return renamed };
    let words: Vec<&str> = properties.keys().map(String::as_str).collect();
    let names = fitting(&words, of_property);
    for (word, name) in words.iter().zip(&names) {
        if word != name {
            renamed.insert(name.clone(), json!(word));
        }
    }
    if renamed.is_empty() {
        return renamed;
    }
    *properties =
        names.into_iter().zip(std::mem::take(properties).into_iter().map(|(_, schema)| schema)).collect();
    for required in input.get_mut("required").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some((name, _)) = renamed.iter().find(|(_, word)| *word == required) {
            *required = json!(name);
        }
    }
    renamed
}

/// What it does, then how it pages, which is never cut off.
fn sentences(summary: &str, description: &str, paging: &str) -> String {
    let stop = if summary.ends_with(['.', '!', '?']) { "" } else { "." };
    let mut text = format!("{summary}{stop}");
    // A description often begins with the summary, or is no more than it.
    let more = description.strip_prefix(summary.trim_end_matches('.')).unwrap_or(description);
    let more = more.trim_start_matches('.').trim();
    if !more.is_empty() {
        text = format!("{text} {more}");
    }
    let room = LONGEST_DESCRIPTION.saturating_sub(paging.chars().count() + 1);
    let text = compact::cut(&text, room);
    if paging.is_empty() { text } else { format!("{text} {paging}") }
}

/// `{tools: [one]}`: one tool for the whole connector or one entity, whose input is the body of an execute.
pub(super) fn one(description: Description<'_>, format: ToolFormat, entity: Option<&str>) -> Value {
    let plan = &description.definition.plan;
    let chosen =
        || plan.operations.iter().filter(|operation| entity.is_none_or(|entity| entity == operation.entity));
    let entities: Vec<(&str, Vec<Action>)> = description
        .grouped()
        .into_iter()
        .filter(|(name, _)| entity.is_none_or(|entity| entity == *name))
        .collect();
    let actions: Vec<&str> = Action::ALL
        .into_iter()
        .filter(|action| chosen().any(|operation| operation.action == *action))
        .map(Action::name)
        .chain(["describe"])
        .collect();
    let display_name = &plan.info.display_name;
    let tool = Tool {
        name: fitting(&[&format!("{}_execute", plan.info.slug)], of_tool).pop().unwrap_or_default(),
        title: display_name.clone(),
        description: format!(
            "Runs an operation at {display_name}. The action describe tells an entity's operations with all their \
             parameters. Lists that page take limit and cursor; connector_metadata of an answer has has_next_page and \
             end_cursor, the next cursor."
        ),
        input: json!({
            "type": "object",
            "properties": {
                "entity": {"type": "string", "enum": entities.iter().map(|(name, _)| name).collect::<Vec<_>>()},
                "action": {"type": "string", "enum": actions, "description": listing(description, &entities)},
                "params": {"type": "object", "description": "Parameters of the operation."},
                "select_fields": {
                    "type": "array", "items": {"type": "string"}, "description": "Fields of a record to keep; all without it.",
                },
            },
            "required": ["entity", "action"],
            "additionalProperties": false,
        }),
        hints: Hints::of_all(chosen()),
    };
    json!({"tools": [tool.render(format)]})
}

/// `contacts: list, get(id); deals: list`: the actions of each entity with the parameters that each needs.
fn listing(description: Description<'_>, entities: &[(&str, Vec<Action>)]) -> String {
    let plan = &description.definition.plan;
    let action = |entity: &str, action: Action| {
        let required = plan.operation(entity, action).map(|one| operation::required(plan, one));
        match required.unwrap_or_default().as_slice() {
            [] => action.name().to_owned(),
            names => format!("{}({})", action.name(), names.join(",")),
        }
    };
    let line = |(entity, actions): &(&str, Vec<Action>)| {
        let actions: Vec<String> = actions.iter().map(|one| action(entity, *one)).collect();
        format!("{entity}: {}", actions.join(", "))
    };
    let lines: Vec<String> = entities.iter().map(line).collect();
    format!("Actions of each entity, with the params that they need. {}", lines.join("; "))
}
