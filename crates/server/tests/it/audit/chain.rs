//! Somebody who can write to the database, and what `verify` finds.

use crate::support::stage::{Stage, each};
use keybearer::core::audit::{Fault, Verdict, verify};
use serde_json::json;

/// Six linked entries.
pub(super) async fn written(stage: &Stage) {
    for url in 1..=6 {
        stage.advance(1);
        let list = json!({"data": [format!("https://app.example.com/{url}")]});
        stage.app.put("/organizations/redirect-urls", &list).await.ok();
    }
    keybearer::jobs::write_audit(&stage.deps).await.unwrap();
}

pub(super) async fn verdict(stage: &Stage) -> Verdict {
    verify(&stage.deps, &stage.organization.id).await.unwrap()
}

/// What `verify` says after a statement of an attacker on a fresh log.
async fn after(statement: &'static str) -> Vec<(i64, Option<Fault>)> {
    let found = std::sync::Mutex::new(Vec::new());
    each(async |stage| {
        written(stage).await;
        let good = verdict(stage).await;
        assert_eq!((good.good, good.fault), (6, None));
        stage.database.run(statement).await;
        let bad = verdict(stage).await;
        found.lock().unwrap().push((bad.good, bad.fault));
    })
    .await;
    let found = found.into_inner().unwrap();
    assert!(!found.is_empty());
    found
}

fn changed(found: Vec<(i64, Option<Fault>)>, wanted: i64) {
    for (good, fault) in found {
        assert_eq!(good, wanted - 1);
        assert!(matches!(fault, Some(Fault::Changed { seq, .. }) if seq == wanted), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_entry_is_named() {
    changed(after("UPDATE audit_entries SET outcome = 'forbidden' WHERE seq = 3").await, 3);
    changed(after("UPDATE audit_entries SET intent = 'mine' WHERE seq = 1").await, 1);
    changed(after("UPDATE audit_entries SET at = at - 1 WHERE seq = 6").await, 6);
    changed(after("UPDATE audit_entries SET hash = prev_hash WHERE seq = 4").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_entry_is_named() {
    for (good, fault) in after("DELETE FROM audit_entries WHERE seq = 3").await {
        assert_eq!((good, fault), (2, Some(Fault::Missing { seq: 3 })));
    }
    for (good, fault) in after("DELETE FROM audit_entries WHERE seq = 1").await {
        assert_eq!((good, fault), (0, Some(Fault::Missing { seq: 1 })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_in_another_order_are_named() {
    let swap = "UPDATE audit_entries SET seq = 100 WHERE seq = 2;
        UPDATE audit_entries SET seq = 2 WHERE seq = 3; UPDATE audit_entries SET seq = 3 WHERE seq = 100";
    changed(after(swap).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_end_is_found_also_with_a_head_that_fits() {
    for (good, fault) in after("DELETE FROM audit_entries WHERE seq > 4").await {
        assert_eq!((good, fault), (4, Some(Fault::Truncated { seq: 5, last: 6 })));
    }
    let fitted = "DELETE FROM audit_entries WHERE seq > 4;
        UPDATE audit_heads SET seq = 4, hash = (SELECT hash FROM audit_entries WHERE seq = 4)";
    for (good, fault) in after(fitted).await {
        assert_eq!((good, fault), (4, Some(Fault::Head { seq: 4 })));
    }
    for (good, fault) in after("DELETE FROM audit_heads").await {
        assert_eq!((good, fault), (6, Some(Fault::Head { seq: 6 })));
    }
    for (good, fault) in after("UPDATE audit_heads SET seq = 0, hash = '', mac = ''").await {
        assert_eq!((good, fault), (0, Some(Fault::Head { seq: 0 })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_head_is_not_signed_again() {
    each(async |stage| {
        written(stage).await;
        let cut = "DELETE FROM audit_entries WHERE seq > 4;
            UPDATE audit_heads SET seq = 4, hash = (SELECT hash FROM audit_entries WHERE seq = 4)";
        stage.database.run(cut).await;
        written(stage).await;
        assert_eq!(verdict(stage).await.fault, Some(Fault::Head { seq: 4 }));
        let page = stage.app.get("/audit?limit=1000").await.ok();
        let unlinked = page["data"].as_array().unwrap().iter().filter(|entry| entry["seq"].is_null()).count();
        assert_eq!(unlinked, 6, "they are kept, unlinked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_replicas_link_one_chain() {
    each(async |stage| {
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let deps = std::sync::Arc::clone(&stage.deps);
            tasks.push(tokio::spawn(async move {
                for _ in 0..20 {
                    // Another replica may be at it; then there is nothing to do.
                    keybearer::jobs::write_audit(&deps).await.unwrap();
                }
            }));
        }
        for url in 0..30 {
            let list = json!({"data": [format!("https://app.example.com/{url}")]});
            stage.app.put("/organizations/redirect-urls", &list).await.ok();
        }
        for task in tasks {
            task.await.unwrap();
        }
        keybearer::jobs::write_audit(&stage.deps).await.unwrap();
        let verdict = verdict(stage).await;
        assert_eq!((verdict.good, &verdict.fault), (30, &None));
        assert_eq!(verdict.head.unwrap().len(), 64);
        // Another process opens the same key, and goes on where this one stopped.
        let other = stage.restarted(keybearer::core::catalog::Catalog::load(None)).await;
        other.app.put("/organizations/redirect-urls", &json!({"data": []})).await.ok();
        keybearer::jobs::write_audit(&stage.deps).await.unwrap();
        assert_eq!(self::verdict(stage).await.good, 31);
    })
    .await;
}
