//! Health of the process.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// The process answers.
#[derive(ToSchema)]
#[schema(examples(json!({"status": "ok"})))]
pub(crate) struct Health {
    /// Always `ok`.
    status: String,
}

/// The database answers.
#[derive(ToSchema)]
#[schema(examples(json!({"status": "ready"})))]
pub(crate) struct Readiness {
    /// Always `ready`.
    status: String,
}
