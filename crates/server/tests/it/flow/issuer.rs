//! `iss` (RFC 9207): required where the provider sends it, compared byte for byte, also beside errors.

use crate::support::stage::{Setup, each};
use crate::support::walk::param;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_issuer_ends_the_flow_before_the_token_call() {
    each(async |stage| {
        stage.put_crm_app().await;
        let issuer = stage.peer.url.clone();
        let wrong = [
            None,
            Some(String::new()),
            Some("https://evil.example".to_owned()),
            Some(format!("{issuer}/")),
            Some(issuer.to_uppercase()),
            Some(format!(" {issuer}")),
            Some(issuer.replace("127.0.0.1", "localhost")),
        ];
        for (iss, kind) in wrong.iter().flat_map(|iss| [(iss, "code"), (iss, "error")]) {
            let url = stage.consent_url("w1", &json!({})).await;
            let state = param(&url, "state").unwrap();
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query
                .append_pair("state", &state)
                .append_pair(kind, if kind == "code" { "some-code" } else { "access_denied" });
            if let Some(iss) = iss {
                query.append_pair("iss", iss);
            }
            let callback = format!("{}/oauth/callback/harbour-crm?{}", stage.base, query.finish());
            let home = stage.open(&callback).await.location();
            assert_eq!(param(&home, "error").unwrap(), "invalid_state", "{iss:?} beside {kind}");
        }
        assert_eq!(stage.peer.token_calls("authorization_code"), 0);
        stage.secret_id("w1", &json!({})).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promised_issuer_that_is_absent_ends_the_flow() {
    Setup::new()
        .provider(|settings| settings.send_iss = false)
        .each(async |stage| {
            stage.put_crm_app().await;
            let url = stage.consent_url("w1", &json!({})).await;
            let callback = stage.agree(&url, "alice").await;
            let home = stage.open(&callback).await.location();
            assert_eq!(param(&home, "error").unwrap(), "invalid_state");
            assert_eq!(stage.peer.token_calls("authorization_code"), 0);
        })
        .await;
}
