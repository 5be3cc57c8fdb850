//! Wrapped data keys. Knows bytes and ids; must not know the master key.

use super::Store;
use super::changes::Change;
use super::error::Result;
use super::sql::{row, values};

row! {
    /// A data key, wrapped by the master key.
    pub struct KeyRow in vault_keys as columns {
        /// Short hex id, as it stands in sealed bytes.
        pub id: String,
        /// The key, readable only with the master key.
        pub wrapped: Vec<u8>,
        /// Epoch milliseconds.
        pub created_at: i64,
    }
}

impl Store {
    /// All keys, oldest first.
    pub async fn list_keys(&self) -> Result<Vec<KeyRow>> {
        let text = concat!("SELECT ", columns!(names), " FROM vault_keys ORDER BY created_at, id");
        self.rows(text, &[]).await
    }

    /// Stores the key if there is none at all. When replicas start at the same time one of their keys wins; each
    /// lists the keys again afterwards and uses that.
    pub async fn insert_first_key(&self, key: &KeyRow) -> Result<()> {
        // `is_first` is unique, so also two transactions that both see no key cannot both insert.
        let text = concat!(
            "INSERT INTO vault_keys (",
            columns!(names),
            ", is_first) SELECT $1, $2, $3, 1",
            " WHERE NOT EXISTS (SELECT 1 FROM vault_keys) ON CONFLICT DO NOTHING"
        );
        self.execute(text, &key.all()).await?;
        Ok(())
    }

    /// Stores one more key; every process learns of it by the feed.
    pub async fn insert_key(&self, key: &KeyRow, now: i64) -> Result<()> {
        let text = concat!("INSERT INTO vault_keys (", columns!(names), ") VALUES ($1, $2, $3)");
        let mut work = self.begin().await?;
        work.execute(text, &key.all()).await.map_err(|error| error.about("data key"))?;
        work.changed(Change::Key { id: key.id.clone() });
        work.commit(now).await
    }

    /// Wraps a key anew where it is still wrapped as `from`. False when it is not.
    pub async fn rewrap_key(&self, id: &str, from: &[u8], to: &[u8]) -> Result<bool> {
        let text = "UPDATE vault_keys SET wrapped = $3 WHERE id = $1 AND wrapped = $2";
        Ok(self.execute(text, values![id, from, to]).await? == 1)
    }
}
