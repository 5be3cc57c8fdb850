//! Rows: everything that outlives the process, on SQLite or PostgreSQL.
//!
//! Knows tables and statements. A function here is a whole unit of work; every move of a row is one conditional
//! UPDATE, and rows that belong together move in one short transaction. Must not know what sealed bytes hold (`vault`
//! does), nor why a row moves (`core` does).
//!
//! Every statement names the organization, except look-ups by a secret's hash or a client id, which say whose it is,
//! the sweeps and the exchange of keys, which serve the whole server. Times are epoch milliseconds. A write that could make a cached view
//! untrue appends to the change feed in the same transaction ([`changes`](crate::store::ChangeRow)).

mod audit;
mod audit_anchors;
mod backup;
mod changes;
mod connect;
mod connectors;
mod credentials;
mod error;
mod flows;
mod grants;
mod idempotency;
mod idle_grants;
mod jobs;
mod keys;
mod migrate;
mod oauth_apps;
mod organization_settings;
mod organizations;
mod redeem;
mod redirect_urls;
mod revocations;
mod sealed;
mod sql;
mod sweep;
mod work;
mod workspaces;

pub use audit::{AuditFilter, AuditHead, AuditRow, Link};
pub use audit_anchors::{AuditAnchor, Cut};
pub use changes::ChangeRow;
pub use connectors::{ConnectorFilter, ConnectorRow, ConnectorUpdate, ConnectorView, UnansweredFilter};
pub use credentials::CredentialRow;
pub use error::StoreError;
pub use flows::{FlowRow, PendingFlows, PendingLimit, Taken};
pub use grants::{Claim, GrantRow, Renewed};
pub use idempotency::IdempotencyRow;
pub use idle_grants::IdleGrant;
pub use jobs::{JobReport, JobRow};
pub use keys::KeyRow;
pub use migrate::Tables;
pub use oauth_apps::OauthAppRow;
pub use organization_settings::{OrganizationSettings, OrganizationSettingsChange};
pub use organizations::{Bootstrap, Contents, OrganizationRow};
pub use redeem::FinishConnector;
pub use revocations::{RevocationRow, RevokedGrant};
pub use sealed::{SealedColumn, SealedRow};
pub use sweep::SweepReport;
pub use workspaces::{WorkspaceFilter, WorkspaceRow, WorkspaceUpdate};

use error::Result;
use sqlx::{PgPool, SqlitePool};
use std::sync::Arc;

/// The database. Clones share its connections. The second part is the audit entry that the next write carries.
#[derive(Clone)]
pub struct Store(Pools, Option<Arc<AuditRow>>);

#[derive(Clone)]
enum Pools {
    /// One writer, so that writes queue fairly instead of failing busy, and readers beside it (WAL).
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Postgres(PgPool),
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file beside this process: one replica.
    Sqlite,
    /// A server that any number of replicas may share.
    Postgres,
}

impl Store {
    /// Which database it is.
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Pools::Sqlite { .. } => Kind::Sqlite,
            Pools::Postgres(_) => Kind::Postgres,
        }
    }

    /// One round trip to the database.
    pub async fn ping(&self) -> Result<()> {
        self.row::<i64>("SELECT CAST(1 AS BIGINT)", &[]).await.map(|_| ())
    }

    /// The database's own time, epoch milliseconds: what claims are measured by.
    pub async fn clock_ms(&self) -> Result<i64> {
        let now = sql::Fork {
            sqlite: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            postgres: "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        };
        self.row::<i64>(now, &[])
            .await?
            .ok_or_else(|| StoreError::Corrupt("the database does not say its time".to_owned()))
    }

    /// Ends all connections after the statements that run. Later calls are [`StoreError::Unavailable`].
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { write, read } => {
                read.close().await;
                // Last, because the last connection folds the write-ahead log into the file.
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}
