//! Connectors.

use super::rows::{NOW, connected, connector, grant, job, tenants, workspace};
use crate::support::databases::databases;
use keybearer::store::{ConnectorFilter, ConnectorRow, ConnectorUpdate, ConnectorView, GrantRow, StoreError};

fn ids(views: &[ConnectorView]) -> Vec<&str> {
    views.iter().map(|view| view.connector.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_has_every_column_and_stays_in_its_tenant_and_workspace() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        let row = ConnectorRow {
            environment: "{\"shop\":\"x\"}".to_owned(),
            replication_config: Some("{}".to_owned()),
            created_at: 1,
            updated_at: 2,
            ..connector("c", "g")
        };
        store.insert_connector(&row, &grant("g")).await.unwrap();
        let wanted = ConnectorView { connector: row, grant: grant("g"), workspace_name: "w name".to_owned() };
        for workspace in [None, Some("w")] {
            assert_eq!(store.connector("o", workspace, "c").await.unwrap().as_ref(), Some(&wanted));
        }
        for (organization, workspace, id) in
            [("other", None, "c"), ("o", Some("other-w"), "c"), ("o", None, "C")]
        {
            assert_eq!(store.connector(organization, workspace, id).await.unwrap(), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_belongs_to_two_tenants() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        let foreign = ConnectorRow {
            organization_id: "other".to_owned(),
            workspace_id: "other-w".to_owned(),
            ..connector("c2", "g")
        };
        let own = GrantRow {
            organization_id: "other".to_owned(),
            workspace_id: "other-w".to_owned(),
            ..grant("g2")
        };
        let refused = store.insert_connector(&foreign, &own).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "another tenant's grant: {refused:?}");
        let foreign = GrantRow { organization_id: "other".to_owned(), ..grant("g3") };
        let refused = store.insert_connector(&connector("c3", "g3"), &foreign).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "a grant in another tenant's workspace: {refused:?}"
        );
        assert_eq!(store.grant("other", "g2").await.unwrap(), None, "all or nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_and_filter() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.ensure_workspace(&workspace("second", "o")).await.unwrap();
        for (id, at, workspace, kind) in [
            ("a", 3, "w", "github"),
            ("b", 1, "w", "slack"),
            ("c", 1, "second", "github"),
            ("d", 2, "w", "github"),
        ] {
            let row = ConnectorRow {
                created_at: at,
                workspace_id: workspace.to_owned(),
                connector_type: kind.to_owned(),
                definition_id: format!("{kind} definition"),
                ..connector(id, id)
            };
            store
                .insert_connector(&row, &GrantRow { workspace_id: workspace.to_owned(), ..grant(id) })
                .await
                .unwrap();
        }
        let all = ConnectorFilter { limit: 10, ..ConnectorFilter::default() };
        let after = |at, id: &str| Some((at, id.to_owned()));
        let some = |text: &str| Some(text.to_owned());
        let table = [
            (all.clone(), vec!["b", "c", "d", "a"]),
            (ConnectorFilter { limit: 2, after: after(1, "b"), ..all.clone() }, vec!["c", "d"]),
            (ConnectorFilter { workspace_id: some("w"), ..all.clone() }, vec!["b", "d", "a"]),
            (
                ConnectorFilter { workspace_id: some("w"), after: after(1, "b"), limit: 1, ..all.clone() },
                vec!["d"],
            ),
            (ConnectorFilter { workspace_id: some("unknown"), ..all.clone() }, vec![]),
            (ConnectorFilter { connector_type: some("github"), ..all.clone() }, vec!["c", "d", "a"]),
            (ConnectorFilter { definition_id: some("slack definition"), ..all.clone() }, vec!["b"]),
            (
                ConnectorFilter {
                    definition_id: some("slack definition"),
                    workspace_id: some("second"),
                    ..all.clone()
                },
                vec![],
            ),
        ];
        for (filter, wanted) in table {
            assert_eq!(ids(&store.list_connectors("o", &filter).await.unwrap()), wanted, "{filter:?}");
        }
        assert!(store.list_connectors("other", &all).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_change_what_they_name_and_are_announced() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        let update = ConnectorUpdate { name: Some("new".to_owned()), replication_config: None };
        assert!(!store.update_connector("other", None, "c", &update, NOW).await.unwrap());
        assert!(!store.update_connector("o", Some("other-w"), "c", &update, NOW).await.unwrap());
        assert_eq!(store.latest_change().await.unwrap(), 0);
        assert!(store.update_connector("o", Some("w"), "c", &update, NOW + 3).await.unwrap());
        let update = ConnectorUpdate { name: None, replication_config: Some("{}".to_owned()) };
        assert!(store.update_connector("o", None, "c", &update, NOW + 4).await.unwrap());
        let row = store.connector("o", None, "c").await.unwrap().unwrap().connector;
        let wanted = ConnectorRow {
            name: "new".to_owned(),
            replication_config: Some("{}".to_owned()),
            updated_at: NOW + 4,
            ..connector("c", "g")
        };
        assert_eq!(row, wanted);
        assert_eq!(store.changes_since(0, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_ends_the_grant_and_leaves_a_job_for_it() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.claim_grant("o", "g", 1, "refresher", None, false, 1).await.unwrap();
        assert!(!store.delete_connector("other", None, "c", &job("j"), NOW).await.unwrap());
        assert!(!store.delete_connector("o", Some("other-w"), "c", &job("j"), NOW).await.unwrap());
        assert_eq!(store.job("o", "j").await.unwrap(), None);
        assert!(store.delete_connector("o", Some("w"), "c", &job("j"), NOW + 1).await.unwrap());
        assert!(!store.delete_connector("o", None, "c", &job("j2"), NOW + 2).await.unwrap(), "twice");
        assert_eq!(store.connector("o", None, "c").await.unwrap(), None);
        let update = ConnectorUpdate { name: Some("x".to_owned()), replication_config: None };
        assert!(!store.update_connector("o", None, "c", &update, NOW).await.unwrap());
        let grant = store.grant("o", "g").await.unwrap().unwrap();
        assert_eq!((grant.status.as_str(), grant.attempt.as_deref(), grant.sealed.len()), ("ended", None, 2));
        let job = store.job("o", "j").await.unwrap().unwrap();
        assert_eq!(
            (job.subject.as_str(), job.kind.as_str(), job.status.as_str()),
            ("g", "revoke_grant", "pending")
        );
        assert_eq!(store.job("other", "j").await.unwrap(), None);
        let change = store.changes_since(0, 10).await.unwrap().pop().unwrap();
        assert_eq!(
            (change.kind.as_str(), change.key.as_str(), change.organization_id.as_str()),
            ("connector", "c", "o")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deletions_one_happens() {
    for db in databases().await {
        connected(&db.store).await;
        let stores = [db.store.clone(), db.replica().await];
        let outcomes = super::rows::race(stores, |store, number| async move {
            store.delete_connector("o", None, "c", &job(&format!("j{number}")), NOW).await.unwrap()
        })
        .await;
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
    }
}
