//! The change feed.

use super::rows::{NOW, connected, race};
use crate::support::databases::databases;
use keybearer::store::ConnectorUpdate;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn rename(number: usize) -> ConnectorUpdate {
    ConnectorUpdate { name: Some(format!("name {number}")), replication_config: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_in_order_and_by_pages() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        assert_eq!(store.latest_change().await.unwrap(), 0);
        for number in 0..5 {
            store.update_connector("o", None, "c", &rename(number), NOW).await.unwrap();
        }
        let first = store.changes_since(0, 3).await.unwrap();
        let rest = store.changes_since(first[2].seq, 100).await.unwrap();
        assert_eq!((first.len(), rest.len()), (3, 2));
        assert_eq!(store.latest_change().await.unwrap(), rest[1].seq);
        assert!(store.changes_since(rest[1].seq, 100).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_keeps_the_newest_so_that_numbers_never_go_back() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        for number in 0..4 {
            store.update_connector("o", None, "c", &rename(0), NOW + number).await.unwrap();
        }
        let latest = store.latest_change().await.unwrap();
        assert_eq!(store.prune_changes(NOW + 2).await.unwrap(), 2);
        assert_eq!(store.prune_changes(NOW + 100).await.unwrap(), 1);
        assert_eq!(store.latest_change().await.unwrap(), latest);
        store.update_connector("o", None, "c", &rename(0), NOW).await.unwrap();
        assert!(store.latest_change().await.unwrap() > latest);
    }
}

/// A reader that follows the feed while many processes write sees every change: no number appears after a higher one
/// was seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_misses_nothing_while_others_write() {
    for db in databases().await {
        connected(&db.store).await;
        let done = Arc::new(AtomicBool::new(false));
        let (reader, stop) = (db.replica().await, Arc::clone(&done));
        let following = tokio::spawn(async move {
            let (mut last, mut seen) = (0, HashSet::new());
            loop {
                let stopping = stop.load(Ordering::SeqCst);
                let page = reader.changes_since(last, 1000).await.unwrap();
                last = page.last().map_or(last, |change| change.seq);
                let quiet = page.is_empty();
                seen.extend(page.into_iter().map(|change| change.seq));
                if stopping && quiet {
                    return seen;
                }
            }
        });
        let stores = [db.store.clone(), db.replica().await];
        race(stores, |store, number| async move {
            for _ in 0..10 {
                assert!(store.update_connector("o", None, "c", &rename(number), NOW).await.unwrap());
                let urls = [format!("https://{number}.example")];
                store.replace_redirect_urls("o", &urls, NOW).await.unwrap();
            }
        })
        .await;
        done.store(true, Ordering::SeqCst);
        let seen = following.await.unwrap();
        let all: HashSet<i64> =
            db.store.changes_since(0, 1000).await.unwrap().into_iter().map(|change| change.seq).collect();
        assert_eq!(all.len(), 400);
        assert_eq!(seen, all);
    }
}
