//! OAuth apps.

use super::rows::{NOW, oauth_app, race, tenants};
use crate::support::databases::databases;
use keybearer::store::{OauthAppRow, StoreError};

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_app_is_current_and_older_ones_stay() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        let (first, second) = (oauth_app("first", "o"), oauth_app("second", "o"));
        store.insert_oauth_app(&first).await.unwrap();
        assert_eq!(store.current_oauth_app("o", "github").await.unwrap().as_ref(), Some(&first));
        store.insert_oauth_app(&second).await.unwrap();
        assert_eq!(store.current_oauth_app("o", "github").await.unwrap().as_ref(), Some(&second));
        let old = store.oauth_app("o", "first").await.unwrap().unwrap();
        assert_eq!(old, OauthAppRow { current: false, ..first.clone() });
        let by_client = store.oauth_app_by_client("o", "github", &first.client_id).await.unwrap();
        assert_eq!(by_client, Some(old));
        assert_eq!(store.list_oauth_apps("o").await.unwrap(), [second]);
        for (organization, kind) in [("other", "github"), ("o", "slack")] {
            assert_eq!(store.current_oauth_app(organization, kind).await.unwrap(), None);
        }
        assert_eq!(store.oauth_app("other", "first").await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_needs_the_expected_version_and_makes_current() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_oauth_app(&oauth_app("first", "o")).await.unwrap();
        store.insert_oauth_app(&oauth_app("second", "o")).await.unwrap();
        let newer = OauthAppRow {
            version: 2,
            sealed: vec![0; 40],
            pin: "[]".to_owned(),
            updated_at: NOW + 1,
            ..oauth_app("first", "o")
        };
        assert!(!store.update_oauth_app(&newer, 7).await.unwrap());
        assert_eq!(
            store.current_oauth_app("o", "github").await.unwrap().unwrap().id,
            "second",
            "nothing was done"
        );
        assert!(store.update_oauth_app(&newer, 1).await.unwrap());
        assert_eq!(store.current_oauth_app("o", "github").await.unwrap(), Some(newer.clone()));
        assert!(!store.update_oauth_app(&newer, 1).await.unwrap(), "the version moved");
        let elsewhere = OauthAppRow { organization_id: "other".to_owned(), ..newer };
        assert!(!store.update_oauth_app(&elsewhere, 2).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_client_id_is_a_conflict() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_oauth_app(&oauth_app("first", "o")).await.unwrap();
        let twin = OauthAppRow { client_id: oauth_app("first", "o").client_id, ..oauth_app("twin", "o") };
        assert!(matches!(store.insert_oauth_app(&twin).await, Err(StoreError::Conflict("OAuth app"))));
        assert_eq!(store.current_oauth_app("o", "github").await.unwrap().unwrap().id, "first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retiring_is_announced_and_happens_once() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_oauth_app(&oauth_app("first", "o")).await.unwrap();
        assert!(!store.retire_oauth_app("other", "github", NOW).await.unwrap());
        assert!(store.retire_oauth_app("o", "github", NOW).await.unwrap());
        assert!(!store.retire_oauth_app("o", "github", NOW).await.unwrap());
        assert_eq!(store.current_oauth_app("o", "github").await.unwrap(), None);
        let changes = store.changes_since(0, 10).await.unwrap();
        assert!(changes.iter().all(|change| change.kind == "oauth_app" && change.key == "o/github"));
        assert_eq!(changes.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_apps_stored_at_the_same_time_one_is_current() {
    for db in databases().await {
        tenants(&db.store).await;
        let stores = [db.store.clone(), db.replica().await];
        let outcomes = race(stores, |store, number| async move {
            store.insert_oauth_app(&oauth_app(&format!("app{number}"), "o")).await
        })
        .await;
        assert!(outcomes.iter().any(Result::is_ok));
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Conflict("OAuth app")))),
            "{outcomes:?}"
        );
        assert_eq!(db.store.list_oauth_apps("o").await.unwrap().len(), 1);
    }
}
