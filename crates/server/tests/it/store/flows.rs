//! Flows up to their grant.

use super::rows::{NOW, RACERS, flow, oauth_app, race, tenants};
use crate::support::databases::databases;
use keybearer::store::{FlowRow, Store, StoreError, Taken};

async fn taken(store: &Store, state: &[u8], callback: &str, now: i64) -> Option<FlowRow> {
    match store.take_flow(state, callback, now).await.unwrap() {
        Taken::Taken(flow) => Some(flow),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_comes_back() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_oauth_app(&oauth_app("app", "o")).await.unwrap();
        let row = FlowRow {
            callback: "legacy".to_owned(),
            oauth_app_id: Some("app".to_owned()),
            environment: "{\"shop\":\"x\"}".to_owned(),
            scopes: "[\"a\"]".to_owned(),
            code_challenge: Some("challenge".to_owned()),
            connector_id: Some("c".to_owned()),
            allow_account_change: true,
            name: Some("name".to_owned()),
            replication_config: Some("{}".to_owned()),
            secret_hash: Some(vec![7]),
            secret_expires_at: Some(7),
            failure: Some("x".to_owned()),
            ..flow("f")
        };
        store.insert_flow(&row).await.unwrap();
        let found = store.flow_by_secret("o", &[7]).await.unwrap();
        assert_eq!(found, Some(row.clone()));
        assert_eq!(store.flow_by_secret("other", &[7]).await.unwrap(), None);
        assert!(matches!(
            store.insert_flow(&FlowRow { id: "f2".to_owned(), ..row }).await,
            Err(StoreError::Conflict("flow"))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_leads_to_its_flow_once_and_on_its_own_path() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_flow(&flow("f")).await.unwrap();
        assert!(taken(store, b"unknown", "github", NOW).await.is_none());
        assert!(taken(store, b"f", "slack", NOW).await.is_none(), "another connector's path");
        assert!(taken(store, b"f", "legacy", NOW).await.is_none());
        let row = taken(store, b"f", "github", NOW + 1).await.unwrap();
        assert_eq!(row, FlowRow { status: "exchanging".to_owned(), updated_at: NOW + 1, ..flow("f") });
        assert!(matches!(store.take_flow(b"f", "github", NOW + 2).await.unwrap(), Taken::Unknown), "used");
        let late = NOW + 10_000_000;
        assert!(
            matches!(store.take_flow(b"f", "github", late).await.unwrap(), Taken::Unknown),
            "used is not expired"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_state_says_so_once_swept_or_not() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_flow(&flow("f")).await.unwrap();
        store.insert_flow(&flow("swept")).await.unwrap();
        let end = NOW + 600_000;
        assert!(matches!(store.take_flow(b"f", "slack", end).await.unwrap(), Taken::Unknown));
        let Taken::Expired(row) = store.take_flow(b"f", "github", end).await.unwrap() else {
            panic!("not expired")
        };
        assert_eq!((row.status.as_str(), row.failure.as_deref()), ("expired", Some("session_expired")));
        assert!(matches!(store.take_flow(b"f", "github", end).await.unwrap(), Taken::Unknown));
        store.sweep_flows(end, NOW, &mut super::rows::job_ids()).await.unwrap();
        assert!(matches!(store.take_flow(b"swept", "github", end).await.unwrap(), Taken::Expired(_)));
        assert!(matches!(store.take_flow(b"swept", "github", end).await.unwrap(), Taken::Unknown));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_callbacks_one_gets_the_flow() {
    for db in databases().await {
        tenants(&db.store).await;
        db.store.insert_flow(&flow("f")).await.unwrap();
        let stores = [db.store.clone(), db.replica().await];
        let outcomes =
            race(stores, |store, _| async move { taken(&store, b"f", "github", NOW).await.is_some() }).await;
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
        assert_eq!(outcomes.len(), RACERS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_fails_from_the_named_status_only() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_flow(&flow("f")).await.unwrap();
        assert!(!store.fail_flow("o", "f", "exchanging", "access_denied", NOW).await.unwrap());
        assert!(!store.fail_flow("other", "f", "pending", "access_denied", NOW).await.unwrap());
        taken(store, b"f", "github", NOW).await.unwrap();
        assert!(store.fail_flow("o", "f", "exchanging", "access_denied", NOW).await.unwrap());
        assert!(!store.fail_flow("o", "f", "exchanging", "access_denied", NOW).await.unwrap());
    }
}
