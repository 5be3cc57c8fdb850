//! Jobs.

use super::rows::{NOW, RACERS, connected, connector, grant, job, race};
use crate::support::databases::databases;
use keybearer::store::{JobReport, JobRow, Store};

fn told(report: &str) -> JobReport<'_> {
    JobReport { report, outcome: "pending" }
}

async fn deleted_connector(store: &Store) {
    connected(store).await;
    assert!(store.delete_connector("o", None, "c", &job("j"), NOW).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_done_when_it_is_due_and_its_grant_is_erased() {
    for db in databases().await {
        let store = &db.store;
        deleted_connector(store).await;
        assert_eq!(store.claim_job(NOW - 1, NOW + 10).await.unwrap(), None);
        let running = store.claim_job(NOW, NOW + 10).await.unwrap().unwrap();
        assert_eq!((running.id.as_str(), running.attempts, running.lease_until), ("j", 1, Some(NOW + 10)));
        assert_eq!(store.claim_job(NOW + 9, NOW + 20).await.unwrap(), None, "leased");
        let foreign = JobRow { organization_id: "other".to_owned(), ..running.clone() };
        assert!(!store.finish_job(&foreign, "succeeded", told("{}"), NOW).await.unwrap());
        assert_eq!(store.grant("o", "g").await.unwrap().unwrap().sealed.len(), 2);
        assert!(store.finish_job(&running, "succeeded", told("{\"a\":1}"), NOW + 2).await.unwrap());
        assert!(!store.finish_job(&running, "failed", told("{}"), NOW + 2).await.unwrap());
        let done = store.job("o", "j").await.unwrap().unwrap();
        assert_eq!(
            (done.status.as_str(), done.report.as_str(), done.lease_until),
            ("succeeded", "{\"a\":1}", None)
        );
        assert!(store.grant("o", "g").await.unwrap().unwrap().sealed.is_empty());
        assert_eq!(store.claim_job(i64::MAX - 1, i64::MAX).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_runners_job_is_taken_over() {
    for db in databases().await {
        let store = &db.store;
        deleted_connector(store).await;
        let late = store.claim_job(NOW, NOW + 10).await.unwrap().unwrap();
        let again = store.claim_job(NOW + 10, NOW + 20).await.unwrap().unwrap();
        assert_eq!((again.attempts, again.lease_until), (2, Some(NOW + 20)));
        assert!(
            !store.finish_job(&late, "succeeded", told("{}"), NOW + 11).await.unwrap(),
            "not its job any more"
        );
        assert!(!store.retry_job(&late, told("{}"), NOW + 50, NOW + 11).await.unwrap());
        assert!(store.retry_job(&again, told("{\"tries\":2}"), NOW + 100, NOW + 11).await.unwrap());
        assert_eq!(store.claim_job(NOW + 99, NOW + 120).await.unwrap(), None);
        let third = store.claim_job(NOW + 100, NOW + 120).await.unwrap().unwrap();
        assert_eq!((third.attempts, third.report.as_str()), (3, "{\"tries\":2}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_goes_to_one_of_many_runners() {
    for db in databases().await {
        connected(&db.store).await;
        for number in 0..5 {
            let id = format!("c{number}");
            db.store.insert_connector(&connector(&id, &id), &grant(&id)).await.unwrap();
            db.store.delete_connector("o", None, &id, &job(&id), NOW).await.unwrap();
        }
        let stores = [db.store.clone(), db.replica().await];
        let mut taken: Vec<_> = race(stores, |store, _| async move {
            store.claim_job(NOW, NOW + 10).await.unwrap().map(|job| job.id)
        })
        .await
        .into_iter()
        .flatten()
        .collect();
        taken.sort();
        // A runner that comes while all are being taken goes away with nothing, and looks again later.
        assert!(taken.len() <= 5 && RACERS > 5);
        while let Some(job) = db.store.claim_job(NOW, NOW + 10).await.unwrap() {
            taken.push(job.id);
        }
        taken.sort();
        assert_eq!(taken, ["c0", "c1", "c2", "c3", "c4"]);
    }
}
