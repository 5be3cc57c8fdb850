//! What nobody finished.

use super::rows::{NOW, flow, grant, job_ids, tenants};
use crate::support::databases::databases;
use keybearer::store::{FlowRow, SweepReport};

const DAY: i64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_of_leftover_is_swept_once() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        for id in ["pending", "exchanging", "granted"] {
            store.insert_flow(&flow(id)).await.unwrap();
        }
        store.take_flow(b"exchanging", "github", NOW).await.unwrap();
        store.take_flow(b"granted", "github", NOW).await.unwrap();
        assert!(store.grant_flow("o", "granted", &grant("g"), b"secret", NOW + 500, NOW).await.unwrap());
        let mut ids = job_ids();
        assert_eq!(store.sweep_flows(NOW + 499, NOW, &mut ids).await.unwrap(), SweepReport::default());
        let report = store.sweep_flows(NOW + 600_000, NOW + 1, &mut ids).await.unwrap();
        assert_eq!(report, SweepReport { expired: 1, failed: 1, quarantined_ended: 1, deleted: 0 });
        assert_eq!(
            store.sweep_flows(NOW + 600_000, NOW + 1, &mut ids).await.unwrap(),
            SweepReport::default()
        );
        let grant = store.grant("o", "g").await.unwrap().unwrap();
        assert_eq!(
            (grant.status.as_str(), grant.status_reason.as_deref()),
            ("ended", Some("secret_expired"))
        );
        assert_eq!(store.job("o", "job-1").await.unwrap().unwrap().subject, "g");
        let hour = NOW + 600_000 + DAY / 24;
        assert_eq!(store.sweep_flows(hour, NOW, &mut ids).await.unwrap().deleted, 0);
        assert_eq!(store.sweep_flows(hour + 1, NOW, &mut ids).await.unwrap().deleted, 1, "nobody came back");
        let week = NOW + 600_000 + 7 * DAY;
        assert_eq!(store.sweep_flows(week, NOW, &mut ids).await.unwrap().deleted, 0);
        assert_eq!(store.sweep_flows(week + 1, NOW, &mut ids).await.unwrap().deleted, 2);
        assert_eq!(store.flow_by_secret("o", b"secret").await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_bounded() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        for number in 0..520 {
            let row = FlowRow { expires_at: NOW, ..flow(&format!("f{number}")) };
            store.insert_flow(&row).await.unwrap();
        }
        assert_eq!(store.sweep_flows(NOW, NOW, &mut job_ids()).await.unwrap().expired, 500);
        assert_eq!(store.sweep_flows(NOW, NOW, &mut job_ids()).await.unwrap().expired, 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_sweep_together_end_each_grant_once() {
    for db in databases().await {
        let store = &db.store;
        tenants(store).await;
        for number in 0..30 {
            let id = format!("f{number}");
            store.insert_flow(&flow(&id)).await.unwrap();
            store.take_flow(id.as_bytes(), "github", NOW).await.unwrap();
            let grant = grant(&format!("g{number}"));
            assert!(store.grant_flow("o", &id, &grant, id.as_bytes(), NOW + 500, NOW).await.unwrap());
        }
        let stores = [db.store.clone(), db.replica().await];
        let reports = super::rows::race(stores, |store, number| async move {
            let mut count = 0;
            let mut ids = || {
                count += 1;
                format!("job-{number}-{count}")
            };
            store.sweep_flows(NOW + 500, NOW, &mut ids).await.unwrap().quarantined_ended
        })
        .await;
        assert_eq!(reports.iter().sum::<u64>(), 30);
    }
}
