//! `Idempotency-Key`: a call is done once however often it is sent.

mod create;
mod execute;
mod lost;
mod parallel;

use crate::support::http::Reply;
use crate::support::stage::{Client, Stage};
use http::Method;
use serde_json::{Value, json};

/// An execute with a key.
async fn execute(client: &Client, connector: &str, key: &str, body: &Value) -> Reply {
    post(client, &format!("/integrations/connectors/{connector}/execute"), key, body).await
}

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Reply {
    client.call(Method::POST, path).header("idempotency-key", key).json(body).send().await
}

fn create_item(name: &str) -> Value {
    json!({"entity": "items", "action": "create", "params": {"name": name}})
}

/// Keys that the database holds.
async fn keys(stage: &Stage) -> i64 {
    crate::support::secrets::row_counts(&stage.database).await["idempotency_keys"]
}

#[track_caller]
fn replayed(reply: &Reply) -> bool {
    match reply.header("idempotent-replayed") {
        None => false,
        Some(value) => {
            assert_eq!(value, "true");
            true
        }
    }
}
