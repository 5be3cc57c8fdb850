//! Secrets of one test, and the search for them where they must not be.
//!
//! Knows how the databases keep bytes. Must not know what the secrets are for.

use super::databases::Database;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// Everything secret that a test handed out or got.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<BTreeSet<String>>>);

impl Secrets {
    /// A new one that occurs nowhere else.
    pub(crate) fn fresh(&self, start: &str) -> String {
        let number = COUNTER.fetch_add(1, Ordering::SeqCst);
        let secret = format!("{start}-canary-{:08x}{number:08x}", std::process::id());
        self.keep(&secret);
        secret
    }

    /// One that came from elsewhere.
    pub(crate) fn keep(&self, secret: &str) {
        assert!(secret.len() >= 8, "too short to be looked for: {secret:?}");
        self.0.lock().unwrap().insert(secret.to_owned());
    }

    pub(crate) fn keep_all(&self, secrets: impl IntoIterator<Item = String>) {
        secrets.into_iter().for_each(|secret| self.keep(&secret));
    }

    /// None of them stands in these texts.
    pub(crate) fn assert_not_in(&self, place: &str, texts: &[String]) {
        for secret in self.0.lock().unwrap().iter() {
            let found = texts.iter().find(|text| text.contains(secret.as_str()));
            let Some(text) = found else { continue };
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            panic!("a secret stands in {place}: {secret} in {line:?}");
        }
    }

    /// None of them stands in the database, as text or as bytes.
    pub(crate) async fn assert_not_stored(&self, database: &Database) {
        let stored = String::from_utf8_lossy(&stored(database).await).into_owned();
        for secret in self.0.lock().unwrap().iter() {
            assert!(!stored.contains(secret.as_str()), "a secret is stored: {secret}");
            assert!(!stored.contains(&hex(secret)), "a secret is stored as bytes: {secret}");
        }
    }
}

fn hex(text: &str) -> String {
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// All bytes of the SQLite files, or all rows of all PostgreSQL tables as text.
async fn stored(database: &Database) -> Vec<u8> {
    let mut bytes = Vec::new();
    if database.url.starts_with("sqlite:") {
        for entry in std::fs::read_dir(database.directory.path()).unwrap() {
            bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        return bytes;
    }
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    for table in tables(database).await {
        let query = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        for row in sqlx::query_scalar::<_, String>(query).fetch_all(&mut connection).await.unwrap() {
            bytes.extend(row.into_bytes());
        }
    }
    connection.close().await.unwrap();
    bytes
}

async fn tables(database: &Database) -> Vec<String> {
    if database.url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        let query =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
        let names = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        return names;
    }
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let query = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1";
    let names = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    names
}

/// How many rows each table has.
pub(crate) async fn row_counts(database: &Database) -> BTreeMap<String, i64> {
    let tables = tables(database).await;
    let counts = |table: &str| AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    let mut rows = BTreeMap::new();
    if database.url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
        for table in tables {
            let count: i64 = sqlx::query_scalar(counts(&table)).fetch_one(&mut connection).await.unwrap();
            rows.insert(table, count);
        }
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        for table in tables {
            let count: i64 = sqlx::query_scalar(counts(&table)).fetch_one(&mut connection).await.unwrap();
            rows.insert(table, count);
        }
        connection.close().await.unwrap();
    }
    rows
}

#[tokio::test]
async fn the_search_finds_what_is_stored() {
    use futures_util::FutureExt;
    super::stage::each(async |stage| {
        let planted = Secrets::default();
        let secret = planted.fresh("plain");
        planted.assert_not_stored(&stage.database).await;
        // A workspace name stands in the database as it is.
        stage.app.post("/embedded/scoped-token", &serde_json::json!({ "workspace_name": secret })).await.ok();
        let found =
            std::panic::AssertUnwindSafe(planted.assert_not_stored(&stage.database)).catch_unwind().await;
        assert!(found.is_err());
        let named = std::panic::catch_unwind(|| planted.assert_not_in("a list", &[format!("x{secret}y")]));
        assert!(named.is_err());
    })
    .await;
}
