//! Idle grants: taken when due, by one replica, and again later.

use super::rows::{NOW, connected, connector, grant, race};
use crate::support::databases::databases;
use keybearer::store::{GrantRow, IdleGrant};

const HOUR: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_due_grant_is_taken_by_one() {
    for db in databases().await {
        connected(&db.store).await;
        assert_eq!(db.store.take_idle_grants(NOW + 999, 9).await.unwrap(), [], "not yet");
        let stores = [db.store.clone(), db.replica().await];
        let taken =
            race(stores, |store, _| async move { store.take_idle_grants(NOW + 4 * HOUR, 9).await.unwrap() })
                .await;
        let wanted = IdleGrant { organization_id: "o".to_owned(), id: "g".to_owned(), version: 1 };
        assert_eq!(taken.into_iter().flatten().collect::<Vec<_>>(), [wanted]);
        let row = db.store.grant("o", "g").await.unwrap().unwrap();
        assert_eq!(row.refresh_due, Some(NOW + 5 * HOUR), "a quarter of its age later");
        assert_eq!(row.updated_at, NOW);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_waiting_come_first_and_those_that_cannot_be_refreshed_never() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        for (id, refresh_due) in [("late", Some(5)), ("early", Some(4)), ("never", None)] {
            let row = GrantRow { refresh_due, ..grant(id) };
            store.insert_connector(&connector(&format!("on {id}"), id), &row).await.unwrap();
        }
        store.mark_grant("o", "g", None, 1, "reauthorization_required", "why", NOW).await.unwrap();
        let ids = async |limit| -> Vec<String> {
            let taken = store.take_idle_grants(NOW + HOUR, limit).await.unwrap();
            taken.into_iter().map(|grant| grant.id).collect()
        };
        assert_eq!(ids(1).await, ["early"]);
        assert_eq!(ids(9).await, ["late"]);
        assert_eq!(ids(9).await, [""; 0]);
        let row = store.grant("o", "late").await.unwrap().unwrap();
        assert_eq!(row.refresh_due, Some(NOW + HOUR + HOUR / 4));
    }
}
