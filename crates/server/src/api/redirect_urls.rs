//! `/organizations/redirect-urls`: where users may be sent back to.
//!
//! Knows the body; the rules are in `core::redirect_urls`.

use super::answer::ok;
use super::body::{Body, Fields};
use super::{Answer, App};
use crate::core::access::Caller;
use crate::core::redirect_urls;
use axum::extract::State;
use serde_json::{Value, json};

/// The list.
pub(super) async fn get(State(app): State<App>, caller: Caller) -> Answer {
    ok(json!({ "data": redirect_urls::list(&app, &caller).await? }))
}

/// Replaces the list.
pub(super) async fn put(State(app): State<App>, caller: Caller, Body(body): Body) -> Answer {
    let mut fields = Fields::of(body);
    let data = match fields.take("data") {
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        }
        Some(_) => None,
        None => {
            fields.wrong("data", "missing", "is required: a list of URLs");
            Some(Vec::new())
        }
    };
    if data.is_none() {
        fields.wrong("data", "invalid_type", "must be a list of URLs");
    }
    fields.finish()?;
    let data = data.unwrap_or_default();
    redirect_urls::replace(&app, &caller, &data).await?;
    ok(json!({ "data": data }))
}
