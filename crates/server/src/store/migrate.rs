//! Tables: made and changed by numbered files that are part of the binary.
//!
//! Knows the files, that each runs once, in order, and which versions work on the tables. Must not know what the tables
//! are for. Both databases have the same files with the same tables and columns; a file that was released never changes.

use super::error::{Result, StoreError};
use super::sql::Fork;
use super::{Pools, Store};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::borrow::Cow;

/// Number, name and text.
type File = (i64, &'static str, &'static str);

/// Numbers and names, in order.
macro_rules! files {
    ($directory:literal) => {
        files!($directory:
            1 "0001_first_tables",
            2 "0002_idle_grants",
            3 "0003_idempotency",
            5 "0005_revocations",
            6 "0006_audit",
            7 "0007_organization_settings",
            8 "0008_oldest_version",
            9 "0009_audit_anchors",
            10 "0010_reusable_refresh_tokens",
        )
    };
    ($directory:literal: $($version:literal $name:literal),* $(,)?) => {
        vec![$((
            $version,
            $name,
            include_str!(concat!("../../migrations/", $directory, "/", $name, ".sql")),
        )),*]
    };
}

/// What stands in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// No tables of ours.
    Missing,
    /// Those of an earlier version, or of a migration that was interrupted.
    Older,
    /// All that this version needs.
    Ready,
}

const HAS_MIGRATIONS: Fork = Fork {
    sqlite: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
    postgres: "SELECT CASE WHEN to_regclass('_sqlx_migrations') IS NULL THEN CAST(0 AS BIGINT) ELSE 1 END",
};

impl Store {
    /// What [`Store::migrate`] would find. Changes nothing.
    pub async fn tables(&self) -> Result<Tables> {
        if self.row::<i64>(HAS_MIGRATIONS, &[]).await?.unwrap_or_default() == 0 {
            return Ok(Tables::Missing);
        }
        let done: Vec<i64> = self.rows("SELECT version FROM _sqlx_migrations WHERE success", &[]).await?;
        let files = self.files();
        if files.iter().any(|(version, ..)| !done.contains(version)) {
            return Ok(Tables::Older);
        }
        self.refuse_newer(&files).await?;
        Ok(Tables::Ready)
    }

    /// Brings the tables to this version's state. Replicas that start together wait for the first (an advisory lock
    /// on PostgreSQL, the file's own on SQLite). Tables of a newer version are used as they are, unless that version
    /// took something away that this one needs (`oldest_version`): then they are refused.
    pub async fn migrate(&self) -> Result<()> {
        let files = self.files();
        match &self.0 {
            Pools::Sqlite { write, .. } => migrator(&files).run(write).await,
            Pools::Postgres(pool) => migrator(&files).run(pool).await,
        }
        .map_err(StoreError::from)?;
        self.refuse_newer(&files).await
    }

    fn files(&self) -> Vec<File> {
        match &self.0 {
            Pools::Sqlite { .. } => files!("sqlite"),
            Pools::Postgres(_) => files!("postgres"),
        }
    }

    async fn refuse_newer(&self, files: &[File]) -> Result<()> {
        let newest = files.last().map_or(0, |(version, ..)| *version);
        match self.row::<i64>("SELECT MAX(known) FROM oldest_version", &[]).await? {
            Some(needed) if needed > newest => Err(StoreError::Tables(format!(
                "they are newer (they need a version that knows migration {needed}, this one knows {newest}); start a newer version, or restore a backup"
            ))),
            _ => Ok(()),
        }
    }
}

fn migrator(files: &[File]) -> Migrator {
    let migrations = files
        .iter()
        .map(|&(version, name, text)| {
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.set_ignore_missing(true);
    migrator
}
