//! The baseline: what any server must do that takes a POST and answers with what an upstream says.
//!
//! Knows nothing but bytes. No authentication, no parsing, no log.

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::ValueEnum;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The HTTP client that a proxy sends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stack {
    /// reqwest, as most would write it. The proxy that is meant where nothing else is said.
    Reqwest,
    /// hyper-util's client, which reqwest and Keybearer stand on.
    HyperUtil,
}

/// Listens on a free port of loopback, prints the address, hands on until killed.
pub(crate) async fn serve(upstream: SocketAddr, stack: Stack) -> Result<()> {
    let state = Arc::new(Proxy { client: Client::new(stack)?, upstream });
    let app = Router::new().route("/execute", post(execute)).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    crate::children::announce(listener.local_addr()?)?;
    Ok(axum::serve(listener, app).await?)
}

struct Proxy {
    client: Client,
    upstream: SocketAddr,
}

enum Client {
    Reqwest(reqwest::Client),
    HyperUtil(Box<hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>>),
}

const BEARER: &str = "Bearer bench-token-of-an-ordinary-length";

async fn execute(State(proxy): State<Arc<Proxy>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    debug_assert!(!body.is_empty(), "the load generator sends the body that it sends to Keybearer");
    let url = format!("http://{}/contacts?{}", proxy.upstream, query.unwrap_or_default());
    match proxy.client.get(url).await {
        Ok((status, kind, body)) => {
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            (status, [(CONTENT_TYPE, kind)], body).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Stack {
    /// As an argument of the role.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reqwest => "reqwest",
            Self::HyperUtil => "hyper-util",
        }
    }
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "the baseline has no egress module and sends by itself")]
    fn new(stack: Stack) -> Result<Self> {
        Ok(match stack {
            Stack::Reqwest => Self::Reqwest(reqwest::Client::builder().no_proxy().build()?),
            Stack::HyperUtil => {
                let mut tcp = HttpConnector::new();
                tcp.set_nodelay(true);
                let builder = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
                Self::HyperUtil(Box::new(builder.build(tcp)))
            }
        })
    }

    /// Status, content type and body of the answer.
    async fn get(&self, url: String) -> Result<(StatusCode, Option<HeaderValue>, Bytes)> {
        match self {
            Self::Reqwest(client) => {
                let answer = client.get(url).header(AUTHORIZATION, BEARER).send().await?;
                let kind = answer.headers().get(CONTENT_TYPE).cloned();
                Ok((answer.status(), kind, answer.bytes().await?))
            }
            Self::HyperUtil(client) => {
                let request = Request::get(url).header(AUTHORIZATION, BEARER).body(Full::default())?;
                let (head, body) = client.request(request).await?.into_parts();
                let kind = head.headers.get(CONTENT_TYPE).cloned();
                Ok((head.status, kind, body.collect().await?.to_bytes()))
            }
        }
    }
}
