//! `select_fields`, `exclude_fields`, `skip_truncation`.

use crate::support::stage::each;
use crate::support::walk::with;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_selected_and_excluded_by_dot_paths() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let record = json!({"id": 1, "name": "n", "owner": {"id": 2, "name": "o"}, "a.b": "dotted", "a": {"b": "nested"}, "tags": [{"x": 1}], "big": 12_345_678_901_234_567_890_u64});
        let body = json!({"items": [record]});
        stage.upstream.says(body);
        let shaped = async |more: Value| {
            let base = json!({"entity": "items", "action": "list"});
            stage.execute_with(&connector, &with(base, &more)).await.ok()["result"][0].clone()
        };
        assert_eq!(shaped(json!({"select_fields": ["id", "owner.name"]})).await, json!({"id": 1, "owner": {"name": "o"}}));
        assert_eq!(shaped(json!({"select_fields": ["nope", "id", "owner.nope"]})).await["id"], 1);
        assert_eq!(shaped(json!({"select_fields": ["a.b"]})).await, json!({"a.b": "dotted"}));
        assert_eq!(shaped(json!({"select_fields": ["big"]})).await, json!({"big": 12_345_678_901_234_567_890_u64}));
        let less = shaped(json!({"exclude_fields": ["name", "owner.id", "a.b", "nope"]})).await;
        assert_eq!(less, json!({"id": 1, "owner": {"name": "o"}, "a": {"b": "nested"}, "tags": [{"x": 1}], "big": 12_345_678_901_234_567_890_u64}));
        let both = shaped(json!({"select_fields": ["id"], "exclude_fields": ["id"]})).await;
        assert_eq!(both, json!({"id": 1}), "select wins");
        for none in [json!({"select_fields": []}), json!({"select_fields": null, "exclude_fields": null}), json!({"skip_truncation": null})] {
            assert_eq!(shaped(none).await, record);
        }
        stage.upstream.says(record.clone());
        let one = json!({"entity": "items", "action": "get", "params": {"id": "1"}, "select_fields": ["owner.id"]});
        assert_eq!(stage.execute_with(&connector, &one).await.ok()["result"], json!({"owner": {"id": 2}}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_texts_of_lists_are_cut_only_when_asked() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let (long, fits) = ("ä".repeat(201), "ä".repeat(200));
        stage.upstream.says(json!({"items": [{"long": long, "fits": fits, "deep": {"list": [long]}}]}));
        let ask = async |more: Value| {
            let base = json!({"entity": "items", "action": "list"});
            stage.execute_with(&connector, &with(base, &more)).await.ok()["result"][0].clone()
        };
        for whole in [json!({}), json!({"skip_truncation": true})] {
            assert_eq!(ask(whole).await["long"], long.as_str());
        }
        let cut = ask(json!({"skip_truncation": false})).await;
        assert_eq!(cut["fits"], fits.as_str());
        for text in [&cut["long"], &cut["deep"]["list"][0]] {
            let text = text.as_str().unwrap();
            assert!(
                text.starts_with(&"ä".repeat(200)) && text != long && text.len() > fits.len(),
                "says so: {text}"
            );
        }
        stage.upstream.says(json!({"long": long}));
        let one =
            json!({"entity": "items", "action": "get", "params": {"id": "1"}, "skip_truncation": false});
        assert_eq!(
            stage.execute_with(&connector, &one).await.ok()["result"]["long"],
            long.as_str(),
            "lists only"
        );
    })
    .await;
}
