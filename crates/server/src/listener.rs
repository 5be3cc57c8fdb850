//! Connections: accepted, bounded in number and in time, and served until the stop.
//!
//! Knows sockets and HTTP/1. Must not know routes. Whoever opens connections and says nothing, or says it slowly, must
//! not keep others out: a head has a deadline, a body has one, and beyond a number of connections new ones wait in the
//! system's queue until one ends.

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::Sleep;
use tokio_util::task::TaskTracker;
use tower::Service;

/// After a failed accept, mostly because there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What a peer may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the head of a request, from the connection's start or the answer before.
    pub header_timeout: Duration,
    /// For the body, from the moment that it is waited for.
    pub body_timeout: Duration,
    /// Connections at once.
    pub max_connections: usize,
}

/// Serves until `stop` is true; then no connection is accepted any more, and this ends when the last answer is written.
pub async fn serve<S>(listener: TcpListener, service: S, limits: Limits, mut stop: watch::Receiver<bool>)
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            } => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            (Ok(place), Ok((stream, peer))) => {
                let connection = connection(stream, peer, service.clone(), limits, stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            (_, Err(error)) if is_peers(&error) => {}
            (_, Err(error)) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The peer went away before it was accepted.
fn is_peers(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    // Where it cannot be set, answers come a little later.
    drop(stream.set_nodelay(true));
    let serve = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(|body| timed(body, limits.body_timeout));
        request.extensions_mut().insert(ConnectInfo(peer));
        // Ready at any time: a service here is a table of routes.
        service.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .serve_connection(TokioIo::new(stream), serve);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = async { drop(stop.wait_for(|stop| *stop).await) } => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended early");
    }
}

/// A request's body; one that is empty needs no deadline.
fn timed(body: Incoming, timeout: Duration) -> Body {
    if HttpBody::is_end_stream(&body) {
        return Body::empty();
    }
    Body::new(Timed { body, timeout, deadline: None })
}

/// A body that must be complete by a deadline.
struct Timed {
    body: Incoming,
    timeout: Duration,
    /// Set when the body is waited for, so that one which is there already costs no timer.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::BoxError::from)));
        }
        let timeout = self.timeout;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err("the body took too long".into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
