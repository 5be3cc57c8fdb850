//! Lists of connectors: filters, pages, and the old paths.

use crate::support::stage::{Stage, each};
use crate::support::walk::{BENCH, id};
use serde_json::{Value, json};

const PATH: &str = "/integrations/connectors";
const BENCH_ID: &str = "0b6a2a51-5f0e-4c38-9c77-6a1f9ee1f0d2";
const PLAIN_ID: &str = "9d1c5c33-1ac4-4f6c-8f43-5a0d6c7b2e11";

/// Three bench connectors and a plain one, one second apart.
async fn filled(stage: &Stage) -> Vec<String> {
    let mut ids = Vec::new();
    for user in ["w1", "w2", "w1"] {
        ids.push(stage.bench(user).await);
        stage.advance(1);
    }
    let key = json!({"api_key": stage.secrets.fresh("key")});
    let plain =
        stage.import("plain-keys", "w2", &key, &json!({"environment": {"tenant": "acme"}})).await.ok();
    ids.push(id(&plain));
    ids
}

fn ids(answer: &Value, list: &str) -> Vec<String> {
    answer[list].as_array().unwrap().iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_are_listed_by_workspace_and_type() {
    each(async |stage| {
        let all = filled(stage).await;
        let [a, b, c, d] = &all[..] else { panic!() };
        let workspaces = stage.app.get("/workspaces?name_contains=w2").await.ok();
        let w2 = id(&workspaces["data"][0]);
        let cases: Vec<(String, Vec<&String>)> = vec![
            (String::new(), vec![a, b, c, d]),
            ("?workspace_name=w1".to_owned(), vec![a, c]),
            ("?external_user_id=w1".to_owned(), vec![a, c]),
            ("?customer_name=w2".to_owned(), vec![b, d]),
            (format!("?workspace_id={w2}"), vec![b, d]),
            (format!("?workspace_name=w2&definition_id={BENCH_ID}"), vec![b]),
            (format!("?definition_id={PLAIN_ID}"), vec![d]),
            (format!("?connector_definition_id={BENCH_ID}"), vec![a, b, c]),
            (format!("?connector_type={BENCH}"), vec![a, b, c]),
            ("?workspace_name=nobody".to_owned(), vec![]),
            ("?workspace_id=00000000-0000-4000-8000-000000000000".to_owned(), vec![]),
        ];
        for (query, wanted) in &cases {
            let answer = stage.app.get(&format!("{PATH}{query}")).await.ok();
            assert_eq!(ids(&answer, "data").iter().collect::<Vec<_>>(), *wanted, "{query}");
            assert_eq!(answer["next"], json!(null), "{query}");
            for (path, list) in [
                ("/connectors/connectors_for_user", "connectors"),
                ("/connectors/instances_for_user", "instances"),
            ] {
                let answer = stage.app.get(&format!("{path}{query}")).await.ok();
                assert_eq!(ids(&answer, list).iter().collect::<Vec<_>>(), *wanted, "{path}{query}");
            }
        }
        let scoped = stage.scoped(&stage.app, "w2").await;
        assert_eq!(ids(&scoped.get(PATH).await.ok(), "data"), [b.clone(), d.clone()]);
        let stranger = stage.organization("second").await;
        let stranger = stage.sign_in(&stranger).await;
        assert_eq!(stranger.get(PATH).await.ok()["data"], json!([]));
        assert_eq!(stranger.get(&format!("{PATH}?workspace_id={w2}")).await.ok()["data"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gaps() {
    each(async |stage| {
        let all = filled(stage).await;
        for limit in 1..=5 {
            let (mut seen, mut query) = (Vec::new(), format!("?limit={limit}"));
            loop {
                let answer = stage.app.get(&format!("{PATH}{query}")).await.ok();
                let page = ids(&answer, "data");
                assert!(page.len() <= limit);
                seen.extend(page);
                match answer["next"].as_str() {
                    Some(next) => query = format!("?limit={limit}&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, all, "pages of {limit}");
        }
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=x",
            "limit=1.5",
            "cursor=nonsense",
            "cursor=%00",
            "workspace_id=x",
            "workspace_name=",
            "workspace_name=a%0Ab",
            "limit=1&limit=2",
            "workspace_name=a&external_user_id=b",
            "connector_type=work-bench&definition_id=0b6a2a51-5f0e-4c38-9c77-6a1f9ee1f0d2",
        ] {
            stage.app.get(&format!("{PATH}?{bad}")).await.is(422);
        }
        stage.app.get(&format!("{PATH}?limit=1000")).await.ok();
        stage.app.get(&format!("{PATH}?connector_type=nope")).await.fails(404, "not_found");
        stage
            .app
            .get(&format!("{PATH}?definition_id=00000000-0000-4000-8000-000000000000"))
            .await
            .fails(404, "not_found");
    })
    .await;
}
