//! Section A: the OAuth apps of organizations. Definitions that change under them stand in `definitions.rs`.

use crate::support::stage::each;
use crate::support::walk::{BENCH, param};
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a1_a_client_secret_is_never_read_back() {
    each(async |stage| {
        let (client, developer) = (stage.secrets.fresh("app"), stage.secrets.fresh("dev"));
        let configuration =
            json!({"client_id": "bench", "client_secret": client, "developer_token": developer});
        let body = json!({"connector_type": BENCH, "configuration": configuration});
        let mut told = vec![stage.app.put("/oauth/credentials", &body).await.text()];
        stage.upstream.says(json!({"access_token": stage.secrets.fresh("at"), "items": []}));
        let url = stage.bench_url("w1", &json!({"callback_mode": "connector_id"})).await;
        let home = stage.open(&stage.bench_callback(&url, "abcdefgh")).await.location();
        let connector = param(&home, "connector_id").unwrap();
        assert_eq!(stage.upstream.seen_at("/token").len(), 1, "the secret is there to be used");
        for (method, path, body) in [
            ("GET", "/oauth/credentials".to_owned(), None),
            ("GET", format!("/oauth/credentials/spec?connector_type={BENCH}"), None),
            ("GET", "/integrations/connectors".to_owned(), None),
            ("GET", format!("/integrations/connectors/{connector}"), None),
            ("GET", format!("/integrations/connectors/{connector}/inspect"), None),
            ("GET", "/integrations/definitions/sources".to_owned(), None),
            ("POST", format!("/integrations/connectors/{connector}/check"), Some(json!({}))),
            (
                "POST",
                format!("/integrations/connectors/{connector}/execute"),
                Some(json!({"entity": "items", "action": "list"})),
            ),
            (
                "PUT",
                "/oauth/credentials".to_owned(),
                Some(json!({"connector_type": BENCH, "configuration": {"client_secret": client}})),
            ),
            ("DELETE", format!("/integrations/connectors/{connector}"), None),
            ("DELETE", format!("/oauth/credentials/connector_type/{BENCH}"), None),
        ] {
            let call = stage.app.call(method.parse::<Method>().unwrap(), &path);
            let reply = match body {
                Some(body) => call.json(&body).send().await,
                None => call.send().await,
            };
            told.push(reply.text());
        }
        stage.secrets.assert_not_in("an answer", &told);
    })
    .await;
}
