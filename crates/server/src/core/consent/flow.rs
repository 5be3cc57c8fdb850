//! One consent attempt as a type: its states, and the moves between them, each of which consumes the state before.
//!
//! Pending -> Exchanging -> Granted -> Consumed, or Failed / Expired. Knows what each state holds. Must not know how
//! rows are stored or requests are sent: a move here describes what the store's conditional UPDATE must also agree to.
//!
//! A process that dies leaves: Pending (the user can still come back), Exchanging (the code is spent; the sweep fails
//! it), Granted (the sweep expires it and revokes the grant). Nothing is usable before Consumed.

use crate::config::CallbackMode;
use crate::core::oauth_apps::Callback;
use crate::store::{FlowRow, StoreError};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What every state of a flow knows.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Row id.
    pub id: String,
    /// Tenant.
    pub organization_id: String,
    /// Whose account is connected.
    pub workspace_id: String,
    /// Connector type.
    pub connector_type: String,
    /// Where the user goes afterwards.
    pub redirect_url: String,
    /// What the application gets.
    pub mode: CallbackMode,
    /// Pinned OAuth app; none: the instance's.
    pub oauth_app_id: Option<String>,
    /// Its client id.
    pub client_id: String,
    /// Values chosen before consent.
    pub environment: Map<String, Value>,
    /// Scopes that were asked for.
    pub scopes: Vec<String>,
    /// S256 challenge of the application session.
    pub code_challenge: Option<String>,
    /// Connector that gets the new grant.
    pub reconnects: Option<String>,
    /// The new grant of that connector may be another account's.
    pub allow_account_change: bool,
    /// Name of a connector that the callback creates.
    pub name: Option<String>,
    /// Its replication configuration.
    pub replication_config: Option<String>,
    /// Sealed PKCE verifier.
    pub sealed: Vec<u8>,
    /// The callback path it was started for.
    pub callback: Callback,
    /// Id of the request that brought the browser back; none until then.
    pub request_id: Option<Arc<str>>,
}

/// The provider has not answered yet. The store's conditional UPDATE makes the move to [`Exchanging`], because only one
/// of several callbacks may make it.
#[derive(Debug)]
pub struct Pending(pub Flow);

/// The state is consumed; the code may be exchanged, once.
#[derive(Debug)]
pub struct Exchanging(pub Flow);

/// A quarantined grant waits for its `secret_id`.
#[derive(Debug)]
pub struct Granted {
    /// The flow.
    pub flow: Flow,
    /// When the `secret_id` ends, epoch milliseconds.
    pub secret_expires_at: i64,
    /// The quarantined grant.
    pub grant_id: String,
}

/// The flow led to a connector.
#[derive(Debug)]
pub struct Consumed(pub Flow);

/// A flow in any state, as the store has it.
#[derive(Debug)]
pub enum Stored {
    /// Waiting for the provider.
    Pending(Pending),
    /// Exchanging the code.
    Exchanging(Exchanging),
    /// Waiting for redemption.
    Granted(Granted),
    /// Redeemed, failed or expired.
    Over(Flow),
}

impl Exchanging {
    /// The provider granted.
    pub fn grant(self, grant_id: String, secret_expires_at: i64) -> Granted {
        Granted { flow: self.0, secret_expires_at, grant_id }
    }

    /// The provider granted and the server creates the connector itself.
    pub fn consume(self) -> Consumed {
        Consumed(self.0)
    }
}

impl Granted {
    /// The application redeemed its `secret_id`.
    pub fn consume(self) -> Consumed {
        Consumed(self.flow)
    }
}

impl TryFrom<FlowRow> for Stored {
    type Error = StoreError;

    fn try_from(row: FlowRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("flow {}: {what}", row.id));
        let granted = row.grant_id.clone().zip(row.secret_expires_at);
        let status = row.status.clone();
        let flow = Flow {
            mode: CallbackMode::from_name(&row.callback_mode).ok_or_else(|| corrupt("callback mode"))?,
            environment: serde_json::from_str(&row.environment).map_err(|_| corrupt("environment"))?,
            scopes: serde_json::from_str(&row.scopes).map_err(|_| corrupt("scopes"))?,
            callback: if row.callback == LEGACY { Callback::Legacy } else { Callback::Context },
            id: row.id.clone(),
            organization_id: row.organization_id,
            workspace_id: row.workspace_id,
            connector_type: row.connector_type,
            redirect_url: row.redirect_url,
            oauth_app_id: row.oauth_app_id,
            client_id: row.client_id,
            code_challenge: row.code_challenge,
            reconnects: row.connector_id,
            allow_account_change: row.allow_account_change,
            name: row.name,
            replication_config: row.replication_config,
            sealed: row.sealed,
            request_id: None,
        };
        match (status.as_str(), granted) {
            ("pending", _) => Ok(Self::Pending(Pending(flow))),
            ("exchanging", _) => Ok(Self::Exchanging(Exchanging(flow))),
            ("granted", Some((grant_id, secret_expires_at))) => {
                Ok(Self::Granted(Granted { flow, secret_expires_at, grant_id }))
            }
            ("consumed" | "failed" | "expired", _) => Ok(Self::Over(flow)),
            _ => Err(StoreError::Corrupt(format!("flow {}: status", flow.id))),
        }
    }
}

/// Stored callback of flows whose OAuth app was registered with the legacy path; else it is the connector's slug. No slug
/// has a slash.
pub const LEGACY: &str = "/legacy";
