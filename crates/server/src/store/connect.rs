//! From `KEYBEARER_DATABASE_URL` to open connections.
//!
//! Knows how each database has to be opened so that a commit is durable and writes do not collide. Must not know
//! tables. The URL may hold a password: it is shown in no error and no log.

use super::error::{Result, StoreError};
use super::{Pools, Store};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// PostgreSQL connections of one process, unless it is told otherwise.
const CONNECTIONS: u32 = 10;
/// SQLite connections that only read.
const READERS: u32 = 4;
/// How long a call waits for a free connection, or for another process's write to a SQLite file.
const WAIT: Duration = Duration::from_secs(10);
/// The SQLite file in the data directory.
const FILE: &str = "keybearer.db";

/// Where the database is.
pub(super) enum Place {
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

impl Store {
    /// Opens the database: `sqlite:` (a file in `data_dir`, which is made when absent), `sqlite:FILE` or
    /// `postgres://…`. Makes no tables; that is [`Store::migrate`].
    pub async fn connect(url: &str, data_dir: &Path) -> Result<Self> {
        Self::connect_with(url, data_dir, CONNECTIONS).await
    }

    /// The same with another limit of PostgreSQL connections.
    pub async fn connect_with(url: &str, data_dir: &Path, connections: u32) -> Result<Self> {
        match place(url, data_dir)? {
            Place::File(file) => sqlite(&file).await,
            Place::Server(options) => postgres(*options, connections).await,
        }
    }

    /// Opens a database that is there, to look at it: nothing is made, and on SQLite nothing can be written. None where
    /// the SQLite file is missing.
    pub async fn look(url: &str, data_dir: &Path) -> Result<Option<Self>> {
        match place(url, data_dir)? {
            Place::File(file) if !file.try_exists().map_err(StoreError::io)? => Ok(None),
            Place::File(file) => look_at_file(&file).await.map(Some),
            Place::Server(options) => postgres(*options, 1).await.map(Some),
        }
    }
}

pub(super) fn place(url: &str, data_dir: &Path) -> Result<Place> {
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let file = rest.strip_prefix("//").unwrap_or(rest);
        return match file {
            "" => Ok(Place::File(data_dir.join(FILE))),
            _ if file.contains(['?', '\0']) => Err(StoreError::Url("names a SQLite file with parameters")),
            _ if file.contains(":memory:") => {
                Err(StoreError::Url("names a database in memory, which would lose every grant"))
            }
            _ => Ok(Place::File(PathBuf::from(file))),
        };
    }
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(StoreError::Url("has an unknown scheme"));
    }
    let url = url::Url::parse(url)
        .map_err(|_| StoreError::Url("is not a URL (a password needs percent-encoding)"))?;
    let options = PgConnectOptions::from_url(&url)
        .map_err(|_| StoreError::Url("has a parameter that PostgreSQL connections do not know"))?;
    let named = options.get_application_name().is_some();
    let options = if named { options } else { options.application_name("keybearer") };
    Ok(Place::Server(Box::new(options)))
}

async fn sqlite(file: &Path) -> Result<Store> {
    make_private(file).map_err(StoreError::io)?;
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(true).busy_timeout(WAIT);
    let writer = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        // A refresh token that the provider has replaced exists only here: a commit must survive a power cut.
        .synchronous(SqliteSynchronous::Full);
    let write = pool_options().max_connections(1).connect_with(writer).await?;
    let read = pool_options().max_connections(READERS).connect_with(options.read_only(true)).await?;
    Ok(Store(Pools::Sqlite { write, read }, None))
}

/// One connection that may not write. It is not opened as read-only: such a one would leave SQLite's side files behind.
async fn look_at_file(file: &Path) -> Result<Store> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .busy_timeout(WAIT)
        .pragma("query_only", "ON");
    let pool = pool_options().max_connections(1).connect_with(options).await?;
    Ok(Store(Pools::Sqlite { write: pool.clone(), read: pool }, None))
}

/// SQLite connections never age: reopening the only writer would gain nothing.
fn pool_options() -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .acquire_timeout(WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

async fn postgres(options: PgConnectOptions, connections: u32) -> Result<Store> {
    // One plain connection first: a pool would repeat a refused one until its timeout and then say only that.
    let first = tokio::time::timeout(WAIT, sqlx::PgConnection::connect_with(&options)).await;
    let timed_out = |_| StoreError::Unavailable("no answer from the PostgreSQL server within 10 s".into());
    first.map_err(timed_out)??.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(connections.max(1))
        .acquire_timeout(WAIT)
        .connect_with(options)
        .await?;
    Ok(Store(Pools::Postgres(pool), None))
}

/// Makes the file's directory and the file readable by their owner only. SQLite gives its side files the same mode.
fn make_private(file: &Path) -> std::io::Result<()> {
    let mut directory = std::fs::DirBuilder::new();
    let mut open = std::fs::OpenOptions::new();
    directory.recursive(true);
    open.create(true).append(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    }
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directory.create(parent)?;
    }
    open.open(file).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(url: &str) -> Option<PathBuf> {
        match place(url, Path::new("/data")) {
            Ok(Place::File(file)) => Some(file),
            _ => None,
        }
    }

    #[test]
    fn sqlite_urls_name_files() {
        assert_eq!(file("sqlite:"), Some(PathBuf::from("/data/keybearer.db")));
        assert_eq!(file("sqlite://"), Some(PathBuf::from("/data/keybearer.db")));
        assert_eq!(file("sqlite:here.db"), Some(PathBuf::from("here.db")));
        assert_eq!(file("sqlite:/var/lib/k.db"), Some(PathBuf::from("/var/lib/k.db")));
        assert_eq!(file("sqlite:///var/lib/k.db"), Some(PathBuf::from("/var/lib/k.db")));
    }

    #[test]
    fn bad_urls_are_named_by_their_setting_and_not_shown() {
        for url in [
            "",
            "mysql://user:hunter2@host/db",
            "postgres://user:hunter2@ho st/db",
            "postgres://user:hunter2@host:port/db",
            "postgres://user:hunter2@host/db?sslmode=hunter2",
            "sqlite::memory:",
            "sqlite:k.db?mode=hunter2",
        ] {
            let Err(error) = place(url, Path::new("/data")) else { panic!("accepted {url:?}") };
            let text = format!("{error} {error:?}");
            assert!(
                text.starts_with("KEYBEARER_DATABASE_URL ") && !text.contains("hunter2"),
                "{url:?}: {text}"
            );
            assert!(text.contains("accepted are `sqlite:`, `sqlite:FILE` and `postgres://"), "{text}");
        }
    }

    #[test]
    fn postgres_urls_are_understood() {
        let Ok(Place::Server(options)) =
            place("postgresql://u:p@db.example:5433/keys?sslmode=require", Path::new("/"))
        else {
            panic!("refused");
        };
        assert_eq!(
            (options.get_host(), options.get_port(), options.get_database()),
            ("db.example", 5433, Some("keys"))
        );
        assert_eq!(options.get_application_name(), Some("keybearer"));
    }
}
