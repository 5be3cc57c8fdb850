//! Tenants, credentials and redirect URLs.

use super::rows::{NOW, RACERS, credential, organization, race, tenants};
use crate::support::databases::databases;
use keybearer::store::{Bootstrap, ChangeRow, StoreError};

#[tokio::test(flavor = "multi_thread")]
async fn organizations_and_credentials_are_found_again() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        assert_eq!(store.list_organizations().await.unwrap(), [organization("o"), organization("other")]);
        assert_eq!(store.organization("o").await.unwrap(), Some(organization("o")));
        assert_eq!(store.organization("unknown").await.unwrap(), None);
        let known = credential("o-credential", "o");
        assert_eq!(store.credential("o-credential").await.unwrap().as_ref(), Some(&known));
        assert_eq!(store.credential_by_client_id(&known.client_id).await.unwrap(), Some(known));
        assert_eq!(store.credential_by_client_id("CLIENT OF o-credential").await.unwrap(), None, "bytewise");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_client_id_leaves_nothing_behind() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        let mut twin = credential("twin", "third");
        twin.client_id = credential("o-credential", "o").client_id;
        let refused = store.create_organization(&organization("third"), &twin).await;
        assert!(matches!(refused, Err(StoreError::Conflict("client id"))));
        assert_eq!(store.organization("third").await.unwrap(), None);
        assert!(matches!(
            store.add_credential(&credential("x", "unknown")).await,
            Err(StoreError::Conflict(_))
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_credential_stays_known_and_is_announced() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.add_credential(&credential("second", "o")).await.unwrap();
        assert!(!store.remove_credential("other", "second", NOW).await.unwrap(), "another tenant's");
        assert!(store.remove_credential("o", "second", NOW + 1).await.unwrap());
        assert!(!store.remove_credential("o", "second", NOW + 2).await.unwrap(), "twice");
        let removed: Vec<_> =
            store.list_credentials("o").await.unwrap().into_iter().map(|row| row.removed_at).collect();
        assert_eq!(removed, [None, Some(NOW + 1)]);
        let changes: Vec<ChangeRow> = store.changes_since(0, 10).await.unwrap();
        let last = changes.last().unwrap();
        assert_eq!(
            (last.kind.as_str(), last.key.as_str(), last.organization_id.as_str()),
            ("credential", "second", "o")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_happens_once() {
    for db in databases().await {
        let stores = [db.store.clone(), db.replica().await];
        let outcomes = race(stores, |store, number| async move {
            let (organization, mut credential) = (organization(&format!("o{number}")), credential("", ""));
            credential.id = format!("c{number}");
            credential.organization_id.clone_from(&organization.id);
            store.bootstrap_organization(&organization, &credential).await.unwrap()
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Bootstrap::Created).count(), 1);
        let there = db.store.list_organizations().await.unwrap();
        assert_eq!(there.len(), 1);
        let present = Bootstrap::Present { organization_id: there[0].id.clone() };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == present).count(), RACERS - 1);
        let mut other = credential("new", "new");
        other.client_id = credential("", "").client_id;
        other.secret_hash = vec![4];
        let outcome = db.store.bootstrap_organization(&organization("new"), &other).await.unwrap();
        assert_eq!(outcome, Bootstrap::OtherSecret { organization_id: there[0].id.clone() });
        assert_eq!(db.store.list_organizations().await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_urls_are_replaced_as_a_whole() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        let urls = |names: &[&str]| {
            names.iter().map(|name| format!("https://{name}.example/cb")).collect::<Vec<_>>()
        };
        assert_eq!(store.list_redirect_urls("o").await.unwrap(), Vec::<String>::new());
        store.replace_redirect_urls("o", &urls(&["b", "a"]), NOW).await.unwrap();
        store.replace_redirect_urls("o", &urls(&["z", "a", "m"]), NOW).await.unwrap();
        assert_eq!(store.list_redirect_urls("o").await.unwrap(), urls(&["z", "a", "m"]));
        assert!(store.list_redirect_urls("other").await.unwrap().is_empty());
        let changes = store.changes_since(0, 10).await.unwrap();
        assert!(
            changes.iter().all(|change| change.kind == "redirect_urls" && change.key == "o")
                && changes.len() == 2
        );
        let stores = [db.store.clone(), db.replica().await];
        race(stores, |store, number| async move {
            let url = format!("https://{number}.example");
            store.replace_redirect_urls("o", &[url.clone(), url], NOW).await.unwrap();
        })
        .await;
        let left = store.list_redirect_urls("o").await.unwrap();
        assert!(left.len() == 2 && left[0] == left[1], "two lists mixed: {left:?}");
    }
}
