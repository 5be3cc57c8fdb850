//! `/organizations/redirect-urls`: where users may be sent back to.
//!
//! Knows the body; the rules are in `core::redirect_urls`.

use super::answer::ok;
use super::body::{Body, Fields};
use super::{Answer, App, schema};
use crate::core::access::Caller;
use crate::core::redirect_urls;
use axum::extract::State;
use serde_json::{Value, json};

/// Read the list of redirect URLs
#[utoipa::path(
    get,
    path = "/api/v1/organizations/redirect-urls",
    tag = "Redirect URLs",
    operation_id = "getRedirectUrls",
    responses(
        (status = 200, description = "The list.", body = schema::redirect_urls::RedirectUrls),
    ),
)]
pub(super) async fn get(State(app): State<App>, caller: Caller) -> Answer {
    ok(json!({ "data": redirect_urls::list(&app, &caller).await? }))
}

/// Replace the list of redirect URLs
///
/// Once the list has an entry, users are sent back to listed URLs only.
#[utoipa::path(
    put,
    path = "/api/v1/organizations/redirect-urls",
    tag = "Redirect URLs",
    operation_id = "putRedirectUrls",
    request_body = schema::redirect_urls::RedirectUrlsRequest,
    responses(
        (status = 200, description = "The new list.", body = schema::redirect_urls::RedirectUrls),
    ),
    extensions(("x-keybearer-errors" = json!(["invalid"]))),
)]
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
