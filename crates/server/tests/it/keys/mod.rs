//! Data keys that come while servers run, and bearer tokens of the one before.

use crate::support::stage::{Stage, each};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use keybearer::core::keys;
use keybearer::store::KeyRow;
use keybearer::vault::{Keyring, SigningKey};
use secrecy::ExposeSecret;
use serde_json::json;

/// Stores a newer data key, as another process does; its id.
async fn new_key(stage: &Stage) -> String {
    let masters = stage.deps.keyring.source().read().unwrap();
    let now = stage.clock.now_ms();
    let key = Keyring::new_key(&masters, &stage.deps.random, now).unwrap();
    let row = KeyRow { id: key.id.clone(), wrapped: key.wrapped, created_at: now };
    stage.database.store.insert_key(&row, now).await.unwrap();
    key.id
}

/// An application token that somebody who has that key signs, good for ten days.
fn forged(stage: &Stage, signing: &SigningKey) -> String {
    let now = stage.clock.now_ms() / 1000;
    let claims = json!({
        "iss": "keybearer", "sub": stage.organization.credential_id, "org": stage.organization.id, "typ": "application",
        "iat": now, "exp": now + 10 * 24 * 3600, "jti": "x",
    });
    let header = Header { kid: Some(signing.id.clone()), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(signing.key.expose_secret());
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_key_signs_nothing_that_counts_for_longer_than_a_token_lives() {
    each(async |stage| {
        let old = stage.deps.keyring.signing_key().unwrap();
        stage.advance(1);
        new_key(stage).await;
        keys::reload(&stage.deps).await.unwrap();
        let newest = stage.deps.keyring.signing_key().unwrap();
        assert_ne!(old.id, newest.id);
        let (by_old, by_newest) = (forged(stage, &old), forged(stage, &newest));
        // Tokens from before the exchange go on.
        stage.app.get("/integrations/connectors").await.ok();
        stage.as_bearer(&by_old).get("/integrations/connectors").await.ok();
        stage.advance(20 * 60);
        stage.deps.tokens.forget_all();
        stage.as_bearer(&by_old).get("/integrations/connectors").await.ok();
        stage.advance(60);
        stage.deps.tokens.forget_all();
        stage.as_bearer(&by_old).get("/integrations/connectors").await.fails(401, "unauthorized");
        stage.as_bearer(&by_newest).get("/integrations/connectors").await.ok();
        // The right key under another id, an unknown id, and none.
        for id in [newest.id.as_str(), "0badc0de", "", "no id"] {
            let other = SigningKey { id: id.to_owned(), key: old.key.clone(), superseded_at: None };
            let bearer = forged(stage, &other);
            stage.as_bearer(&bearer).get("/integrations/connectors").await.fails(401, "unauthorized");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_process_stored_is_taken_up_when_it_is_met() {
    each(async |stage| {
        let second = stage.replica().await;
        stage.upstream.says(json!({"items": []}));
        stage.advance(1);
        let id = new_key(stage).await;
        // This process has heard of it; the other reads no feed here and meets it in a token and in a row.
        keys::reload(&stage.deps).await.unwrap();
        assert_eq!(stage.deps.keyring.newest(), id);
        let connector = stage.bench("w1").await;
        let token = stage.sign_in(&stage.organization).await.token;
        let client = crate::support::stage::Client { token, ..second.app.clone() };
        client.get("/integrations/connectors").await.ok();
        let path = format!("/integrations/connectors/{connector}/execute");
        client.post(&path, &json!({"entity": "items", "action": "list"})).await.ok();
        second.app.post(&path, &json!({"entity": "items", "action": "list"})).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_up_from_the_feed() {
    each(async |stage| {
        stage.start_jobs().await;
        let id = new_key(stage).await;
        stage.advance(1);
        let newer = new_key(stage).await;
        stage.until("the newest key seals", async || stage.deps.keyring.newest() == newer).await;
        assert!(stage.deps.keyring.signing_key_of(&id).unwrap().superseded_at.is_some());
    })
    .await;
}
