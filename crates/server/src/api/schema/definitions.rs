//! Connector types: definitions, templates, and what a connector of one can do.
//!
//! Documentation only; see the module above.

use super::connectors::{Account, ConnectorStatus};
use utoipa::{IntoParams, ToSchema};

/// The connector types.
#[derive(ToSchema)]
pub(crate) struct DefinitionList {
    /// One entry a type.
    definitions: Vec<DefinitionEntry>,
}

/// A connector type in a list.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(examples(json!({
    "sourceDefinitionId": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "name": "HubSpot",
    "connectorType": "hubspot",
    "version": "1.0.0",
    "iconUrl": null,
    "custom": false,
    "supportLevel": "certified"
})))]
pub(crate) struct DefinitionEntry {
    /// Definition id of the type.
    #[schema(format = "uuid")]
    source_definition_id: String,
    /// Display name.
    name: String,
    /// Slug.
    connector_type: String,
    /// Version that the definition states.
    version: String,
    /// Always null.
    #[schema(required = true)]
    icon_url: Option<String>,
    /// Whether the operator added it.
    custom: bool,
    /// `certified` for built-in types, `none` for the operator's own.
    support_level: String,
}

/// A connector type with its forms.
#[derive(ToSchema)]
pub(crate) struct Definition {
    /// Definition id of the type.
    #[schema(format = "uuid")]
    id: String,
    /// The type.
    definition: WholeDefinition,
}

/// A connector type with its forms.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct WholeDefinition {
    /// Definition id of the type.
    #[schema(format = "uuid")]
    source_definition_id: String,
    /// Display name.
    name: String,
    /// Slug.
    connector_type: String,
    /// Version that the definition states.
    version: String,
    /// Always null.
    #[schema(required = true)]
    icon_url: Option<String>,
    /// Whether the operator added it.
    custom: bool,
    /// `certified` for built-in types, `none` for the operator's own.
    support_level: String,
    /// Forms of `credentials` and `environment`, as JSON Schema.
    #[schema(value_type = Object)]
    spec: (),
}

/// The template of a connector type. Every type has one, enabled without a call; its id is the definition id.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "name": "HubSpot",
    "connector_type": "hubspot",
    "connector_name": "hubspot",
    "source_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "actor_definition_id": "36c891d9-4bd9-43ac-bad2-10e12756272c",
    "icon": null,
    "mode": "DIRECT",
    "tags": []
})))]
pub(crate) struct Template {
    /// Equal to the definition id.
    #[schema(format = "uuid")]
    id: String,
    /// Display name of the type.
    name: String,
    /// Slug of the type.
    connector_type: String,
    /// Slug of the type, under its older name. Absent where the server no longer has the type.
    connector_name: Option<String>,
    /// Definition id of the type. Absent where the server no longer has the type.
    #[schema(format = "uuid")]
    source_definition_id: Option<String>,
    /// Definition id of the type, under its older name.
    #[schema(format = "uuid")]
    actor_definition_id: Option<String>,
    /// Always null.
    icon: Option<String>,
    /// Always `DIRECT`.
    mode: Option<String>,
    /// Always empty.
    tags: Option<Vec<String>>,
}

/// The templates.
#[derive(ToSchema)]
pub(crate) struct TemplateList {
    /// One entry a connector type.
    data: Vec<Template>,
}

/// A template with its form.
#[derive(ToSchema)]
pub(crate) struct WholeTemplate {
    /// Equal to the definition id.
    #[schema(format = "uuid")]
    id: String,
    /// Display name of the type.
    name: String,
    /// Slug of the type.
    connector_type: String,
    /// Slug of the type, under its older name.
    connector_name: String,
    /// Definition id of the type.
    #[schema(format = "uuid")]
    source_definition_id: String,
    /// Definition id of the type, under its older name.
    #[schema(format = "uuid")]
    actor_definition_id: String,
    /// Always null.
    #[schema(required = true)]
    icon: Option<String>,
    /// Always `DIRECT`.
    mode: String,
    /// Always empty.
    tags: Vec<String>,
    /// Forms of `credentials` and `environment`, as JSON Schema.
    #[schema(value_type = Object)]
    user_config_spec: (),
}

/// What a connector can do.
#[derive(ToSchema)]
pub(crate) struct EntityList {
    /// One entry an entity: its name and its actions, each with a JSON Schema of its parameters.
    #[schema(value_type = Vec<Object>)]
    entities: (),
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
    /// Why it cannot; null when it can.
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
    /// One entry an entity: its name and its actions, each with a JSON Schema of its parameters.
    #[schema(value_type = Vec<Object>)]
    entities: (),
    /// What an agent should know before it calls.
    warnings: Vec<String>,
}

/// Which definitions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DefinitionQuery {
    /// Only types whose name or slug contains this text; ASCII case does not matter.
    #[param(max_length = 250)]
    name: Option<String>,
}

/// Which entity.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntityQuery {
    /// Only this entity.
    #[param(max_length = 1024)]
    entity: Option<String>,
}

/// A connector type in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DefinitionPath {
    /// Definition id, slug or name of the connector type.
    #[param(example = "36c891d9-4bd9-43ac-bad2-10e12756272c")]
    id: String,
}

/// A connector type's documents for an agent: the outline, and one part of the text.
#[derive(ToSchema)]
pub(crate) struct SkillDocs {
    /// The skill id.
    id: String,
    /// Title and kind of the documents.
    #[schema(value_type = Object)]
    metadata: (),
    /// The section that was asked for; null for the overview.
    #[schema(required = true)]
    section_id: Option<String>,
    /// The sections: `id`, `title` and `summary`, one an entity.
    #[schema(value_type = Vec<Object>)]
    outline: (),
    /// The text, as blocks: headings, paragraphs, lists, code and tables.
    #[schema(value_type = Vec<Object>)]
    content: (),
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
