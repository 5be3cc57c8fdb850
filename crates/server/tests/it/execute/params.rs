//! Parameters before anything is sent: unknown, missing, blank, of another type, outside an enum.

use crate::support::stage::each;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_names_are_refused_with_the_right_ones() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        let execute = async |entity: &str, action: &str, params: Value| {
            stage.execute(&connector, entity, action, &params).await
        };
        let message = |body: &Value| body["message"].as_str().unwrap().to_owned();
        for entity in ["item", "ITEMS", "", "*", "items ", "items\u{0}", "{{ token }}"] {
            let text = message(&execute(entity, "list", json!({})).await.fails(422, "unknown_entity"));
            assert!(text.contains("items") && text.contains("files"), "{text}");
        }
        for action in ["lst", "LIST", "", "head", "items_list", "lookup"] {
            let text = message(&execute("items", action, json!({})).await.fails(422, "unknown_action"));
            assert!(text.contains("list") && text.contains("create"), "{text}");
        }
        execute("files", "list", json!({})).await.fails(422, "unknown_action");
        for (name, near) in [
            ("stat", "state"),
            ("State", "state"),
            ("page-size", "page_size"),
            ("flags", "flag"),
            ("x_note", "X-Note"),
        ] {
            let reply = execute("items", "list", json!({name: "open"})).await;
            let text = message(&reply.fails(422, "invalid_params"));
            assert!(text.contains(near), "{name}: {text}");
            assert_eq!(reply.wrong_fields(), [format!("params.{name}")]);
        }
        for name in
            ["", "__proto__", "a\nb", "{{ token }}", &"x".repeat(3000), "Authorization", "headers", "url"]
        {
            let reply = execute("items", "list", json!({name: "x"})).await;
            reply.fails(422, "invalid_params");
            assert!(reply.text().len() < 8000, "bounded");
        }
        let all = execute("items", "list", json!({"one": 1, "two": 2, "page_size": "many"})).await;
        assert_eq!(all.wrong_fields().len(), 3, "all at once: {}", all.text());
        assert!(stage.upstream.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn required_ones_are_missing_when_absent_null_or_blank() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        for (action, name, value) in [
            ("get", "id", None),
            ("get", "id", Some(json!(null))),
            ("get", "id", Some(json!(""))),
            ("get", "id", Some(json!("  "))),
            ("search", "q", None),
            ("search", "q", Some(json!(""))),
            ("create", "name", None),
            ("create", "name", Some(json!(null))),
            ("update", "id", None),
            ("delete", "id", None),
        ] {
            let params = value.map_or_else(|| json!({}), |value| json!({name: value}));
            let reply = stage.execute(&connector, "items", action, &params).await;
            reply.fails(422, "invalid_params");
            assert_eq!(reply.wrong_fields(), [format!("params.{name}")], "{action} {params}");
        }
        assert!(stage.upstream.seen().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_mended_without_loss_or_refused() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let connector = stage.bench("w1").await;
        for (name, value, sent) in [
            ("page_size", json!("10"), "10"),
            ("page_size", json!(10), "10"),
            ("page_size", json!(10.0), "10"),
            ("after", json!(10), "10"),
            ("after", json!(true), "true"),
            ("ratio", json!("2.5"), "2.5"),
            ("ratio", json!(3), "3"),
            ("flag", json!("true"), "true"),
            ("flag", json!(false), "false"),
            ("state", json!("open"), "open"),
        ] {
            stage.upstream.forget();
            stage.execute(&connector, "items", "list", &json!({name: value})).await.ok();
            assert_eq!(
                stage.upstream.seen()[0].query(),
                [(name.to_owned(), sent.to_owned())],
                "{name}={value}"
            );
        }
        stage.upstream.forget();
        for (name, value) in [
            ("page_size", json!("ten")),
            ("page_size", json!("1e1")),
            ("page_size", json!(1.5)),
            ("page_size", json!(true)),
            ("page_size", json!([10])),
            ("page_size", json!({})),
            ("ratio", json!("much")),
            ("flag", json!("maybe")),
            ("flag", json!(2)),
            ("flag", json!([])),
            ("state", json!("opened")),
            ("state", json!("OPEN")),
            ("state", json!(1)),
            ("after", json!({"a": 1})),
            ("ids", json!(["x"])),
            ("ids", json!({"a": 1})),
            ("ids", json!([[1]])),
        ] {
            let reply = stage.execute(&connector, "items", "list", &json!({name: value})).await;
            assert_eq!(reply.status.as_u16(), 422, "{name}={value}");
            reply.fails(422, "invalid_params");
            assert_eq!(reply.wrong_fields().len(), 1, "{name}={value}: {}", reply.text());
            assert!(reply.wrong_fields()[0].starts_with(&format!("params.{name}")), "{}", reply.text());
        }
        let reply = stage.execute(&connector, "items", "list", &json!({"state": "opened"})).await;
        assert!(reply.text().contains("open") && reply.text().contains("closed"), "{}", reply.text());
        for (name, value) in [
            ("count", json!("many")),
            ("count", json!(1.5)),
            ("kind", json!("huge")),
            ("more", json!("x")),
            ("more", json!([])),
        ] {
            let params = json!({"name": "n", name: value});
            stage.execute(&connector, "items", "create", &params).await.fails(422, "invalid_params");
        }
        assert!(stage.upstream.seen().is_empty());
        stage
            .execute(
                &connector,
                "items",
                "create",
                &json!({"name": 7, "count": "3", "kind": null, "more": {"a": null}}),
            )
            .await
            .ok();
        assert_eq!(stage.upstream.seen()[0].json(), json!({"name": "7", "count": 3, "more": {"a": null}}));
        stage.upstream.forget();
        stage
            .execute(&connector, "items", "list", &json!({"state": null, "page_size": null, "ids": [1, "2"]}))
            .await
            .ok();
        let pairs = [("ids".to_owned(), "1".to_owned()), ("ids".to_owned(), "2".to_owned())];
        assert_eq!(stage.upstream.seen()[0].query(), pairs, "null is not given");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_and_cursor_work_whatever_the_provider_calls_them() {
    each(async |stage| {
        let connector = stage.bench("w1").await;
        stage.upstream.answers(|asked| {
            let after = asked.query().into_iter().find(|(name, _)| name == "after").map(|(_, value)| value);
            let body = match after.as_deref() {
                None => json!({"items": [{"id": 1}], "next": "c/1 ?&"}),
                Some("c/1 ?&") => json!({"items": [{"id": 2}], "next": null}),
                Some(_) => json!({"items": []}),
            };
            crate::support::upstream::json(200, &body)
        });
        let first = stage.execute(&connector, "items", "list", &json!({"limit": 1})).await.ok();
        assert_eq!(stage.upstream.seen()[0].target, "/base/items?page_size=1");
        let meta = &first["connector_metadata"];
        assert_eq!((&meta["has_next_page"], &meta["end_cursor"]), (&json!(true), &json!("c/1 ?&")));
        assert_eq!(meta["pagination"], json!({"cursor": "c/1 ?&"}));
        let params = json!({"limit": "1", "cursor": meta["end_cursor"], "state": "open"});
        let second = stage.execute(&connector, "items", "list", &params).await.ok();
        assert_eq!(second["result"], json!([{"id": 2}]));
        let meta = &second["connector_metadata"];
        assert_eq!(
            (&meta["has_next_page"], &meta["end_cursor"], &meta["pagination"]),
            (&json!(false), &json!(null), &json!({"cursor": null}))
        );
        assert_eq!(meta["total"], json!(null), "the definition's own names beside");
        stage.upstream.forget();
        stage.execute(&connector, "items", "search", &json!({"q": "x", "limit": 5})).await.ok();
        assert_eq!(
            stage.upstream.seen()[0].query(),
            [("q".to_owned(), "x".to_owned())],
            "limit is accepted, and not sent"
        );
        stage
            .execute(&connector, "items", "search", &json!({"q": "x", "cursor": "y"}))
            .await
            .fails(422, "not_pageable");
        stage
            .execute(&connector, "items", "get", &json!({"id": "1", "cursor": "y"}))
            .await
            .fails(422, "not_pageable");
        for bad in [
            json!({"limit": "many"}),
            json!({"limit": []}),
            json!({"limit": 1.5}),
            json!({"cursor": {}}),
            json!({"cursor": []}),
        ] {
            stage.execute(&connector, "items", "list", &bad).await.fails(422, "invalid_params");
        }
        assert_eq!(stage.upstream.seen().len(), 1);
        stage.put_crm_app().await;
        let crm = stage.connect("w1").await;
        let (mut seen, mut cursor) = (Vec::new(), json!(null));
        loop {
            let page =
                stage.execute(&crm, "contacts", "list", &json!({"limit": 10, "cursor": cursor})).await.ok();
            seen.extend(page["result"].as_array().unwrap().iter().map(|one| one["id"].to_string()));
            if page["connector_metadata"]["has_next_page"] == false {
                break;
            }
            cursor = page["connector_metadata"]["pagination"]["cursor"].clone();
        }
        seen.dedup();
        assert_eq!(seen.len(), 25);
    })
    .await;
}
