//! Opening, tables, and the errors of both.

use super::rows::{NOW, connected, connector, grant, tenants};
use crate::support::databases::{Database, databases, postgres_url, sqlite};
use keybearer::store::{ConnectorUpdate, KeyRow, Kind, Store, StoreError, Tables};

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_once_by_any_number_of_processes() {
    for db in databases().await {
        let (first, second) = (db.replica().await, db.replica().await);
        let (a, b) = tokio::join!(first.migrate(), second.migrate());
        a.unwrap();
        b.unwrap();
        db.store.ping().await.unwrap();
    }
}

/// As a newer version leaves the tables: one more migration, a column that this version does not know.
async fn upgraded(db: &Database, oldest: i64) {
    let success = if db.store.kind() == Kind::Sqlite { "1" } else { "true" };
    db.run(&format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'later', {success}, '', 0)"
    ))
    .await;
    db.run("ALTER TABLE grants ADD COLUMN later INT NOT NULL DEFAULT 7").await;
    db.run(&format!("UPDATE oldest_version SET known = {oldest}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_version_that_only_added_are_used() {
    for db in databases().await {
        upgraded(&db, 1).await;
        db.store.migrate().await.unwrap();
        connected(&db.store).await;
        assert_eq!(db.store.grant("o", "g").await.unwrap(), Some(grant("g")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_a_newer_version_took_something_from_are_refused() {
    for db in databases().await {
        upgraded(&db, 9999).await;
        let error = db.store.migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Tables(_)) && error.to_string().contains("newer"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_tells_tables_apart_and_makes_none() {
    for db in databases().await {
        let look = async || {
            let store = Store::look(&db.url, db.directory.path()).await.unwrap().unwrap();
            let tables = store.tables().await;
            store.close().await;
            tables
        };
        assert_eq!(look().await.unwrap(), Tables::Ready);
        upgraded(&db, 1).await;
        assert_eq!(look().await.unwrap(), Tables::Ready, "of a newer version that only added");
        db.run("UPDATE oldest_version SET known = 9999").await;
        assert!(matches!(look().await, Err(StoreError::Tables(_))));
        db.run("DELETE FROM _sqlx_migrations WHERE version = 9").await;
        assert_eq!(look().await.unwrap(), Tables::Older);
        db.run("DROP TABLE _sqlx_migrations").await;
        assert_eq!(look().await.unwrap(), Tables::Missing);
    }
    let db = sqlite().await;
    let look = Store::look(&db.url, db.directory.path()).await.unwrap().unwrap();
    let refused = look.insert_first_key(&KeyRow { id: "k".into(), wrapped: Vec::new(), created_at: 0 }).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_is_unavailable() {
    for db in databases().await {
        let store = db.replica().await;
        store.close().await;
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        db.store.ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_carry_no_values() {
    for db in databases().await {
        tenants(&db.store).await;
        let mut secret = connector("hunter2", "hunter2");
        secret.name = "hunter2\0".to_owned();
        secret.workspace_id = "w".to_owned();
        let mut orphan = grant("hunter2");
        orphan.oauth_app_id = Some("hunter2".to_owned());
        for grant in [orphan, grant("fine")] {
            // A missing OAuth app, then a connector whose grant is missing and whose name PostgreSQL does not store.
            let error = db.store.insert_connector(&secret, &grant).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_told_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let Err(error) = Store::connect("postgres://user:hunter2@127.0.0.1:1/db", directory.path()).await else {
        panic!("connected to port 1");
    };
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_files_are_private_and_survive() {
    let db = sqlite().await;
    tenants(&db.store).await;
    #[cfg(unix)]
    for entry in std::fs::read_dir(db.directory.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    db.store.close().await;
    let again = db.replica().await;
    assert_eq!(again.list_organizations().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_sqlite_file_stands_in_the_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("deep/data");
    Store::connect("sqlite:", &data).await.unwrap().migrate().await.unwrap();
    assert!(data.join("keybearer.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_compares_text_bytewise() {
    let Some(url) = postgres_url() else { return };
    assert!(url.starts_with("postgres"));
    for db in databases().await {
        if db.store.kind() == Kind::Postgres {
            // Fails on a column with another collation, by dividing by zero.
            db.run(
                "SELECT 1 / (CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END) FROM information_schema.columns
                 WHERE table_schema = current_schema() AND data_type = 'text' AND table_name <> '_sqlx_migrations'
                 AND collation_name IS DISTINCT FROM 'C'",
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_first_keys_one_counts() {
    for db in databases().await {
        let stores = [db.store.clone(), db.replica().await];
        super::rows::race(stores, |store, number| async move {
            let key = KeyRow {
                id: format!("{number:08x}"),
                wrapped: vec![u8::try_from(number).unwrap()],
                created_at: 1,
            };
            store.insert_first_key(&key).await.unwrap();
        })
        .await;
        let keys = db.store.list_keys().await.unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].id, format!("{:08x}", keys[0].wrapped[0]));
    }
}

/// A client that goes away drops its call anywhere, also inside a transaction. The next caller must not find it open.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_leaves_the_store_usable() {
    for db in databases().await {
        connected(&db.store).await;
        let rename = |name: String| ConnectorUpdate { name: Some(name), replication_config: None };
        for number in 0..200_u64 {
            let (store, update) = (db.store.clone(), rename(format!("name {number}")));
            let call =
                tokio::spawn(async move { store.update_connector("o", None, "c", &update, NOW).await });
            tokio::time::sleep(std::time::Duration::from_micros(number * 10)).await;
            call.abort();
            if let Ok(outcome) = call.await {
                assert!(outcome.unwrap());
            }
        }
        assert!(db.store.update_connector("o", None, "c", &rename("last".to_owned()), NOW).await.unwrap());
        let view = db.replica().await.connector("o", None, "c").await.unwrap().unwrap();
        assert_eq!(view.connector.name, "last");
    }
}
