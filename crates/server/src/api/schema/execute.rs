//! Execute: one operation at the provider.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// An operation of the connector type, with its parameters.
#[derive(ToSchema)]
#[schema(examples(json!({"entity": "contacts", "action": "list", "params": {"limit": 10}})))]
pub(crate) struct ExecuteRequest {
    /// Entity, such as `contacts`. `*` with action `check`; empty with action `describe`.
    #[schema(max_length = 1024)]
    entity: String,
    /// Action: `list`, `get`, `create`, `update`, `delete`, `search`, `download`, or what the entity has. `api_search`
    /// is an old name of `search`.
    #[schema(max_length = 1024)]
    action: String,
    /// Parameters of the operation; null ones count as not given. `limit` sizes the page of any list, `cursor`
    /// continues it, whatever the provider calls them. A download takes `range_header`, `_airbyte_response_type`
    /// (`json` for a chunk object instead of bytes) and `_airbyte_response_format` (`base64` or `text`).
    #[schema(value_type = Option<Object>)]
    params: Option<()>,
    /// Only these fields of each record: dot paths; a literal key with a dot is tried first. Wins over `exclude_fields`.
    #[schema(max_items = 500)]
    select_fields: Option<Vec<String>>,
    /// All but these fields of each record.
    #[schema(max_items = 500)]
    exclude_fields: Option<Vec<String>>,
    /// False cuts long texts of list results at 200 characters, and says so in them.
    #[schema(default = true)]
    skip_truncation: Option<bool>,
    /// Why the call is made, for the reader of a log.
    intent: Option<String>,
}

/// What the provider answered.
#[derive(ToSchema)]
#[schema(examples(json!({
    "status": "success",
    "result": [{"id": "101", "properties": {"email": "ada@example.com"}}],
    "connector_metadata": {"has_next_page": true, "end_cursor": "102", "pagination": {"cursor": "102"}},
    "execution_metadata": {"connector_instance_id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005", "execution_time_ms": 184}
})))]
pub(crate) struct Executed {
    /// Always `success`.
    status: String,
    /// A list of records, one record, or what the definition extracts. Numbers stand as the provider wrote them.
    #[schema(value_type = Value)]
    result: (),
    /// How the list goes on.
    connector_metadata: ConnectorMetadata,
    /// How the call went.
    execution_metadata: ExecutionMetadata,
}

/// How a list goes on. Beside these keys stands what the definition extracts under its own names.
#[derive(ToSchema)]
pub(crate) struct ConnectorMetadata {
    /// Whether there is another page.
    has_next_page: bool,
    /// To be sent as `params.cursor` for the next page; null on the last one.
    #[schema(required = true)]
    end_cursor: Option<String>,
    /// The same cursor, in the form of older clients.
    pagination: Pagination,
}

/// A cursor.
#[derive(ToSchema)]
pub(crate) struct Pagination {
    /// Equal to `end_cursor`.
    #[schema(required = true)]
    cursor: Option<String>,
}

/// How a call went.
#[derive(ToSchema)]
pub(crate) struct ExecutionMetadata {
    /// Id of the connector.
    #[schema(format = "uuid")]
    connector_instance_id: String,
    /// Time in this server, upstream calls included, in milliseconds.
    execution_time_ms: u64,
}
