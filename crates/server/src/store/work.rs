//! Statements alone and statements together.
//!
//! Knows pools and transactions, and that the change feed is written last. Must not know tables beyond the feed's.

use super::audit::{self, AuditRow};
use super::changes::{self, Change};
use super::error::{Result, StoreError};
use super::sql::{Fork, FromRow, Row, Value, postgres_query, sqlite_query};
use super::{Pools, Store};
use sqlx::{Postgres, Sqlite, Transaction};
use std::sync::Arc;

/// A transaction. Dropped without [`Work::commit`], all of it is undone.
pub(super) struct Work {
    transaction: Either,
    changes: Vec<Change>,
    audit: Option<Arc<AuditRow>>,
}

enum Either {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

fn read<R: FromRow>(row: impl Into<Row>) -> Result<R> {
    R::read(&mut row.into())
}

impl Store {
    /// Reads at most one row.
    pub(super) async fn row<R: FromRow>(
        &self,
        text: impl Into<Fork>,
        values: &[Value<'_>],
    ) -> Result<Option<R>> {
        let text = text.into();
        match &self.0 {
            Pools::Sqlite { read: pool, .. } => {
                sqlite_query(text, values).fetch_optional(pool).await?.map(read).transpose()
            }
            Pools::Postgres(pool) => {
                postgres_query(text, values).fetch_optional(pool).await?.map(read).transpose()
            }
        }
    }

    /// Reads all rows.
    pub(super) async fn rows<R: FromRow>(
        &self,
        text: impl Into<Fork>,
        values: &[Value<'_>],
    ) -> Result<Vec<R>> {
        let text = text.into();
        match &self.0 {
            Pools::Sqlite { read: pool, .. } => {
                sqlite_query(text, values).fetch_all(pool).await?.into_iter().map(read).collect()
            }
            Pools::Postgres(pool) => {
                postgres_query(text, values).fetch_all(pool).await?.into_iter().map(read).collect()
            }
        }
    }

    /// Writes by one statement, a transaction of its own; the row count.
    pub(super) async fn execute(&self, text: impl Into<Fork>, values: &[Value<'_>]) -> Result<u64> {
        let text = text.into();
        if self.1.is_some() {
            let mut work = self.begin().await?;
            let count = work.execute(text, values).await?;
            work.end(count > 0).await?;
            return Ok(count);
        }
        match &self.0 {
            Pools::Sqlite { write, .. } => {
                Ok(sqlite_query(text, values).execute(write).await?.rows_affected())
            }
            Pools::Postgres(pool) => Ok(postgres_query(text, values).execute(pool).await?.rows_affected()),
        }
    }

    /// Writes by one statement with RETURNING.
    pub(super) async fn write_row<R: FromRow>(
        &self,
        text: impl Into<Fork>,
        values: &[Value<'_>],
    ) -> Result<Option<R>> {
        Ok(self.write_rows(text, values).await?.into_iter().next())
    }

    /// Writes by one statement with RETURNING; all rows.
    pub(super) async fn write_rows<R: FromRow>(
        &self,
        text: impl Into<Fork>,
        values: &[Value<'_>],
    ) -> Result<Vec<R>> {
        let text = text.into();
        if self.1.is_some() {
            let mut work = self.begin().await?;
            let rows = work.rows(text, values).await?;
            work.end(!rows.is_empty()).await?;
            return Ok(rows);
        }
        // All of them, also where one is wanted: SQLite ends a statement's transaction only when it has run to its end.
        match &self.0 {
            Pools::Sqlite { write, .. } => {
                sqlite_query(text, values).fetch_all(write).await?.into_iter().map(read).collect()
            }
            Pools::Postgres(pool) => {
                postgres_query(text, values).fetch_all(pool).await?.into_iter().map(read).collect()
            }
        }
    }

    /// Begins a transaction that writes. On SQLite it is the only one; on PostgreSQL it reads what is committed when
    /// each statement starts, so that a condition in an UPDATE holds at that moment.
    pub(super) async fn begin(&self) -> Result<Work> {
        let transaction = match &self.0 {
            Pools::Sqlite { write, .. } => Either::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Either::Postgres(pool.begin().await?),
        };
        Ok(Work { transaction, changes: Vec::new(), audit: self.1.clone() })
    }
}

impl Work {
    /// Runs a statement; the row count.
    pub(super) async fn execute(&mut self, text: impl Into<Fork>, values: &[Value<'_>]) -> Result<u64> {
        let text = text.into();
        match &mut self.transaction {
            Either::Sqlite(tx) => Ok(sqlite_query(text, values).execute(&mut **tx).await?.rows_affected()),
            Either::Postgres(tx) => {
                Ok(postgres_query(text, values).execute(&mut **tx).await?.rows_affected())
            }
        }
    }

    /// Runs a statement that gives rows; all of them.
    pub(super) async fn rows<R: FromRow>(
        &mut self,
        text: impl Into<Fork>,
        values: &[Value<'_>],
    ) -> Result<Vec<R>> {
        let text = text.into();
        match &mut self.transaction {
            Either::Sqlite(tx) => {
                sqlite_query(text, values).fetch_all(&mut **tx).await?.into_iter().map(read).collect()
            }
            Either::Postgres(tx) => {
                postgres_query(text, values).fetch_all(&mut **tx).await?.into_iter().map(read).collect()
            }
        }
    }

    /// Runs a statement that gives rows; the first.
    pub(super) async fn row<R: FromRow>(
        &mut self,
        text: impl Into<Fork>,
        values: &[Value<'_>],
    ) -> Result<Option<R>> {
        Ok(self.rows(text, values).await?.into_iter().next())
    }

    /// Whether several transactions may write at the same time, so that rows read first must be locked.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.transaction, Either::Postgres(_))
    }

    /// Notes a change for the feed.
    pub(super) fn changed(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Appends the audit entry and the noted changes as of `now`, and commits. Also true when there is nothing to undo.
    ///
    /// An error may mean that the outcome is not known: the connection may have broken after the commit.
    pub(super) async fn commit(mut self, now: i64) -> Result<()> {
        if let Some(entry) = self.audit.take() {
            audit::append(&mut self, &[&entry]).await?;
        }
        let changes = std::mem::take(&mut self.changes);
        changes::append(&mut self, &changes, now).await?;
        match self.transaction {
            Either::Sqlite(tx) => tx.commit().await,
            Either::Postgres(tx) => tx.commit().await,
        }
        .map_err(StoreError::from)
    }

    /// Commits a single statement with its audit entry, or undoes one that found nothing.
    async fn end(self, done: bool) -> Result<()> {
        let at = self.audit.as_ref().map_or(0, |entry| entry.at);
        if done { self.commit(at).await } else { self.undo().await }
    }

    /// Undoes everything.
    pub(super) async fn undo(self) -> Result<()> {
        match self.transaction {
            Either::Sqlite(tx) => tx.rollback().await,
            Either::Postgres(tx) => tx.rollback().await,
        }
        .map_err(StoreError::from)
    }
}
