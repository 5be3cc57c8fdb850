//! The organization's list of redirect URLs.
//!
//! Documentation only; see the module above.

use utoipa::ToSchema;

/// The new list; it replaces the old one.
#[derive(ToSchema)]
#[schema(examples(json!({"data": ["https://app.example.com/callback", "http://localhost:3000/callback"]})))]
pub(crate) struct RedirectUrlsRequest {
    /// Absolute URLs, each of at most 2048 bytes: https, or http on loopback; no user name, fragment, backslash or
    /// control character. Empty: every acceptable URL is allowed.
    #[schema(max_items = 100)]
    data: Vec<String>,
}

/// Where users may be sent back to.
#[derive(ToSchema)]
#[schema(examples(json!({"data": ["https://app.example.com/callback", "http://localhost:3000/callback"]})))]
pub(crate) struct RedirectUrls {
    /// Scheme, host, port and path of a `redirect_url` must equal one of these; its query is free. Empty: every
    /// acceptable URL is allowed.
    data: Vec<String>,
}
