//! Connector types: definitions and templates.
//!
//! Documentation only; see the module above.

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

/// Which definitions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DefinitionQuery {
    /// Only types whose name or slug contains this text; ASCII case does not matter.
    #[param(max_length = 250)]
    name: Option<String>,
}

/// A connector type in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DefinitionPath {
    /// Definition id, slug or name of the connector type.
    #[param(example = "36c891d9-4bd9-43ac-bad2-10e12756272c")]
    id: String,
}
