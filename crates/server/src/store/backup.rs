//! A copy of the SQLite file while servers use it.
//!
//! Knows how a consistent copy is made and checked. Must not know where it is kept, nor keys beyond their rows.

use super::Store;
use super::connect::{Place, place};
use super::error::{Result, StoreError};
use super::keys::KeyRow;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Row as _, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// How long the copy waits for a lock of another process.
const WAIT: Duration = Duration::from_secs(10);

impl Store {
    /// Writes what is committed at this moment into the file `to`, which must be empty, and checks the copy; the data
    /// keys that stand in it. Neither migrates nor changes the database, and takes no lock that a writer would wait for.
    pub async fn back_up(url: &str, data_dir: &Path, to: &Path) -> Result<Vec<KeyRow>> {
        let Place::File(file) = place(url, data_dir)? else {
            return Err(StoreError::Tables("PostgreSQL has its own tools for this".to_owned()));
        };
        let target =
            to.to_str().ok_or_else(|| StoreError::Unavailable("the folder's name is not UTF-8".into()))?;
        let mut database = open(&file, false).await?;
        sqlx::query("VACUUM INTO $1").bind(target).execute(&mut database).await?;
        database.close().await?;
        check(to).await
    }
}

async fn open(file: &Path, read_only: bool) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .read_only(read_only)
        .busy_timeout(WAIT);
    Ok(SqliteConnection::connect_with(&options).await?)
}

async fn check(copy: &Path) -> Result<Vec<KeyRow>> {
    let mut copy = open(copy, true).await?;
    let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut copy).await?;
    if said != ["ok"] {
        let first = said.into_iter().next().unwrap_or_default();
        return Err(StoreError::Corrupt(format!("the copy fails SQLite's integrity check: {first}")));
    }
    let strays = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut copy).await?;
    if !strays.is_empty() {
        return Err(StoreError::Corrupt(format!(
            "{} rows of the copy belong to rows that are gone",
            strays.len()
        )));
    }
    let rows = sqlx::query("SELECT id, wrapped, created_at FROM vault_keys ORDER BY created_at, id")
        .fetch_all(&mut copy)
        .await?;
    let keys = rows
        .iter()
        .map(|row| Ok(KeyRow { id: row.try_get(0)?, wrapped: row.try_get(1)?, created_at: row.try_get(2)? }));
    let keys = keys.collect::<std::result::Result<_, sqlx::Error>>()?;
    copy.close().await?;
    Ok(keys)
}
