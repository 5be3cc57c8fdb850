//! From an exchanged code to a connector.

use super::rows::{NOW, connected, connector, flow, grant, job_ids, race, tenants, workspace};
use crate::support::databases::databases;
use keybearer::store::{ConnectorRow, FinishConnector, GrantRow, Store, StoreError};

const SECRET: &[u8] = b"secret";
const END: i64 = NOW + 600_000;

fn switch(connector: &str) -> FinishConnector {
    FinishConnector::Switch {
        connector_id: connector.to_owned(),
        auth_scheme: "other".to_owned(),
        environment: "{\"a\":1}".to_owned(),
        updated_at: NOW + 9,
    }
}

async fn exchanging(store: &Store, id: &str) {
    store.insert_flow(&flow(id)).await.unwrap();
    store.take_flow(id.as_bytes(), "github", NOW).await.unwrap();
}

async fn granted(store: &Store, id: &str, grant_id: &str) {
    exchanging(store, id).await;
    assert!(store.grant_flow("o", id, &grant(grant_id), SECRET, END, NOW).await.unwrap());
}

async fn status(store: &Store, grant: &str) -> Option<String> {
    store.grant("o", grant).await.unwrap().map(|grant| grant.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_flow_holds_a_quarantined_grant_until_it_is_redeemed() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        granted(store, "f", "g").await;
        assert_eq!(status(store, "g").await.as_deref(), Some("quarantined"));
        let flow = store.flow_by_secret("o", SECRET).await.unwrap().unwrap();
        assert_eq!((flow.status.as_str(), flow.grant_id.as_deref()), ("granted", Some("g")));
        assert!(
            store.redeem_flow("o", "f", FinishConnector::Insert(connector("c", "g")), NOW + 1).await.unwrap()
        );
        let view = store.connector("o", Some("w"), "c").await.unwrap().unwrap();
        assert_eq!((view.grant.status.as_str(), view.workspace_name.as_str()), ("active", "w name"));
        assert_eq!(view.connector, connector("c", "g"));
        assert_eq!(store.flow_by_secret("o", SECRET).await.unwrap().unwrap().status, "consumed");
        let again = store
            .redeem_flow("o", "f", FinishConnector::Insert(connector("c2", "g")), NOW + 1)
            .await
            .unwrap();
        assert!(!again && store.connector("o", None, "c2").await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_moved_stores_no_grant() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_flow(&flow("pending")).await.unwrap();
        exchanging(store, "f").await;
        for id in ["pending", "unknown"] {
            assert!(!store.grant_flow("o", id, &grant("g"), SECRET, END, NOW).await.unwrap());
            let finish = FinishConnector::Insert(connector("c", "g"));
            assert!(!store.finish_flow("o", id, &grant("g"), finish, NOW).await.unwrap());
        }
        store.ensure_workspace(&workspace("second", "o")).await.unwrap();
        let foreign = GrantRow { workspace_id: "second".to_owned(), ..grant("g") };
        assert!(
            !store.grant_flow("o", "f", &foreign, SECRET, END, NOW).await.unwrap(),
            "another workspace's grant"
        );
        assert_eq!(status(store, "g").await, None);
        assert!(store.connector("o", None, "c").await.unwrap().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_secret_redeems_nothing() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        granted(store, "f", "g").await;
        assert!(
            !store.redeem_flow("o", "f", FinishConnector::Insert(connector("c", "g")), END).await.unwrap()
        );
        assert!(
            !store
                .redeem_flow("other", "f", FinishConnector::Insert(connector("c", "g")), NOW)
                .await
                .unwrap()
        );
        assert_eq!(status(store, "g").await.as_deref(), Some("quarantined"));
        assert!(
            store.redeem_flow("o", "f", FinishConnector::Insert(connector("c", "g")), END - 1).await.unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_not_the_flows_undoes_the_redemption() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.ensure_workspace(&workspace("second", "o")).await.unwrap();
        granted(store, "f", "new").await;
        let wrong = [
            ConnectorRow { workspace_id: "second".to_owned(), ..connector("c2", "new") },
            ConnectorRow { organization_id: "other".to_owned(), ..connector("c2", "new") },
            connector("c2", "g"),
            connector("c", "new"),
        ];
        for row in wrong {
            let refused = store.redeem_flow("o", "f", FinishConnector::Insert(row), NOW).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
            assert_eq!(status(store, "new").await.as_deref(), Some("quarantined"));
        }
        assert!(
            store.redeem_flow("o", "f", FinishConnector::Insert(connector("c2", "new")), NOW).await.unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_redemptions_one_makes_a_connector() {
    for db in databases().await {
        tenants(&db.store).await;
        granted(&db.store, "f", "g").await;
        let stores = [db.store.clone(), db.replica().await];
        let outcomes = race(stores, |store, number| async move {
            let finish = FinishConnector::Insert(connector(&format!("c{number}"), "g"));
            store.redeem_flow("o", "f", finish, NOW).await.unwrap()
        })
        .await;
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
        let filter = keybearer::store::ConnectorFilter { limit: 50, ..Default::default() };
        assert_eq!(db.store.list_connectors("o", &filter).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_gives_the_connector_the_new_grant_and_erases_the_old() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        granted(store, "f", "new").await;
        let before = store.latest_change().await.unwrap();
        assert!(!store.redeem_flow("o", "f", switch("unknown"), NOW).await.unwrap());
        assert_eq!(status(store, "new").await.as_deref(), Some("quarantined"), "nothing was done");
        assert!(store.redeem_flow("o", "f", switch("c"), NOW + 9).await.unwrap());
        let view = store.connector("o", None, "c").await.unwrap().unwrap();
        assert_eq!((view.grant.id.as_str(), view.grant.status.as_str()), ("new", "active"));
        assert_eq!(
            (view.connector.auth_scheme.as_str(), view.connector.environment.as_str()),
            ("other", "{\"a\":1}")
        );
        let old = store.grant("o", "g").await.unwrap().unwrap();
        assert_eq!((old.status.as_str(), old.sealed.len()), ("ended", 0));
        assert!(store.claim_job(i64::MAX - 1, i64::MAX).await.unwrap().is_none(), "nobody revokes it");
        let changes = store.changes_since(before, 10).await.unwrap();
        assert!(changes.iter().any(|change| change.kind == "connector" && change.key == "c"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_of_another_workspace_or_type_is_not_switched() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.ensure_workspace(&workspace("second", "o")).await.unwrap();
        let (mut row, mut other) = (connector("far", "far-g"), grant("far-g"));
        "second".clone_into(&mut row.workspace_id);
        "second".clone_into(&mut other.workspace_id);
        store.insert_connector(&row, &other).await.unwrap();
        let slack = ConnectorRow { connector_type: "slack".to_owned(), ..connector("slack", "slack-g") };
        store.insert_connector(&slack, &grant("slack-g")).await.unwrap();
        exchanging(store, "f").await;
        for id in ["far", "slack"] {
            assert!(!store.finish_flow("o", "f", &grant("new"), switch(id), NOW).await.unwrap(), "{id}");
        }
        assert_eq!(status(store, "new").await, None);
        assert!(store.finish_flow("o", "f", &grant("new"), switch("c"), NOW).await.unwrap());
        assert_eq!(status(store, "new").await.as_deref(), Some("active"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_flow_is_consumed_with_its_connector() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        exchanging(store, "f").await;
        let quarantined = GrantRow { status: "quarantined".to_owned(), ..grant("g") };
        let finish = || FinishConnector::Insert(connector("c", "g"));
        assert!(store.finish_flow("o", "f", &quarantined, finish(), NOW).await.unwrap());
        assert_eq!(store.connector("o", None, "c").await.unwrap().unwrap().grant.status, "active");
        assert!(store.delete_workspace("o", "w", NOW, &mut job_ids()).await.unwrap().is_some());
        exchanging_in_deleted(store).await;
    }
}

/// A flow cannot be granted once its workspace is deleted, whatever its status says.
async fn exchanging_in_deleted(store: &Store) {
    store.insert_flow(&flow("late")).await.unwrap();
    store.take_flow(b"late", "github", NOW).await.unwrap();
    assert!(!store.grant_flow("o", "late", &grant("late"), SECRET, END, NOW).await.unwrap());
    let finish = FinishConnector::Insert(connector("late", "late"));
    assert!(!store.finish_flow("o", "late", &grant("late"), finish, NOW).await.unwrap());
}
