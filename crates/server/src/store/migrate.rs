//! Tables: made and changed by numbered files that are part of the binary.
//!
//! Knows the files and that each runs once, in order. Must not know what the tables are for. Both databases have the
//! same files with the same tables and columns; a file that was released never changes.

use super::error::{Result, StoreError};
use super::{Pools, Store};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::borrow::Cow;

macro_rules! files {
    ($directory:literal: $($version:literal $name:literal),* $(,)?) => {
        vec![$((
            $version,
            $name,
            include_str!(concat!("../../migrations/", $directory, "/", $name, ".sql")),
        )),*]
    };
}

impl Store {
    /// Brings the tables to this version's state. Replicas that start together wait for the first (an advisory lock
    /// on PostgreSQL, the file's own on SQLite). Tables of a newer version are refused.
    pub async fn migrate(&self) -> Result<()> {
        match &self.0 {
            Pools::Sqlite { write, .. } => {
                migrator(files!("sqlite": 1 "0001_first_tables", 5 "0005_revocations", 6 "0006_audit"))
                    .run(write)
                    .await
            }
            Pools::Postgres(pool) => {
                migrator(files!("postgres": 1 "0001_first_tables", 5 "0005_revocations", 6 "0006_audit"))
                    .run(pool)
                    .await
            }
        }
        .map_err(StoreError::from)
    }
}

fn migrator(files: Vec<(i64, &'static str, &'static str)>) -> Migrator {
    let migrations = files
        .into_iter()
        .map(|(version, name, text)| {
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, text.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(migrations)
}
