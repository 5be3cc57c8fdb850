//! Token refreshes: when a definition allows one, and what is sent.

use crate::support::NOW;
use crate::tiny::{environment, plan};
use bytes::Bytes;
use keybearer_connector::oauth::ClientKeys;
use keybearer_connector::oauth::token::{Renewal, refresh};
use keybearer_connector::plan::SchemeKind;
use secrecy::SecretString;
use serde_json::{Value, json};

const TOKEN: &str = "https://login.example.com/token";

/// URL, `Authorization` and body of a refresh; none where the definition knows none.
fn sent(flows: &Value, style: &Value, secret: &str) -> Option<(String, String, String)> {
    let scheme = json!({"type": "oauth2", "flows": flows, "x-airbyte-token-refresh": style});
    let server = json!({"url": "https://{shop}.example.com", "variables": {"shop": {"default": "none"}}});
    let plan = plan(&json!({
        "servers": [server], "components": {"securitySchemes": {"token": scheme}},
        "paths": {"/things": {"get": crate::tiny::operation("things", "list", &json!({}))}},
    }));
    let SchemeKind::Oauth2(oauth) = &plan.schemes[0].kind else { panic!("an OAuth scheme") };
    oauth.refresh.as_ref()?;
    let (token, secret) = (SecretString::from("r&1"), SecretString::from(secret));
    let renewal = Renewal {
        refresh_token: Some(&token),
        credentials_json: None,
        scopes: &["a".to_owned(), "b".to_owned()],
        now: NOW.parse().unwrap(),
    };
    let keys = ClientKeys { client_id: "id", client_secret: Some(&secret) };
    let sent = refresh(oauth, &renewal, &keys, &environment(&json!({"shop": "s-1"}))).unwrap();
    let (mut url, mut headers, mut body) = (sent.request.url, sent.request.headers, Bytes::new());
    sent.attachment.apply(&mut url, &mut headers, &mut body);
    let header = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    Some((url.to_string(), header.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap()))
}

fn code(more: &Value) -> Value {
    let mut flow =
        json!({"authorizationUrl": "https://login.example.com/a", "tokenUrl": TOKEN, "scopes": {}});
    flow.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"authorizationCode": flow})
}

#[test]
fn where_and_how_the_client_proves_itself() {
    let flows = code(&json!({"refreshUrl": TOKEN}));
    let form = "grant_type=refresh_token&refresh_token=r%261";
    for (style, secret, authorization, body) in [
        (json!({}), "s", "", format!("{form}&client_id=id&client_secret=s")),
        // Sent even where it is empty: some providers ask for the parameter itself.
        (json!({"auth_style": "body"}), "", "", format!("{form}&client_id=id&client_secret=")),
        (json!({"auth_style": "basic"}), "s", "Basic aWQ6cw==", form.to_owned()),
        // A client that does not authenticate still says who it is (RFC 6749 section 3.2.1).
        (json!({"auth_style": "none"}), "s", "", format!("{form}&client_id=id")),
        (
            json!({"auth_style": "basic", "body_format": "json"}),
            "s",
            "Basic aWQ6cw==",
            r#"{"grant_type":"refresh_token","refresh_token":"r&1"}"#.to_owned(),
        ),
        (json!({"grant_type": "client_credentials"}), "s", "", {
            "grant_type=client_credentials&scope=a+b&client_id=id&client_secret=s".to_owned()
        }),
    ] {
        let (url, header, sent) = sent(&flows, &style, secret).unwrap();
        assert_eq!((url.as_str(), header.as_str(), sent), (TOKEN, authorization, body), "{style}");
    }
}

#[test]
fn the_refresh_url_enables_it_and_takes_values() {
    assert_eq!(sent(&code(&json!({})), &json!({}), "s"), None);
    let flows = code(&json!({"refreshUrl": "https://{{shop}}.example.com/{{ client_id }}/token"}));
    assert_eq!(sent(&flows, &json!({}), "s").unwrap().0, "https://s-1.example.com/id/token");
    let machine =
        json!({"clientCredentials": {"tokenUrl": "https://login.example.com/machine", "scopes": {}}});
    let (url, _, body) = sent(&machine, &json!({}), "s").unwrap();
    assert!(url.ends_with("/machine") && body.starts_with("grant_type=client_credentials&"), "{url} {body}");
    // A flow for users counts before it, wherever it stands.
    let mut both = machine.clone();
    both.as_object_mut().unwrap().extend(code(&json!({})).as_object().unwrap().clone());
    assert_eq!(sent(&both, &json!({}), "s"), None);
}
