//! The HTTP clients: how connections are made, kept and given up.
//!
//! Knows hyper, TLS and sockets. Must not know what is asked, or what an answer may weigh.

use super::resolve::Gate;
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

/// The client for `http`: HTTP/1.1.
pub(super) type Plain = Client<Within<HttpConnector<Gate>>, Full<Bytes>>;
/// The client for `https`: HTTP/2 where the provider agrees to it (ALPN), else HTTP/1.1.
pub(super) type Secure = Client<Within<HttpsConnector<HttpConnector<Gate>>>, Full<Bytes>>;

/// More idle connections than this to one host are closed.
const IDLE_PER_HOST: usize = 256;
/// Shorter than the idle timeouts of common load balancers (60 s and up), so that we are the side that closes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// A ping that finds dead HTTP/2 connections while requests wait on them.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long such a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// All header fields of an HTTP/2 answer together, in bytes. HTTP/1.1 has the client's own limit (100 fields, 400 kB).
const HEADER_BYTES: u32 = 64 * 1024;
/// A silent connection is probed after this time, and again after it.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// So many unanswered probes end it.
const KEEPALIVE_PROBES: u32 = 3;
/// Sent data that is not acknowledged for so long ends the connection (tcp(7), `TCP_USER_TIMEOUT`).
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// TLS 1.2 and 1.3 with the roots that the system trusts. Fails where it has none.
pub(super) fn tls() -> Result<ClientConfig, rustls::Error> {
    use hyper_rustls::ConfigBuilderExt;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.try_with_platform_verifier()?.with_no_client_auth())
}

pub(super) fn secure(gate: Gate, tls: ClientConfig, connect_timeout: Duration) -> Secure {
    let mut tcp = tcp(gate, connect_timeout);
    // The connector around it speaks TLS, and with `https_only` nothing else.
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_all_versions()
        .wrap_connector(tcp);
    build(connector, connect_timeout)
}

pub(super) fn plain(gate: Gate, connect_timeout: Duration) -> Plain {
    build(tcp(gate, connect_timeout), connect_timeout)
}

fn tcp(gate: Gate, connect_timeout: Duration) -> HttpConnector<Gate> {
    let mut tcp = HttpConnector::new_with_resolver(gate);
    tcp.set_nodelay(true);
    // Several addresses share this time, so that one that is silent leaves some to the others.
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(KEEPALIVE));
    tcp.set_keepalive_retries(Some(KEEPALIVE_PROBES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    tcp
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that builds clients")]
fn build<C>(connector: C, time: Duration) -> Client<Within<C>, Full<Bytes>>
where
    Within<C>: Connect + Clone,
{
    let mut builder: Builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT);
    builder.build(Within { connector, time })
}

/// A connector whose whole work, name lookup, TCP and TLS, has a time limit.
#[derive(Clone)]
pub(super) struct Within<C> {
    connector: C,
    time: Duration,
}

type Cause = Box<dyn Error + Send + Sync>;

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri, Error: Into<Cause>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.time, self.connector.call(target));
        Box::pin(async { connecting.await?.map_err(Into::into) })
    }
}
