//! Workspaces: one end user or customer of the application.
//!
//! Documentation only; see the module above.

use utoipa::{IntoParams, ToSchema};

/// A workspace.
#[derive(ToSchema)]
#[schema(examples(json!({
    "id": "0198c6a3-1d42-7b0e-9c11-5d6f7a80b002",
    "name": "user_42",
    "organization_id": "0198c6a2-7f10-7c55-8a05-3f2a4be0a001",
    "status": "active",
    "cache_enabled": false,
    "tombstone": false,
    "created_at": "2026-01-05T09:30:00Z",
    "updated_at": "2026-01-05T09:30:00Z"
})))]
pub(crate) struct Workspace {
    /// Id of the workspace.
    #[schema(format = "uuid")]
    id: String,
    /// The application's own name for the user.
    name: String,
    /// The organization that it belongs to.
    #[schema(format = "uuid")]
    organization_id: String,
    /// `active` or `inactive`.
    status: WorkspaceStatus,
    /// A setting that is kept for clients; without effect on this server.
    cache_enabled: bool,
    /// True after it was deleted.
    tombstone: bool,
    /// When it was first named.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Status of a workspace.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum WorkspaceStatus {
    Active,
    Inactive,
}

/// A page of workspaces, oldest first.
#[derive(ToSchema)]
pub(crate) struct WorkspacePage {
    /// The page.
    data: Vec<Workspace>,
    /// Cursor of the next page; null on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// Numbers of workspaces.
#[derive(ToSchema)]
#[schema(examples(json!({"active_count": 41, "inactive_count": 1, "total_count": 42})))]
#[expect(clippy::struct_field_names, reason = "the names of the API")]
pub(crate) struct WorkspaceStats {
    /// Active ones.
    active_count: u64,
    /// Inactive ones.
    inactive_count: u64,
    /// Both together.
    total_count: u64,
}

/// What changes; fields that are absent stay.
#[derive(ToSchema)]
#[schema(examples(json!({"name": "user_43"})))]
pub(crate) struct WorkspaceUpdateRequest {
    /// A new name, not taken by another workspace of the organization.
    #[schema(min_length = 1, max_length = 250)]
    name: Option<String>,
    /// `active` or `inactive`.
    #[schema(inline)]
    status: Option<WorkspaceStatus>,
    /// A setting that is kept for clients; without effect on this server.
    cache_enabled: Option<bool>,
}

/// A deleted workspace.
#[derive(ToSchema)]
#[schema(examples(json!({"id": "0198c6a3-1d42-7b0e-9c11-5d6f7a80b002", "deleted_at": "2026-01-05T10:00:00Z"})))]
pub(crate) struct DeletedWorkspace {
    /// Id of the workspace.
    #[schema(format = "uuid")]
    id: String,
    /// When it was deleted.
    #[schema(format = DateTime)]
    deleted_at: String,
}

/// Which workspaces, and how many of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkspaceQuery {
    /// Only names that contain this text.
    #[param(max_length = 250)]
    name_contains: Option<String>,
    /// Only workspaces of this status.
    #[param(inline)]
    status: Option<WorkspaceStatus>,
    /// Length of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// A workspace in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct WorkspacePath {
    /// Id of the workspace.
    #[param(format = "uuid")]
    id: String,
}
