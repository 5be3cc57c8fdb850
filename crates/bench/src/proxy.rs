//! The baseline: what any server must do that takes a POST and answers with what an upstream says.
//!
//! Knows nothing but bytes. No authentication, no parsing, no log.

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::Client;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Listens on a free port of loopback, prints the address, hands on until killed.
pub(crate) async fn serve(upstream: SocketAddr) -> Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the proxy has no egress module; it is the same client without one"
    )]
    let client = Client::builder().no_proxy().build()?;
    let state = Arc::new(Proxy { client, upstream });
    let app = Router::new().route("/execute", post(execute)).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    crate::children::announce(listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}

struct Proxy {
    client: Client,
    upstream: SocketAddr,
}

async fn execute(State(proxy): State<Arc<Proxy>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    match hand_on(&proxy, &query.unwrap_or_default(), &body).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn hand_on(proxy: &Proxy, query: &str, body: &Bytes) -> reqwest::Result<Response> {
    debug_assert!(!body.is_empty(), "the load generator sends the body that it sends to Keybearer");
    let url = format!("http://{}/contacts?{query}", proxy.upstream);
    let request = proxy.client.get(url).header(AUTHORIZATION, "Bearer bench-token-of-an-ordinary-length");
    #[expect(clippy::disallowed_methods, reason = "the baseline sends by itself")]
    let answer = request.send().await?;
    let status = answer.status();
    let kind = answer.headers().get(CONTENT_TYPE).cloned();
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    Ok((status, [(CONTENT_TYPE, kind)], answer.bytes().await?).into_response())
}
