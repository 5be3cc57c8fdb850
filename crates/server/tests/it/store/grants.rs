//! Grants and the claim on them.

use super::rows::{NOW, RACERS, connected, grant, race, tenants};
use crate::support::databases::{Database, databases};
use keybearer::store::{Claim, GrantRow, Renewed, Store, UnansweredFilter};

fn renewed(version: i64) -> Renewed {
    Renewed {
        sealed: vec![2; 60],
        version,
        expires_at: Some(NOW + 9),
        issued_at: Some(NOW + 1),
        scopes: None,
        refresh_due: Some(NOW + 3),
        reusable_version: version,
        now: NOW + 2,
    }
}

async fn stored(store: &Store) -> GrantRow {
    store.grant("o", "g").await.unwrap().unwrap()
}

async fn ran_out(store: &Store) -> bool {
    store.claimable_grant("o", "g").await.unwrap().unwrap().1
}

/// As if the holder of the claim had died more than 3 s ago.
async fn let_the_deadline_pass(db: &Database) {
    db.run("UPDATE grants SET attempt_deadline = attempt_deadline - 3001 WHERE id = 'g'").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_comes_back() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        store.insert_oauth_app(&super::rows::oauth_app("app", "o")).await.unwrap();
        let row = GrantRow {
            oauth_app_id: Some("app".to_owned()),
            status_reason: Some("why".to_owned()),
            account_id: Some("id".to_owned()),
            account_name: Some("name".to_owned()),
            attempt: Some("attempt".to_owned()),
            attempt_deadline: Some(4),
            unknown_sends: 5,
            created_at: 6,
            updated_at: 7,
            refresh_due: Some(8),
            ..grant("g")
        };
        store.insert_connector(&super::rows::connector("c", "g"), &row).await.unwrap();
        assert_eq!(store.grant("o", "g").await.unwrap(), Some(row));
        assert_eq!(store.grant("other", "g").await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_one_is_granted() {
    for db in databases().await {
        connected(&db.store).await;
        let stores = [db.store.clone(), db.replica().await];
        let outcomes = race(stores, |store, number| async move {
            store.claim_grant("o", "g", 1, &format!("attempt {number}"), None, false, 1).await.unwrap()
        })
        .await;
        assert_eq!(outcomes.iter().filter(|claim| **claim == Claim::Claimed { unknown_sends: 0 }).count(), 1);
        assert_eq!(outcomes.iter().filter(|claim| **claim == Claim::Busy).count(), RACERS - 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_takeovers_one_is_granted_and_counts_the_unknown_send() {
    for db in databases().await {
        connected(&db.store).await;
        assert_eq!(
            db.store.claim_grant("o", "g", 1, "dead", None, false, 1).await.unwrap(),
            Claim::Claimed { unknown_sends: 0 }
        );
        assert!(!ran_out(&db.store).await);
        let_the_deadline_pass(&db).await;
        assert!(ran_out(&db.store).await);
        assert_eq!(
            db.store.claim_grant("o", "g", 1, "b", None, false, 1).await.unwrap(),
            Claim::Busy,
            "not asked to"
        );
        let stores = [db.store.clone(), db.replica().await];
        let seen = stored(&db.store).await;
        let outcomes = race(stores, |store, number| {
            let seen = seen.clone();
            async move {
                let attempt = format!("attempt {number}");
                store.claim_grant("o", "g", 1, &attempt, Some(&seen), false, 1).await.unwrap()
            }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|claim| **claim == Claim::Claimed { unknown_sends: 1 }).count(), 1);
        assert_eq!(outcomes.iter().filter(|claim| **claim == Claim::Busy).count(), RACERS - 1);
        assert!(!db.store.renew_claim("o", "g", "dead").await.unwrap());
        assert!(
            !db.store.commit_grant("o", "g", "dead", 1, &renewed(2)).await.unwrap(),
            "a late commit finds nothing"
        );
        assert!(!db.store.release_claim("o", "g", "dead", true, NOW).await.unwrap());
        assert!(
            !db.store
                .mark_grant("o", "g", Some("dead"), 1, "reauthorization_required", "late", NOW)
                .await
                .unwrap()
        );
        let row = stored(&db.store).await;
        assert_eq!((row.status.as_str(), row.unknown_sends, row.version), ("active", 1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_is_3_seconds_of_the_databases_clock_and_renewing_moves_it() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap();
        let first = stored(store).await.attempt_deadline.unwrap();
        let_the_deadline_pass(&db).await;
        let dead = stored(store).await;
        assert!(store.renew_claim("o", "g", "a").await.unwrap());
        let second = stored(store).await.attempt_deadline.unwrap();
        assert!(second >= first, "{first} {second}");
        let_the_deadline_pass(&db).await;
        let claim = store.claim_grant("o", "g", 1, "b", Some(&dead), false, 1).await.unwrap();
        assert_eq!(claim, Claim::Busy, "it was renewed since it was seen");
        let other = GrantRow { attempt: Some("other".to_owned()), ..stored(store).await };
        assert_eq!(store.claim_grant("o", "g", 1, "b", Some(&other), false, 1).await.unwrap(), Claim::Busy);
        assert!(!store.renew_claim("o", "g", "b").await.unwrap());
        assert!(!store.renew_claim("other", "g", "a").await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_needs_the_version_and_a_living_status() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        for (organization, id, version) in
            [("o", "g", 2), ("o", "g", 0), ("other", "g", 1), ("o", "unknown", 1)]
        {
            let claim = store.claim_grant(organization, id, version, "a", None, false, 1).await.unwrap();
            assert_eq!(claim, Claim::Moved, "{organization} {id} {version}");
        }
        assert!(
            store.mark_grant("o", "g", None, 1, "app_misconfigured", "invalid_client", NOW).await.unwrap()
        );
        assert_eq!(
            store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap(),
            Claim::Claimed { unknown_sends: 0 }
        );
        assert!(
            store
                .mark_grant("o", "g", Some("a"), 1, "reauthorization_required", "invalid_grant", NOW)
                .await
                .unwrap()
        );
        assert_eq!(store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap(), Claim::Moved);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_stores_everything_and_ends_the_claim() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.mark_grant("o", "g", None, 1, "app_misconfigured", "invalid_client", NOW).await.unwrap();
        store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap();
        store.release_claim("o", "g", "a", true, NOW).await.unwrap();
        assert_eq!(
            store.claim_grant("o", "g", 1, "b", None, false, 1).await.unwrap(),
            Claim::Claimed { unknown_sends: 1 }
        );
        let before = store.latest_change().await.unwrap();
        assert!(!store.commit_grant("o", "g", "b", 2, &renewed(3)).await.unwrap(), "another version");
        assert!(!store.commit_grant("other", "g", "b", 1, &renewed(2)).await.unwrap());
        assert!(store.commit_grant("o", "g", "b", 1, &renewed(2)).await.unwrap());
        let wanted = GrantRow {
            sealed: vec![2; 60],
            version: 2,
            expires_at: Some(NOW + 9),
            issued_at: Some(NOW + 1),
            updated_at: NOW + 2,
            refresh_due: Some(NOW + 3),
            reusable_version: 2,
            ..grant("g")
        };
        assert_eq!(stored(store).await, wanted, "scopes stay, status and counts are reset");
        assert!(!store.commit_grant("o", "g", "b", 2, &renewed(3)).await.unwrap(), "the claim ended");
        let changes = store.changes_since(before, 10).await.unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].kind.as_str(), changes[0].key.as_str()), ("connector", "c"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_scopes_replace_the_old() {
    for db in databases().await {
        connected(&db.store).await;
        db.store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap();
        let renewed = Renewed { scopes: Some("[]".to_owned()), ..renewed(2) };
        assert!(db.store.commit_grant("o", "g", "a", 1, &renewed).await.unwrap());
        assert_eq!(stored(&db.store).await.scopes.as_deref(), Some("[]"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_released_claim_is_free_at_once() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap();
        assert!(store.release_claim("o", "g", "a", false, NOW).await.unwrap());
        assert!(!store.release_claim("o", "g", "a", false, NOW).await.unwrap());
        assert_eq!(
            store.claim_grant("o", "g", 1, "b", None, false, 1).await.unwrap(),
            Claim::Claimed { unknown_sends: 0 }
        );
    }
}

/// Someone without the claim must not make the holder lose the tokens that it is just getting.
#[tokio::test(flavor = "multi_thread")]
async fn marking_without_a_claim_leaves_anothers_claim() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap();
        assert!(!store.mark_grant("o", "g", Some("b"), 1, "app_misconfigured", "x", NOW).await.unwrap());
        assert!(!store.mark_grant("o", "g", None, 2, "app_misconfigured", "x", NOW).await.unwrap());
        assert!(store.mark_grant("o", "g", None, 1, "app_misconfigured", "x", NOW).await.unwrap());
        assert!(store.commit_grant("o", "g", "a", 1, &renewed(2)).await.unwrap());
        assert_eq!(stored(store).await.status, "active");
        store.claim_grant("o", "g", 2, "a", None, false, 1).await.unwrap();
        assert!(store.mark_grant("o", "g", None, 2, "ended", "x", NOW).await.unwrap());
        assert!(!store.commit_grant("o", "g", "a", 2, &renewed(3)).await.unwrap(), "ended is the end");
        assert!(!store.mark_grant("o", "g", None, 2, "active", "x", NOW).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_noted_on_living_grants() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        assert!(!store.set_account("other", "g", "7", None, NOW).await.unwrap());
        assert!(store.set_account("o", "g", "7", Some("Ann"), NOW).await.unwrap());
        let row = stored(store).await;
        assert_eq!((row.account_id.as_deref(), row.account_name.as_deref()), (Some("7"), Some("Ann")));
        assert_eq!(store.changes_since(0, 10).await.unwrap().last().unwrap().key, "c");
        store.mark_grant("o", "g", None, 1, "ended", "x", NOW).await.unwrap();
        assert!(!store.set_account("o", "g", "8", None, NOW).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_marked_dead_is_claimed_by_who_holds_new_tokens_only() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        store.mark_grant("o", "g", None, 1, "reauthorization_required", "invalid_grant", NOW).await.unwrap();
        assert_eq!(store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap(), Claim::Moved);
        let claimed = Claim::Claimed { unknown_sends: 0 };
        assert_eq!(store.claim_grant("o", "g", 1, "a", None, true, 1).await.unwrap(), claimed);
        assert_eq!(store.claim_grant("o", "g", 1, "b", None, true, 1).await.unwrap(), Claim::Busy);
        assert!(store.commit_grant("o", "g", "a", 1, &renewed(2)).await.unwrap());
        let row = stored(store).await;
        assert_eq!((row.status.as_str(), row.status_reason, row.version), ("active", None, 2));
        store.mark_grant("o", "g", None, 2, "ended", "gone", NOW).await.unwrap();
        assert_eq!(store.claim_grant("o", "g", 2, "a", None, true, 1).await.unwrap(), Claim::Moved);
    }
}

/// Ids of the connectors whose last renewal nobody answered.
async fn unanswered(store: &Store, organization: &str, filter: UnansweredFilter) -> Vec<String> {
    let found =
        store.unanswered_grants(organization, &UnansweredFilter { limit: 10, ..filter }).await.unwrap();
    found.into_iter().map(|view| view.connector.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_outcomes_are_listed_counted_and_forgotten_down_to_what_is_left() {
    for db in databases().await {
        let store = &db.store;
        connected(store).await;
        let all = UnansweredFilter::default;
        for _ in 0..2 {
            store.claim_grant("o", "g", 1, "a", None, false, 1).await.unwrap();
            store.release_claim("o", "g", "a", true, NOW).await.unwrap();
        }
        // Of a token that was the same after its last use nobody needs to know.
        assert_eq!(unanswered(store, "o", all()).await, Vec::<String>::new());
        db.run("UPDATE grants SET reusable_version = 0 WHERE id = 'g'").await;
        assert_eq!(unanswered(store, "o", all()).await, ["c"]);
        assert_eq!(unanswered(store, "other", all()).await, Vec::<String>::new());
        let of = |kind: &str| UnansweredFilter { connector_type: Some(kind.to_owned()), ..all() };
        assert_eq!(unanswered(store, "o", of("github")).await, ["c"]);
        assert_eq!(unanswered(store, "o", of("slack")).await, Vec::<String>::new());
        assert_eq!(
            unanswered(store, "o", UnansweredFilter { after: "c".to_owned(), ..all() }).await,
            Vec::<String>::new()
        );
        assert_eq!(
            (
                store.count_unanswered("o", 2).await.unwrap(),
                store.count_unanswered("other", 1).await.unwrap()
            ),
            (1, 0)
        );

        assert!(!store.forget_unknown_sends("other", "g", 1, 1, NOW).await.unwrap());
        assert!(!store.forget_unknown_sends("o", "g", 2, 1, NOW).await.unwrap(), "another version");
        store.claim_grant("o", "g", 1, "b", None, false, 1).await.unwrap();
        assert!(!store.forget_unknown_sends("o", "g", 1, 1, NOW).await.unwrap(), "it is being renewed");
        store.release_claim("o", "g", "b", false, NOW).await.unwrap();
        assert!(store.forget_unknown_sends("o", "g", 1, 1, NOW).await.unwrap());
        assert!(!store.forget_unknown_sends("o", "g", 1, 1, NOW).await.unwrap(), "no more than that");
        assert_eq!(stored(store).await.unknown_sends, 1);
        assert!(store.forget_unknown_sends("o", "g", 1, 0, NOW).await.unwrap());
        assert_eq!(
            (stored(store).await.unknown_sends, store.count_unanswered("o", 1).await.unwrap()),
            (0, 0)
        );
        db.run("UPDATE grants SET unknown_sends = 2, status = 'ended' WHERE id = 'g'").await;
        assert!(!store.forget_unknown_sends("o", "g", 1, 0, NOW).await.unwrap());
        assert_eq!(
            (unanswered(store, "o", all()).await.len(), store.count_unanswered("o", 1).await.unwrap()),
            (0, 0)
        );
    }
}
