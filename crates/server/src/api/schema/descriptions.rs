//! What an agent reads: the entities and operations of a connector, and the documents of its type.
//!
//! Documentation only; see the module above.

use super::connectors::{Account, ConnectorStatus};
use super::definitions::Template;
use utoipa::{IntoParams, ToSchema};

/// What a connector can do.
#[derive(ToSchema)]
pub(crate) struct EntityList {
    /// One entry an entity; absent with `format`.
    entities: Option<Vec<Entity>>,
    /// Tool definitions in the wanted format; only with `format`.
    #[schema(value_type = Option<Vec<Object>>)]
    tools: Option<()>,
    /// By name of a tool `{entity, action, params?}`, as `execute` takes them; only with `format` and all details. `params`
    /// leads from names of the tool's input to the operation's own names, where a provider would not accept those.
    #[schema(value_type = Option<Object>)]
    operations: Option<()>,
}

/// An entity with its actions.
#[derive(ToSchema)]
pub(crate) struct Entity {
    /// Name of the entity.
    entity: String,
    /// What can be done with it.
    actions: Vec<Operation>,
}

/// An operation, as `execute` takes it. With `detail=summary` only `action`, `summary` and `required`.
#[derive(ToSchema)]
pub(crate) struct Operation {
    /// Name of the entity.
    entity: Option<String>,
    /// Name of the action.
    action: String,
    /// One line.
    summary: String,
    /// Names of parameters that must be given, where there are any; only with `detail=summary`.
    required: Option<Vec<String>>,
    /// More about it; may be empty.
    description: Option<String>,
    /// JSON Schema (2020-12) of `params`.
    #[schema(value_type = Option<Object>)]
    params: Option<()>,
    /// How a list or search goes on, or that it does not.
    paging: Option<String>,
    /// A body for `execute`.
    #[schema(value_type = Option<Object>)]
    example: Option<()>,
    /// JSON Schema of a record, where the definition has one.
    #[schema(value_type = Option<Value>)]
    result: Option<()>,
}

/// A connector with what it can do.
#[derive(ToSchema)]
pub(crate) struct Inspection {
    /// Id of the connector.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    name: String,
    /// Id of the user's workspace.
    #[schema(format = "uuid")]
    workspace_id: String,
    /// The application's own name for the user.
    workspace_name: String,
    /// Whether it can be called.
    status: ConnectorStatus,
    /// Why it cannot, or why its access is not renewed any more; null otherwise.
    #[schema(required = true)]
    status_reason: Option<String>,
    /// Whose account at the provider it is; null when the provider does not say.
    #[schema(required = true, inline)]
    account: Option<Account>,
    /// Scopes that the provider granted; null when it does not say.
    #[schema(required = true)]
    granted_scopes: Option<Vec<String>>,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Its connector type.
    source_template: Template,
    /// What the application keeps with it.
    #[schema(value_type = Object)]
    replication_config: (),
    /// Values of the type's variables.
    #[schema(value_type = Object)]
    environment: (),
    /// Slug of the connector type.
    connector_type: String,
    /// Definition id of the connector type.
    #[schema(format = "uuid")]
    definition_id: String,
    /// Id of the type's documentation for agents.
    docs_skill_id: String,
    /// One entry an entity; absent with `format`.
    entities: Option<Vec<Entity>>,
    /// Tool definitions in the wanted format; only with `format`.
    #[schema(value_type = Option<Vec<Object>>)]
    tools: Option<()>,
    /// By name of a tool `{entity, action, params?}`, as `execute` takes them; only with `format` and all details.
    #[schema(value_type = Option<Object>)]
    operations: Option<()>,
    /// What an agent should know before it calls; empty when calls work.
    warnings: Vec<String>,
}

/// Which entity.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntityQuery {
    /// Only this entity.
    #[param(max_length = 1024)]
    entity: Option<String>,
}

/// How operations are told.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ViewQuery {
    /// Tool definitions instead of entities. `openai`: function tools as Chat Completions takes them; `anthropic`: tools of
    /// the Messages API; `mcp`: tools of MCP 2025-06-18, with annotations.
    #[param(inline)]
    format: Option<ToolFormat>,
    /// `full` tells every parameter. `summary` costs under 2,000 tokens for 50 operations.
    #[param(inline)]
    detail: Option<Detail>,
}

/// Whose tool definitions.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ToolFormat {
    Openai,
    Anthropic,
    Mcp,
}

/// How much.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Detail {
    Full,
    Summary,
}

/// A connector type's documents for an agent: the outline, and one part of the text.
#[derive(ToSchema)]
pub(crate) struct SkillDocs {
    /// The skill id.
    id: String,
    /// About the documents.
    metadata: SkillMetadata,
    /// The section that was asked for; null for the overview.
    #[schema(required = true)]
    section_id: Option<String>,
    /// The sections, one an entity.
    outline: Vec<SkillSection>,
    /// The text, as blocks: headings, paragraphs, lists, code and tables.
    #[schema(value_type = Vec<Object>)]
    content: (),
}

/// About a connector type's documents.
#[derive(ToSchema)]
pub(crate) struct SkillMetadata {
    /// The skill id.
    id: String,
    /// Display name of the connector type.
    title: String,
    /// Always `connector`.
    kind: String,
    /// One line.
    summary: String,
    /// What an agent should know first.
    warnings: Vec<String>,
}

/// A section of a connector type's documents.
#[derive(ToSchema)]
pub(crate) struct SkillSection {
    /// To be asked for as `section`.
    id: String,
    /// Name of the entity.
    title: String,
    /// Its actions.
    summary: String,
}

/// Which documents.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SkillQuery {
    /// The `docs_skill_id` of a connector's inspection.
    #[param(max_length = 1024, example = "connector:hubspot")]
    id: String,
    /// Id of a section of the outline; without it the overview.
    #[param(max_length = 1024)]
    section: Option<String>,
}
