//! Import of connectors.
//!
//! Documentation only; see the module above.

use utoipa::{IntoParams, ToSchema};

/// What became of an import.
#[derive(ToSchema)]
#[schema(examples(json!({
    "dry_run": false, "total": 1, "created": 1, "existing": 0, "valid": 0, "invalid": 0,
    "results": [{
        "line": 1, "status": "created", "connector_id": "0198c6a8-3b2d-7e5f-8a11-2c3d4e5f6005",
        "error_code": null, "message": null
    }]
})))]
pub(crate) struct ImportReport {
    /// Nothing was stored.
    dry_run: bool,
    /// Lines.
    total: u64,
    /// Connectors that were created.
    created: u64,
    /// Lines whose `import_key` a live connector has.
    existing: u64,
    /// With `dry_run`: lines that would be created.
    valid: u64,
    /// With `dry_run`: lines that are wrong.
    invalid: u64,
    /// One entry a line.
    results: Vec<ImportResult>,
}

/// What became of a line.
#[derive(ToSchema)]
pub(crate) struct ImportResult {
    /// Its number, from 1.
    line: u64,
    /// What became of it.
    status: ImportStatus,
    /// Its connector; null where there is none.
    #[schema(required = true, format = "uuid")]
    connector_id: Option<String>,
    /// Why it is wrong; null where it is not.
    #[schema(required = true)]
    error_code: Option<String>,
    /// The same in words.
    #[schema(required = true)]
    message: Option<String>,
}

/// What became of a line.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ImportStatus {
    Created,
    Existing,
    Valid,
    Invalid,
}

/// How to import.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// `true`: check only; wrong lines are then results, not a refusal.
    dry_run: Option<bool>,
}
