//! Definitions are data: one that changes under stored secrets does not get them.

use crate::support::databases::databases;
use crate::support::stage::{Setup, Stage};
use crate::support::walk::{BENCH, param};
use keybearer::core::catalog::Catalog;
use keybearer_connector::document::{Additions, load};
use serde_json::json;

/// The bench definition with its token URL, or its API, at the second upstream.
fn moved(stage: &Stage, what: &str) -> String {
    let text =
        include_str!("../support/definitions/workbench.yaml").replace("{{OTHER_HOST}}", stage.other.host());
    let text = match what {
        "token" => text.replace("{{UPSTREAM}}/token", &format!("{}/token", stage.other.url)),
        "server" => text.replace("\"{{UPSTREAM}}/base\"", &format!("\"{}/base\"", stage.other.url)),
        _ => unreachable!(),
    };
    text.replace("{{UPSTREAM}}", &stage.upstream.url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_endpoint_gets_neither_secret_nor_token() {
    for what in ["token", "server"] {
        Setup::new()
            .each(async |stage| {
                stage.put_bench_app().await;
                let (access, refresh) = (stage.secrets.fresh("at"), stage.secrets.fresh("rt"));
                stage.upstream.says(json!({"access_token": access, "refresh_token": refresh, "expires_in": 60}));
                let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
                let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
                let connector = param(&home, "connector_id").unwrap();
                let pending = stage.bench_url("w1", &json!({})).await;
                stage.advance(60);
                // The same installation starts again with another definition of the same name.
                let catalog = Catalog::load(None).with("overlay", &moved(stage, what));
                let again = stage.restarted(catalog).await;
                stage.other.says(json!({"access_token": "from-the-thief", "items": []}));
                for body in [json!({"entity": "items", "action": "list"}), json!({"entity": "*", "action": "check"})] {
                    let path = format!("/integrations/connectors/{connector}/execute");
                    let reply = again.app.post(&path, &body).await;
                    assert!(reply.status.as_u16() >= 400 || reply.json()["result"]["status"] == "failed", "{}", reply.text());
                }
                let shown = again.app.get(&format!("/integrations/connectors/{connector}")).await.ok();
                assert_eq!(shown["status"], "app_misconfigured", "{what}");
                let ask = json!({"external_user_id": "w1", "connector_type": BENCH, "redirect_url": "https://a.example/"});
                again.app.post("/integrations/connectors/oauth/initiate", &ask).await.fails(409, "app_misconfigured");
                let callback = stage.bench_callback(&pending, "abcdefgh").replace(&stage.base, &again.base);
                let home = again.app.http.call(http::Method::GET, callback).send().await.location();
                assert!(param(&home, "error").is_some(), "{home}");
                let deleted = again.app.delete(&format!("/integrations/connectors/{connector}")).await;
                deleted.is(202);
                assert!(stage.other.seen().is_empty(), "{what}: {:?}", stage.other.seen());
            })
            .await;
    }
}

#[test]
fn a_definition_that_puts_credentials_elsewhere_does_not_load() {
    let good = include_str!("../support/definitions/workbench.yaml")
        .replace("{{UPSTREAM}}", "https://api.example.com")
        .replace("{{OTHER_HOST}}", "files.example.com");
    assert!(load(&good, &Additions::default()).is_ok());
    for (from, to) in [
        (
            "- {name: after, in: query, description: Where the page starts, schema: {type: string}}",
            "- {name: after, in: query, required: true, description: x, schema: {type: string, default: \"{{ refresh_token }}\"}}",
        ),
        (
            "authorizationUrl: \"https://api.example.com/authorize\"",
            "authorizationUrl: \"https://api.example.com/authorize?x={{ client_secret }}\"",
        ),
        ("- url: \"https://api.example.com/base\"", "- url: \"https://api.example.com/{{ access_token }}\""),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        assert!(load(&bad, &Additions::default()).is_err(), "{to}");
    }
}

/// The harness needs a database for its own check.
#[tokio::test(flavor = "multi_thread")]
async fn every_test_runs_on_a_database_of_its_own() {
    let (one, two) = (databases().await, databases().await);
    for (one, two) in one.iter().zip(&two) {
        assert_ne!(one.url, two.url);
    }
}
