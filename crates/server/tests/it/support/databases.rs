//! Fresh, empty databases for one test: SQLite in a temporary directory and a PostgreSQL schema of its own.
//!
//! `KEYBEARER_TEST_POSTGRES_URL` names the PostgreSQL database; its role must be allowed to create schemas. Without it
//! every test on both databases fails, unless `KEYBEARER_TEST_SQLITE_ONLY=1` says that this is meant.

use keybearer::store::Store;
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A database with all tables, gone when dropped.
pub(crate) struct Database {
    /// The store on it.
    pub(crate) store: Store,
    /// As `KEYBEARER_DATABASE_URL` would name it.
    pub(crate) url: String,
    /// The data directory.
    pub(crate) directory: TempDir,
    schema: Option<(String, String)>,
}

/// One database of each sort, the same test to be run on both.
pub(crate) async fn databases() -> Vec<Database> {
    let mut databases = vec![sqlite().await];
    if let Some(url) = postgres_url() {
        databases.push(postgres(&url).await);
    }
    databases
}

/// A SQLite database.
pub(crate) async fn sqlite() -> Database {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("keybearer.db").display());
    let store = Store::connect(&url, directory.path()).await.unwrap();
    store.migrate().await.unwrap();
    Database { store, url, directory, schema: None }
}

/// A PostgreSQL database; none where only SQLite is to be tested.
#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
pub(crate) fn postgres_url() -> Option<String> {
    let only_sqlite = std::env::var("KEYBEARER_TEST_SQLITE_ONLY").is_ok_and(|value| value == "1");
    match std::env::var("KEYBEARER_TEST_POSTGRES_URL") {
        _ if only_sqlite => None,
        Ok(url) => Some(url),
        Err(std::env::VarError::NotUnicode(_) | std::env::VarError::NotPresent) => panic!(
            "set KEYBEARER_TEST_POSTGRES_URL (postgres://USER@HOST/DATABASE) to test on PostgreSQL too, \
             or KEYBEARER_TEST_SQLITE_ONLY=1 to leave it out on purpose"
        ),
    }
}

async fn postgres(url: &str) -> Database {
    let number = COUNTER.fetch_add(1, Ordering::SeqCst);
    let schema = format!("test_{}_{number}", std::process::id());
    run_on_postgres(url, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
    let sign = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{sign}options[search_path]={schema}");
    let directory = tempfile::tempdir().unwrap();
    let store = Store::connect(&own, directory.path()).await.unwrap();
    store.migrate().await.unwrap();
    Database { store, url: own, directory, schema: Some((url.to_owned(), schema)) }
}

impl Database {
    /// Runs statements beside the store, as an operator or another version might.
    pub(crate) async fn run(&self, text: &str) {
        if self.schema.is_some() {
            run_on_postgres(&self.url, text).await;
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Another store on the same database, as another process would have it.
    pub(crate) async fn replica(&self) -> Store {
        Store::connect(&self.url, self.directory.path()).await.unwrap()
    }
}

async fn run_on_postgres(url: &str, text: &str) {
    let mut connection =
        PgConnection::connect(url).await.expect("KEYBEARER_TEST_POSTGRES_URL cannot be reached");
    sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((url, schema)) = self.schema.take() else { return };
        // A thread with a runtime of its own: a drop cannot wait on the test's.
        let drop = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run_on_postgres(&url, &format!("DROP SCHEMA {schema} CASCADE")));
        });
        if drop.join().is_err() {
            eprintln!("a test schema could not be dropped");
        }
    }
}
