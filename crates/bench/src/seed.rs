//! Many stored connectors, fast: copies of one connector that was made over the API, written straight into the SQLite file.
//!
//! Knows the two tables that a connector stands in, and the vault, which seals each copy's credential for its own row as
//! the server would. Other columns are copied, whatever they are. Must not know what is measured. The server is not
//! running meanwhile.

use anyhow::{Context, Result};
use keybearer::clock::Random;
use keybearer::store::Store;
use keybearer::vault::{Keyring, MasterSource, Place, WrappedKey};
use secrecy::ExposeSecret;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use std::path::Path;
use uuid::Uuid;

/// Rows of one statement.
const AT_ONCE: u32 = 400;

/// The id of a copy: ids follow each other as those of one server do, which count up with time.
pub(crate) fn copy(id: &str, number: u32) -> Result<String> {
    let id = Uuid::parse_str(id).with_context(|| format!("{id} is no UUID"))?;
    Ok(Uuid::from_u128(id.as_u128() + u128::from(number)).to_string())
}

/// Adds copies until there are `number` connectors.
pub(crate) async fn seed(data: &Path, connector: &str, number: u32) -> Result<()> {
    let keyring = keyring(data).await?;
    let mut database = SqliteConnectOptions::new()
        .filename(data.join("keybearer.db"))
        // A file that nobody else reads, and that is thrown away should this fail.
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .connect()
        .await?;
    let original = Original::read(&mut database, connector, &keyring).await?;
    let mut transaction = database.begin().await?;
    let mut first = 1;
    while first < number {
        let end = number.min(first.saturating_add(AT_ONCE));
        original.copy(&mut transaction, &keyring, first..end).await?;
        first = end;
    }
    transaction.commit().await?;
    database.close().await?;
    Ok(())
}

async fn keyring(data: &Path) -> Result<Keyring> {
    let store = Store::connect("sqlite:", data).await?;
    let wrapped = store.list_keys().await?;
    store.close().await;
    let wrapped: Vec<WrappedKey> = wrapped
        .into_iter()
        .map(|row| WrappedKey { id: row.id, wrapped: row.wrapped, created_at: row.created_at })
        .collect();
    Ok(Keyring::unlock(MasterSource::File(data.join("master.key")), &wrapped)?)
}

/// What is copied.
struct Original {
    connector: String,
    grant: String,
    organization: String,
    version: i64,
    credential: secrecy::SecretSlice<u8>,
    /// Columns beside the two that differ, of each table.
    grant_columns: Vec<String>,
    connector_columns: Vec<String>,
}

impl Original {
    async fn read(database: &mut SqliteConnection, connector: &str, keyring: &Keyring) -> Result<Self> {
        let row = sqlx::query(
            "SELECT g.id, g.organization_id, g.version, g.sealed FROM connectors AS c
             JOIN grants AS g ON g.id = c.grant_id WHERE c.id = $1",
        )
        .bind(connector)
        .fetch_one(&mut *database)
        .await?;
        let (grant, organization, version): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
        let sealed: Vec<u8> = row.get(3);
        let credential = keyring.open(&place(&organization, &grant, version), &sealed)?;
        let grant_columns = columns(database, "grants", &["id", "sealed"]).await?;
        let connector_columns = columns(database, "connectors", &["id", "grant_id"]).await?;
        let connector = connector.to_owned();
        Ok(Self { connector, grant, organization, version, credential, grant_columns, connector_columns })
    }

    async fn copy(
        &self,
        database: &mut SqliteConnection,
        keyring: &Keyring,
        numbers: std::ops::Range<u32>,
    ) -> Result<()> {
        let random = Random::system();
        let (grants, connectors) = (
            insert("grants", ["id", "sealed"], &self.grant_columns, numbers.len()),
            insert("connectors", ["id", "grant_id"], &self.connector_columns, numbers.len()),
        );
        let mut grants = sqlx::query(AssertSqlSafe(grants)).bind(&self.grant);
        let mut connectors = sqlx::query(AssertSqlSafe(connectors)).bind(&self.connector);
        for number in numbers {
            let grant = copy(&self.grant, number)?;
            let place = place(&self.organization, &grant, self.version);
            let sealed = keyring.seal(&place, self.credential.expose_secret(), &random)?;
            grants = grants.bind(grant.clone()).bind(sealed);
            connectors = connectors.bind(copy(&self.connector, number)?).bind(grant);
        }
        grants.execute(&mut *database).await?;
        connectors.execute(&mut *database).await?;
        Ok(())
    }
}

/// Where a grant's box belongs. Should the server ever say otherwise, no execute of a copy succeeds.
fn place<'a>(organization: &'a str, row: &'a str, version: i64) -> Place<'a> {
    Place { purpose: "grant.tokens", organization, row, version }
}

async fn columns(database: &mut SqliteConnection, table: &str, without: &[&str]) -> Result<Vec<String>> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_info($1)").bind(table).fetch_all(database).await?;
    Ok(names.into_iter().filter(|name| !without.contains(&name.as_str())).collect())
}

/// Copies of one row, with two other values in each.
fn insert(table: &str, other: [&str; 2], columns: &[String], rows: usize) -> String {
    let [first, second] = other;
    let copied = columns.join(", ");
    let selected = columns.iter().map(|name| format!("original.{name}")).collect::<Vec<_>>().join(", ");
    let values = vec!["(?, ?)"; rows].join(", ");
    format!(
        "INSERT INTO {table} ({first}, {second}, {copied}) SELECT new.column1, new.column2, {selected} \
         FROM (SELECT * FROM {table} WHERE id = ?) AS original, (VALUES {values}) AS new"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_count_up() {
        let id = "0198f0c2-4a1b-7c3d-8e4f-1234567890ff";
        assert_eq!(copy(id, 0).unwrap(), id);
        assert_eq!(copy(id, 1).unwrap(), "0198f0c2-4a1b-7c3d-8e4f-123456789100");
    }

    #[test]
    fn rows_are_copied_but_for_two_columns() {
        assert_eq!(
            insert("t", ["id", "x"], &["a".to_owned(), "b".to_owned()], 2),
            "INSERT INTO t (id, x, a, b) SELECT new.column1, new.column2, original.a, original.b \
             FROM (SELECT * FROM t WHERE id = ?) AS original, (VALUES (?, ?), (?, ?)) AS new"
        );
    }
}
