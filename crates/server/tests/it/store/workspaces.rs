//! Workspaces.

use super::rows::{NOW, connected, connector, flow, grant, job_ids, race, tenants, workspace};
use crate::support::databases::databases;
use keybearer::store::{StoreError, Taken, WorkspaceFilter, WorkspaceRow, WorkspaceUpdate};

fn ids(rows: &[WorkspaceRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_has_one_live_workspace_however_many_ask() {
    for db in databases().await {
        tenants(&db.store).await;
        let stores = [db.store.clone(), db.replica().await];
        let made = race(stores, |store, number| async move {
            let row = WorkspaceRow { name: "same".to_owned(), ..workspace(&format!("w{number}"), "o") };
            store.ensure_workspace(&row).await.unwrap().id
        })
        .await;
        assert!(made.iter().all(|id| *id == made[0]), "{made:?}");
        let elsewhere = WorkspaceRow { name: "same".to_owned(), ..workspace("elsewhere", "other") };
        assert_eq!(db.store.ensure_workspace(&elsewhere).await.unwrap(), elsewhere, "another tenant's name");
        let upper = WorkspaceRow { name: "SAME".to_owned(), ..workspace("upper", "o") };
        assert_eq!(
            db.store.ensure_workspace(&upper).await.unwrap().id,
            "upper",
            "names are compared bytewise"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_comes_back() {
    for db in databases().await {
        tenants(&db.store).await;
        let row = WorkspaceRow {
            name: "ümlaut 'quoted' \"x\" %_\\".to_owned(),
            status: "inactive".to_owned(),
            cache_enabled: true,
            region_id: Some("eu".to_owned()),
            created_at: 1,
            updated_at: 2,
            ..workspace("full", "o")
        };
        assert_eq!(db.store.ensure_workspace(&row).await.unwrap(), row);
        assert_eq!(db.store.workspace("o", "full").await.unwrap().as_ref(), Some(&row));
        assert_eq!(db.store.workspace_by_name("o", &row.name).await.unwrap(), Some(row));
        assert_eq!(db.store.workspace("other", "full").await.unwrap(), None);
        assert_eq!(db.store.workspace_stats("o").await.unwrap(), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_and_filter() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        for (id, name, at) in
            [("a", "50%_off", 3), ("b", "50 percent Off", 1), ("c", "C\\d", 1), ("d", "ANNA", 2)]
        {
            let row = WorkspaceRow { name: name.to_owned(), created_at: at, ..workspace(id, "o") };
            store.ensure_workspace(&row).await.unwrap();
        }
        let all = WorkspaceFilter { limit: 10, ..WorkspaceFilter::default() };
        assert_eq!(ids(&store.list_workspaces("o", &all).await.unwrap()), ["b", "c", "d", "a", "w"]);
        let page =
            WorkspaceFilter { limit: 2, after: Some((1, "b".to_owned())), ..WorkspaceFilter::default() };
        assert_eq!(ids(&store.list_workspaces("o", &page).await.unwrap()), ["c", "d"]);
        for (part, found) in [
            ("%_", vec!["a"]),
            ("OFF", vec!["b", "a"]),
            ("anna", vec!["d"]),
            ("\\", vec!["c"]),
            ("zz", vec![]),
        ] {
            let filter = WorkspaceFilter { name_contains: Some(part.to_owned()), ..all.clone() };
            assert_eq!(ids(&store.list_workspaces("o", &filter).await.unwrap()), found, "{part}");
        }
        let inactive = WorkspaceFilter { status: Some("inactive".to_owned()), ..all };
        assert!(store.list_workspaces("o", &inactive).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_change_what_they_name() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.ensure_workspace(&workspace("second", "o")).await.unwrap();
        let update =
            WorkspaceUpdate { cache_enabled: Some(true), status: Some("inactive".to_owned()), name: None };
        let row = store.update_workspace("o", "w", &update, NOW + 5).await.unwrap().unwrap();
        let wanted = WorkspaceRow {
            cache_enabled: true,
            status: "inactive".to_owned(),
            updated_at: NOW + 5,
            ..workspace("w", "o")
        };
        assert_eq!(row, wanted);
        let taken = WorkspaceUpdate { name: Some("second name".to_owned()), ..WorkspaceUpdate::default() };
        let refused = store.update_workspace("o", "w", &taken, NOW).await;
        assert!(matches!(refused, Err(StoreError::Conflict("workspace name"))), "{refused:?}");
        assert_eq!(store.update_workspace("other", "w", &update, NOW).await.unwrap(), None);
        assert_eq!(store.workspace("o", "w").await.unwrap(), Some(wanted));
        let last = store.changes_since(0, 10).await.unwrap().pop().unwrap();
        assert_eq!((last.kind.as_str(), last.key.as_str()), ("workspace", "w"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_ends_everything_in_it_and_frees_the_name() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.insert_connector(&connector("c2", "g2"), &grant("g2")).await.unwrap();
        store.insert_flow(&flow("f")).await.unwrap();
        let before = store.latest_change().await.unwrap();
        assert_eq!(store.delete_workspace("other", "w", NOW, &mut job_ids()).await.unwrap(), None);
        let row = store.delete_workspace("o", "w", NOW + 1, &mut job_ids()).await.unwrap().unwrap();
        assert_eq!(row.deleted_at, Some(NOW + 1));
        assert_eq!(store.delete_workspace("o", "w", NOW + 2, &mut job_ids()).await.unwrap(), None, "twice");
        for id in ["c", "c2"] {
            assert!(store.connector("o", None, id).await.unwrap().is_none());
        }
        for id in ["g", "g2"] {
            let grant = store.grant("o", id).await.unwrap().unwrap();
            assert_eq!((grant.status.as_str(), grant.sealed.len()), ("ended", 2), "kept until it is revoked");
        }
        let mut subjects = [
            store.job("o", "job-1").await.unwrap().unwrap().subject,
            store.job("o", "job-2").await.unwrap().unwrap().subject,
        ];
        subjects.sort();
        assert_eq!(subjects, ["g", "g2"]);
        assert!(matches!(store.take_flow(b"f", "github", NOW + 2).await.unwrap(), Taken::Unknown));
        let mut changes: Vec<_> = store
            .changes_since(before, 10)
            .await
            .unwrap()
            .into_iter()
            .map(|change| (change.kind, change.key))
            .collect();
        changes.sort();
        let wanted = [("connector", "c"), ("connector", "c2"), ("workspace", "w")];
        assert_eq!(changes, wanted.map(|(kind, key)| (kind.to_owned(), key.to_owned())));
        let again = WorkspaceRow { name: "w name".to_owned(), ..workspace("again", "o") };
        assert_eq!(store.ensure_workspace(&again).await.unwrap().id, "again");
        assert!(store.workspace("o", "w").await.unwrap().unwrap().deleted_at.is_some());
    }
}

/// Whatever order they come in: a connector in a deleted workspace is deleted too, or was never made.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_to_a_workspace_that_goes() {
    for db in databases().await {
        tenants(&db.store).await;
        let stores = [db.store.clone(), db.replica().await];
        race(stores, |store, number| async move {
            if number == 9 {
                store.delete_workspace("o", "w", NOW, &mut job_ids()).await.unwrap();
                return;
            }
            let (connector, grant) =
                (connector(&format!("c{number}"), &format!("g{number}")), grant(&format!("g{number}")));
            let outcome = store.insert_connector(&connector, &grant).await;
            assert!(
                matches!(outcome, Ok(()) | Err(StoreError::Conflict("the workspace is gone"))),
                "{outcome:?}"
            );
        })
        .await;
        let filter = keybearer::store::ConnectorFilter { limit: 50, ..Default::default() };
        assert!(db.store.list_connectors("o", &filter).await.unwrap().is_empty());
        for number in 0..20 {
            let grant = db.store.grant("o", &format!("g{number}")).await.unwrap();
            assert!(grant.is_none_or(|grant| grant.status == "ended"));
        }
    }
}
