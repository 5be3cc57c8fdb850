//! Connectors by credentials: which scheme they fit, what is refused, and `verify`.

use crate::support::secrets::row_counts;
use crate::support::stage::each;
use crate::support::upstream::json as answer;
use crate::support::walk::{BENCH, id, with};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_one_scheme_that_fits_is_taken() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let token = stage.secrets.fresh("pat");
        let made = stage.import(BENCH, "new user", &json!({"token": token}), &json!({})).await.ok();
        assert_eq!(made["name"], "Workbench (new user)");
        assert_eq!(
            (&made["status"], &made["account"], &made["granted_scopes"]),
            (&json!("active"), &json!(null), &json!(null))
        );
        assert_eq!(stage.upstream.seen().len(), 0, "no upstream call at creation");
        stage.execute(&id(&made), "items", "list", &json!({})).await.ok();
        assert_eq!(
            stage.upstream.seen()[0].header("authorization"),
            Some(format!("Bearer {token}").as_str())
        );
        let workspaces = stage.app.get("/workspaces").await.ok();
        assert_eq!(workspaces["data"][0]["name"], "new user", "an absent workspace is made");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_that_fit_have_to_be_named() {
    each(async |stage| {
        stage.upstream.says(json!({"items": []}));
        let key = stage.secrets.fresh("key");
        let credentials = json!({"api_key": key});
        let rows = row_counts(&stage.database).await;
        let ambiguous = stage.import(BENCH, "w1", &credentials, &json!({})).await;
        let message = ambiguous.fails(400, "credentials_mismatch")["message"].to_string();
        assert!(
            message.contains("auth_scheme") && message.contains("key") && message.contains("query_key"),
            "{message}"
        );
        for (credentials, scheme) in [
            (json!({}), json!(null)),
            (json!({"username": "u", "password": key}), json!(null)),
            (json!({"token": ""}), json!(null)),
            (json!({"token": null}), json!(null)),
            (json!({"token": [key]}), json!(null)),
            (json!({"token": format!("{key}\r\nX: y")}), json!("personal")),
            (json!({"token": key}), json!("key")),
            (json!({"api_key": key}), json!("nope")),
        ] {
            let reply = stage.import(BENCH, "w1", &credentials, &json!({"auth_scheme": scheme})).await;
            let message = reply.fails(400, "credentials_mismatch")["message"].to_string();
            for name in ["oauth2", "personal", "query_key"] {
                assert!(message.contains(name), "the schemes are listed: {message}");
            }
        }
        assert_eq!(row_counts(&stage.database).await, rows, "nothing was stored");
        for (scheme, header, query) in
            [("key", Some(key.as_str()), None), ("query_key", None, Some(key.as_str()))]
        {
            let made = stage.import(BENCH, "w1", &credentials, &json!({"auth_scheme": scheme})).await.ok();
            stage.upstream.forget();
            stage.execute(&id(&made), "items", "list", &json!({})).await.ok();
            let seen = &stage.upstream.seen()[0];
            assert_eq!(seen.header("x-bench-key"), header);
            assert_eq!(
                seen.query().iter().find(|(name, _)| name == "bench_key").map(|(_, value)| value.as_str()),
                query
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_variables_are_required_and_checked() {
    each(async |stage| {
        let credentials = json!({"api_key": stage.secrets.fresh("key")});
        let rows = row_counts(&stage.database).await;
        let ask = async |environment: serde_json::Value| {
            stage.import("plain-keys", "w1", &credentials, &json!({"environment": environment})).await
        };
        for environment in [
            json!({}),
            json!(null),
            json!({"tenant": null}),
            json!({"tenant": ""}),
            json!({"tenant": "A_B"}),
            json!({"tenant": "../x"}),
            json!({"tenant": "a/b"}),
            json!({"tenant": "a?b"}),
            json!({"tenant": "a\nb"}),
            json!({"tenant": "{{ api_key }}"}),
            json!({"tenant": "acme", "other": "x"}),
            json!({"tenant": "acme", "api_key": "x"}),
        ] {
            let reply = ask(environment.clone()).await;
            reply.is(422);
            assert!(reply.wrong_fields()[0].starts_with("environment."), "{environment}: {}", reply.text());
        }
        assert_eq!(row_counts(&stage.database).await, rows, "nothing was stored");
        stage.upstream.says(json!({"notes": 1}));
        let made = ask(json!({"tenant": "acme-2"})).await.ok();
        assert_eq!(made["environment"], json!({"tenant": "acme-2"}));
        stage.execute(&id(&made), "notes", "list", &json!({})).await.ok();
        assert_eq!(stage.upstream.seen()[0].target, "/acme-2/notes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_stores_nothing_when_the_check_fails() {
    each(async |stage| {
        let token = stage.secrets.fresh("pat");
        let credentials = json!({"token": token});
        let rows = row_counts(&stage.database).await;
        for (status, body) in [
            (401, json!({"message": "bad token"})),
            (403, json!({"message": "no right"})),
            (500, json!({"message": "down"})),
            (200, json!({"ok": false, "error": "invalid_auth"})),
        ] {
            stage.upstream.answers(move |_| answer(status, &body));
            let reply = stage.import(BENCH, "w1", &credentials, &json!({"verify": true})).await;
            reply.fails(422, "check_failed");
        }
        assert_eq!(row_counts(&stage.database).await, rows);
        stage.upstream.forget();
        stage.upstream.says(json!({"items": []}));
        stage.import(BENCH, "w1", &credentials, &json!({"verify": true})).await.ok();
        let seen = stage.upstream.seen();
        assert_eq!((seen.len(), seen[0].path()), (1, "/base/items"), "one light call");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsaved_credentials_are_checked_without_a_trace() {
    each(async |stage| {
        let credentials = json!({"token": stage.secrets.fresh("pat")});
        let body = json!({"external_user_id": "w1", "connector_type": BENCH, "credentials": credentials});
        let rows = row_counts(&stage.database).await;
        let check = async |more: serde_json::Value| {
            stage.app.post("/integrations/connectors/check", &with(body.clone(), &more)).await
        };
        stage.upstream.says(json!({"items": []}));
        assert_eq!(check(json!({})).await.ok()["status"], "succeeded");
        let per_entity = check(json!({"entities": ["items", "files"]})).await.ok();
        let statuses: Vec<&str> = per_entity["entity_check_results"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["status"].as_str())
            .collect();
        assert_eq!(statuses, ["succeeded", "inconclusive"]);
        stage.upstream.answers(|_| answer(401, &json!({"message": "bad token"})));
        let failed = check(json!({})).await.ok();
        assert_eq!(failed["status"], "failed");
        assert!(failed["error_message"].as_str().unwrap().contains("bad token"), "{failed}");
        stage.upstream.answers(|_| answer(503, &json!({})));
        assert_eq!(check(json!({})).await.ok()["status"], "inconclusive");
        check(json!({"credentials": null})).await.is(422);
        check(json!({"entities": "items"})).await.is(422);
        assert_eq!(row_counts(&stage.database).await, rows);
    })
    .await;
}
