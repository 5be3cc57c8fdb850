//! Import of existing grants: connectors by credentials, many at a time, and again without doubles.
//!
//! Knows that a line is the same as a create by credentials, and what its import key means. Must not know JSON lines.
//! Nothing is called at a provider. Each connector is stored by itself, so that an import that breaks off is simply repeated.

use crate::core::Deps;
use crate::core::access::Caller;
use crate::core::catalog::ConnectorType;
use crate::core::connectors::{self, Create, CredentialSource};
use crate::core::error::Result;
use serde_json::{Map, Value};
use std::sync::Arc;

/// One line.
pub struct Line {
    /// Name of the user's workspace.
    pub workspace_name: String,
    /// Connector type.
    pub kind: Arc<ConnectorType>,
    /// Name of the connector.
    pub name: Option<String>,
    /// Values of the connector's variables.
    pub environment: Map<String, Value>,
    /// The scheme, where several fit.
    pub auth_scheme: Option<String>,
    /// The form.
    pub credentials: Map<String, Value>,
    /// The caller's own name for it, unique among the organization's live connectors: the same again makes none.
    pub import_key: Option<String>,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It would be created.
    Valid,
    /// A connector was created.
    Created(String),
    /// There is a live connector of that import key; it stays as it is.
    Existing(String),
}

impl Line {
    fn split(self) -> (Create, Option<String>) {
        let create = Create {
            workspace_name: self.workspace_name,
            kind: self.kind,
            name: self.name,
            source: CredentialSource::Credentials { values: self.credentials, auth_scheme: self.auth_scheme },
            environment: self.environment,
            replication_config: None,
            verify: false,
        };
        (create, self.import_key)
    }
}

/// Checks a line by the rules of a create, and whether it is there. Stores nothing.
pub async fn check(deps: &Arc<Deps>, caller: &Caller, line: Line) -> Result<Imported> {
    run(deps, caller, line, false).await
}

/// Checks a line and creates its connector, unless it is there.
pub async fn store(deps: &Arc<Deps>, caller: &Caller, line: Line) -> Result<Imported> {
    run(deps, caller, line, true).await
}

async fn run(deps: &Arc<Deps>, caller: &Caller, line: Line, stores: bool) -> Result<Imported> {
    let (create, key) = line.split();
    let prepared = connectors::prepare(deps, caller, &create).await?;
    if let Some(key) = &key
        && let Some(id) = deps.store.connector_by_import_key(caller.organization(), key).await?
    {
        return Ok(Imported::Existing(id));
    }
    if !stores {
        return Ok(Imported::Valid);
    }
    connectors::store_prepared(deps, caller, &create, prepared, key.as_deref()).await
}
