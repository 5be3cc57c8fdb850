//! The oldest entries go, and what stays is proven as before.

use super::chain::{verdict, written};
use crate::support::stage::{START_MS, Setup, Stage, each};
use keybearer::core::Deps;
use keybearer::core::audit::{Fault, Pruned, entry, prune};
use keybearer::store::AuditRow;
use std::sync::Arc;
use tokio::task::JoinHandle;

async fn pruned(stage: &Stage, before: i64) -> u64 {
    prune(&stage.deps, &stage.organization.id, before).await.unwrap()
}

async fn listed(stage: &Stage) -> usize {
    stage.app.get("/audit?limit=1000").await.ok()["data"].as_array().unwrap().len()
}

/// Linked entries of that age, one a millisecond.
async fn aged(stage: &Stage, count: i64, from: i64) {
    let rows: Vec<AuditRow> = (0..count)
        .map(|number| AuditRow {
            at: from + number,
            ..entry(&stage.deps, &stage.organization.id, "server", "test.entry")
        })
        .collect();
    stage.deps.store.append_audit(&rows, from).await.unwrap();
    keybearer::jobs::write_audit(&stage.deps).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_entries_go_and_the_rest_stays_proven() {
    each(async |stage| {
        written(stage).await;
        assert_eq!(pruned(stage, START_MS).await, 0, "none is that old");
        assert_eq!(verdict(stage).await.pruned, None);
        assert_eq!((pruned(stage, START_MS + 3001).await, pruned(stage, START_MS + 3001).await), (3, 0));
        let rest = verdict(stage).await;
        let gone = Pruned { entries: 3, latest: START_MS + 3000 };
        assert_eq!((rest.good, rest.pruned, rest.fault), (6, Some(gone), None));
        assert_eq!(listed(stage).await, 3);
        written(stage).await;
        assert_eq!(pruned(stage, i64::MAX).await, 9);
        let empty = verdict(stage).await;
        let gone = Pruned { entries: 12, latest: START_MS + 12_000 };
        assert_eq!((empty.good, empty.pruned, empty.fault), (12, Some(gone), None));
        assert_eq!(listed(stage).await, 0);
        written(stage).await;
        let grown = verdict(stage).await;
        assert_eq!((grown.good, grown.pruned, grown.fault), (18, Some(gone), None));
    })
    .await;
}

/// Puts the tables back to where `keep` left them.
const RESTORE: &str = "DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM kept_entries;
    DELETE FROM audit_anchors; INSERT INTO audit_anchors SELECT * FROM kept_anchors";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_after_entries_were_pruned_is_found() {
    each(async |stage| {
        written(stage).await;
        assert_eq!(pruned(stage, START_MS + 1001).await, 1);
        stage.database.run("CREATE TABLE older_anchors AS SELECT * FROM audit_anchors").await;
        assert_eq!(pruned(stage, START_MS + 3001).await, 2);
        stage
            .database
            .run(
                "CREATE TABLE kept_entries AS SELECT * FROM audit_entries;
                 CREATE TABLE kept_anchors AS SELECT * FROM audit_anchors",
            )
            .await;
        let attacks = [
            ("DELETE FROM audit_entries WHERE seq = 4", 3, Fault::Missing { seq: 4 }),
            ("DELETE FROM audit_entries WHERE seq <= 5", 3, Fault::Missing { seq: 4 }),
            ("DELETE FROM audit_entries", 3, Fault::Truncated { seq: 4, last: 6 }),
            ("DELETE FROM audit_anchors", 0, Fault::Missing { seq: 1 }),
            ("UPDATE audit_anchors SET latest = latest - 1", 0, Fault::Anchor),
            ("UPDATE audit_anchors SET organization_id = organization_id, hash = mac", 0, Fault::Anchor),
            (
                // An anchor that the server wrote earlier.
                "DELETE FROM audit_anchors; INSERT INTO audit_anchors SELECT * FROM older_anchors",
                1,
                Fault::Missing { seq: 2 },
            ),
            (
                // More is taken from the front, and the anchor moved by hand.
                "UPDATE audit_anchors SET seq = 5, hash = (SELECT hash FROM audit_entries WHERE seq = 5);
                 DELETE FROM audit_entries WHERE seq <= 5",
                0,
                Fault::Anchor,
            ),
            (
                // The head's code is no anchor's.
                "DELETE FROM audit_anchors; DELETE FROM audit_entries; INSERT INTO audit_anchors
                 SELECT organization_id, seq, hash, 0, mac, updated_at FROM audit_heads",
                0,
                Fault::Anchor,
            ),
        ];
        for (attack, good, fault) in attacks {
            stage.database.run(attack).await;
            let found = verdict(stage).await;
            assert_eq!((found.good, found.fault), (good, Some(fault)), "{attack}");
            stage.database.run(RESTORE).await;
        }
        stage.database.run("UPDATE audit_entries SET intent = 'mine' WHERE seq = 5").await;
        let found = verdict(stage).await;
        let Some(Fault::Changed { seq, operation, .. }) = found.fault else { panic!("{found:?}") };
        assert_eq!((seq, operation.as_str()), (5, "redirect_urls.put"));
        stage.database.run(RESTORE).await;
        assert_eq!(verdict(stage).await.fault, None, "the attacks alone were found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_removes_nothing_from_a_log_that_was_changed() {
    each(async |stage| {
        written(stage).await;
        let kept = "CREATE TABLE kept_entries AS SELECT * FROM audit_entries;
            CREATE TABLE kept_anchors AS SELECT * FROM audit_anchors";
        stage.database.run(kept).await;
        let attacks = [
            // Made to look old.
            "UPDATE audit_entries SET at = 0 WHERE seq <= 3",
            "UPDATE audit_entries SET outcome = 'forbidden' WHERE seq = 2",
            "DELETE FROM audit_entries WHERE seq = 1",
            "DELETE FROM audit_entries WHERE seq = 2",
            "INSERT INTO audit_anchors SELECT organization_id, seq, hash, at, hash, at FROM audit_entries WHERE seq = 2",
        ];
        for attack in attacks {
            stage.database.run(attack).await;
            let (before, left) = (verdict(stage).await, listed(stage).await);
            assert!(before.fault.is_some(), "{attack}");
            assert_eq!(pruned(stage, START_MS + 4000).await, 0, "{attack}");
            assert_eq!((verdict(stage).await, listed(stage).await), (before, left), "{attack}");
            stage.database.run(RESTORE).await;
        }
        stage.database.run("UPDATE audit_heads SET mac = hash").await;
        assert_eq!(pruned(stage, START_MS + 4000).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_dies_between_or_within_two_batches_leaves_a_proven_chain() {
    each(async |stage| {
        aged(stage, 700, 0).await;
        assert_eq!(pruned(stage, i64::MAX).await, 500, "one batch");
        let half = verdict(stage).await;
        let gone = Pruned { entries: 500, latest: 499 };
        assert_eq!((half.good, half.pruned, half.fault.clone()), (700, Some(gone), None));
        // The second one removes entries and cannot move the anchor: nobody writes through such a view.
        let away = "ALTER TABLE audit_anchors RENAME TO anchors_away;
            CREATE VIEW audit_anchors AS SELECT * FROM anchors_away LIMIT 1";
        stage.database.run(away).await;
        assert!(prune(&stage.deps, &stage.organization.id, i64::MAX).await.is_err());
        assert_eq!(verdict(stage).await, half);
        stage.database.run("DROP VIEW audit_anchors; ALTER TABLE anchors_away RENAME TO audit_anchors").await;
        // Another process goes on.
        let other = stage.replica().await;
        assert_eq!(prune(&other.deps, &stage.organization.id, i64::MAX).await.unwrap(), 200);
        let whole = verdict(stage).await;
        assert_eq!((whole.good, whole.pruned.map(|gone| gone.entries), whole.fault), (700, Some(700), None));
    })
    .await;
}

/// Prunes again and again, beside the test.
fn pruning(deps: &Arc<Deps>, stage: &Stage) -> JoinHandle<u64> {
    let (deps, organization) = (Arc::clone(deps), stage.organization.id.clone());
    tokio::spawn(async move {
        let mut total = 0;
        for _ in 0..20 {
            total += prune(&deps, &organization, i64::MAX).await.unwrap();
        }
        total
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_prune_once_while_others_link_and_verify() {
    each(async |stage| {
        aged(stage, 1200, 0).await;
        let other = stage.replica().await;
        let (here, there) = (pruning(&stage.deps, stage), pruning(&other.deps, stage));
        for number in 0..10 {
            aged(stage, 20, 10_000 * (number + 1)).await;
            assert_eq!(verdict(stage).await.fault, None);
        }
        let (first, second) = (here.await.unwrap(), there.await.unwrap());
        // What a prune kept from being linked.
        keybearer::jobs::write_audit(&stage.deps).await.unwrap();
        let last = pruned(stage, i64::MAX).await;
        assert_eq!(first + second + last, 1400);
        let end = verdict(stage).await;
        assert_eq!((end.good, end.pruned.map(|gone| gone.entries), end.fault), (1400, Some(1400), None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_keeps_what_is_younger() {
    Setup::new()
        .set("AUDIT_RETENTION", "400d")
        .each(async |stage| {
            // 1970 is long enough ago by any clock, the far future by none.
            aged(stage, 600, 0).await;
            aged(stage, 3, i64::MAX / 2).await;
            stage.start_jobs().await;
            let gone = Some(Pruned { entries: 600, latest: 599 });
            stage.until("old entries go", async || verdict(stage).await.pruned == gone).await;
            let end = verdict(stage).await;
            assert_eq!((end.good, end.fault), (603, None));
        })
        .await;
}
