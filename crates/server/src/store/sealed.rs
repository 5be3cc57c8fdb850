//! Every column that holds sealed bytes, walked through when they are sealed anew under another data key.
//!
//! Knows where sealed bytes stand and what they are bound to. Must not know keys: it is told what bytes begin with.
//! Serves all organizations. A row is exchanged only where its bytes are still those that were read, so a change by
//! anybody else wins.

use super::error::Result;
use super::sql::{Fork, FromRow, Row, values};
use super::{Kind, Store};

/// A column of sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedColumn {
    /// Tokens.
    Grants,
    /// Configurations of OAuth apps.
    OauthApps,
    /// PKCE verifiers.
    Flows,
    /// Digests of requests with an idempotency key.
    IdempotencyRequests,
    /// Their answers.
    IdempotencyAnswers,
    /// Keys of the audit log; they belong to no organization.
    AuditKeys,
}

/// Sealed bytes and what they are bound to.
pub struct SealedRow {
    /// Id in the table.
    pub id: String,
    /// The tenant.
    pub organization_id: String,
    /// Name of the row as it is bound.
    pub row: String,
    /// Version as it is bound.
    pub version: i64,
    /// The bytes.
    pub sealed: Vec<u8>,
}

impl FromRow for SealedRow {
    fn read(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            organization_id: row.take()?,
            row: row.take()?,
            version: row.take()?,
            sealed: row.take()?,
        })
    }
}

/// The statements of a column: rows after an id that begin otherwise, their number, and the exchange of one.
struct Statements {
    list: Fork,
    count: &'static str,
    exchange: &'static str,
}

macro_rules! statements {
    ($table:literal, $column:literal, $version:literal, $sqlite_row:literal, $postgres_row:literal) => {
        Statements {
            list: Fork {
                sqlite: statements!(@list $table, $column, $version, $sqlite_row),
                postgres: statements!(@list $table, $column, $version, $postgres_row),
            },
            count: concat!("SELECT COUNT(*) FROM ", $table, " WHERE length(", $column, ") > 0 AND substr(", $column, ", 1, 5) <> $1"),
            exchange: concat!("UPDATE ", $table, " SET ", $column, " = $4 WHERE organization_id = $1 AND id = $2 AND ", $column, " = $3"),
        }
    };
    (@list $table:literal, $column:literal, $version:literal, $row:literal) => {
        concat!(
            "SELECT id, organization_id, ", $row, ", ", $version, ", ", $column, " FROM ", $table, " WHERE id > $2 AND length(",
            $column, ") > 0 AND substr(", $column, ", 1, 5) <> $1 ORDER BY id LIMIT $3"
        )
    };
}

impl SealedColumn {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Grants,
        Self::OauthApps,
        Self::Flows,
        Self::IdempotencyRequests,
        Self::IdempotencyAnswers,
        Self::AuditKeys,
    ];

    fn statements(self) -> Statements {
        match self {
            Self::Grants => statements!("grants", "sealed", "version", "id", "id"),
            Self::OauthApps => statements!("oauth_apps", "sealed", "version", "id", "id"),
            Self::Flows => statements!("flows", "sealed", "CAST(1 AS BIGINT)", "id", "id"),
            Self::IdempotencyRequests => statements!(
                "idempotency_keys",
                "request",
                "CAST(1 AS BIGINT)",
                "lower(hex(key_hash)) || '.' || id",
                "encode(key_hash, 'hex') || '.' || id"
            ),
            Self::IdempotencyAnswers => statements!(
                "idempotency_keys",
                "answer",
                "CAST(1 AS BIGINT)",
                "lower(hex(key_hash)) || '.' || id",
                "encode(key_hash, 'hex') || '.' || id"
            ),
            Self::AuditKeys => Statements {
                list: "SELECT id, '', id, CAST(1 AS BIGINT), sealed FROM audit_keys WHERE id > $2 AND substr(sealed, 1, 5) <> $1
                    ORDER BY id LIMIT $3"
                    .into(),
                count: "SELECT COUNT(*) FROM audit_keys WHERE substr(sealed, 1, 5) <> $1",
                exchange: "UPDATE audit_keys SET sealed = $4 WHERE $1 = '' AND id = $2 AND sealed = $3",
            },
        }
    }
}

impl Store {
    /// Rows whose bytes do not begin with `prefix`, those after the id `after` in its order, at most `limit`.
    pub async fn sealed_otherwise(
        &self,
        column: SealedColumn,
        prefix: &[u8],
        after: &str,
        limit: i64,
    ) -> Result<Vec<SealedRow>> {
        self.rows(column.statements().list, values![prefix, after, limit]).await
    }

    /// How many rows' bytes do not begin with `prefix`.
    pub async fn count_sealed_otherwise(&self, column: SealedColumn, prefix: &[u8]) -> Result<i64> {
        Ok(self.row(column.statements().count, values![prefix]).await?.unwrap_or_default())
    }

    /// Exchanges the bytes of rows where they are still the same; how many were.
    pub async fn exchange_sealed(
        &self,
        column: SealedColumn,
        rows: &[(SealedRow, Vec<u8>)],
        now: i64,
    ) -> Result<u64> {
        let text = column.statements().exchange;
        let mut exchanged = 0;
        if self.kind() == Kind::Postgres {
            // One by one: rows that are locked together could stand in another transaction's way the other way round.
            for (row, sealed) in rows {
                let values = values![&row.organization_id, &row.id, &row.sealed, sealed];
                exchanged += self.execute(text, values).await?;
            }
            return Ok(exchanged);
        }
        // Together: each commit waits for the disk.
        let mut work = self.begin().await?;
        for (row, sealed) in rows {
            exchanged +=
                work.execute(text, values![&row.organization_id, &row.id, &row.sealed, sealed]).await?;
        }
        work.commit(now).await?;
        Ok(exchanged)
    }
}
