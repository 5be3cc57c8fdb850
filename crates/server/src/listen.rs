//! The listening socket: how many connections there may be, and how long one may stand still.
//!
//! Knows bytes that come and go, and where the first request's head ends. Must not know anything else of HTTP.
//! Without it, whoever opens connections and sends nothing, or a byte now and then, holds them for good.

use axum::serve::Listener;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// Connections that are open at the same time; the next ones wait in the system's queue.
const CONNECTIONS: usize = 10_000;
/// From a new connection to the end of its first request's head.
const FIRST_HEAD: Duration = Duration::from_secs(10);
/// Longer than proxies keep idle connections to what stands behind them (60 to 75 s), so that the proxy closes first.
const STANDSTILL: Duration = Duration::from_secs(120);

/// What one connection may take.
#[derive(Clone, Copy)]
struct Bounds {
    first_head: Duration,
    standstill: Duration,
}

/// A listener whose connections are counted and end when they stand still.
pub struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    bounds: Bounds,
}

impl Bounded {
    /// `longest` is what a handler may take before its first byte of answer.
    pub fn new(listener: TcpListener, longest: Duration) -> Self {
        let bounds = Bounds { first_head: FIRST_HEAD, standstill: STANDSTILL + longest };
        Self { listener, places: Arc::new(Semaphore::new(CONNECTIONS)), bounds }
    }
}

impl Listener for Bounded {
    type Io = Watched<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        // Nobody closes the semaphore; without a place the connection would just not be counted.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (Watched::new(stream, place, self.bounds), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends with an error when it stands still.
pub struct Watched<I> {
    io: I,
    _place: Option<OwnedSemaphorePermit>,
    bounds: Bounds,
    /// The first request's head has not ended: line ends in a row so far.
    head: Option<u8>,
    /// Bytes have come since the last one went.
    receiving: bool,
    /// The last byte that went, or the first one that came after it: a request that drips in gains no time by each drop.
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<I> Watched<I> {
    fn new(io: I, place: Option<OwnedSemaphorePermit>, bounds: Bounds) -> Self {
        let since = Instant::now();
        let timer = Box::pin(sleep_until(since + bounds.first_head));
        Self { io, _place: place, bounds, head: Some(0), receiving: false, since, timer }
    }

    fn received(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let Some(line_ends) = &mut self.head {
            for byte in bytes {
                match byte {
                    b'\n' => *line_ends += 1,
                    b'\r' => {}
                    _ => *line_ends = 0,
                }
                if *line_ends == 2 {
                    self.head = None;
                    self.since = Instant::now();
                    break;
                }
            }
        } else if !self.receiving {
            self.since = Instant::now();
        }
        self.receiving = true;
    }

    fn sent(&mut self, result: &Poll<io::Result<usize>>) {
        if matches!(result, Poll::Ready(Ok(1..))) {
            self.receiving = false;
            self.since = Instant::now();
        }
    }

    /// Nothing moves: ready with an error when that has gone on for too long.
    fn waited(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let allowed = if self.head.is_some() { self.bounds.first_head } else { self.bounds.standstill };
        let due = self.since + allowed;
        loop {
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            match self.timer.as_mut().poll(context) {
                Poll::Ready(()) if Instant::now() >= due => {
                    return Poll::Ready(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "the connection stood still",
                    ));
                }
                Poll::Ready(()) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.io).poll_read(context, buffer) {
            Poll::Pending => self.waited(context).map(Err),
            ready => {
                self.received(buffer.filled().get(before..).unwrap_or_default());
                ready
            }
        }
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(context, bytes);
        self.sent(&result);
        if result.is_pending() { self.waited(context).map(Err) } else { result }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.sent(&result);
        if result.is_pending() { self.waited(context).map(Err) } else { result }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const SOON: Duration = Duration::from_millis(150);
    const NEVER: Duration = Duration::from_secs(3600);

    fn pair(first_head: Duration, standstill: Duration) -> (DuplexStream, Watched<DuplexStream>) {
        let (client, server) = duplex(64);
        (client, Watched::new(server, None, Bounds { first_head, standstill }))
    }

    /// Reads until the connection ends: how it ended.
    async fn end_of(mut io: Watched<DuplexStream>) -> io::Result<()> {
        let mut buffer = [0; 16];
        while io.read(&mut buffer).await? > 0 {}
        Ok(())
    }

    /// Sends `first`, then one byte again and again, as long as somebody listens.
    async fn drip(mut client: DuplexStream, first: &[u8]) {
        let mut result = client.write_all(first).await;
        while result.is_ok() {
            tokio::time::sleep(SOON / 10).await;
            result = client.write_all(b"x").await;
        }
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_or_drips_in_ends_the_connection() {
        for first in [&b""[..], b"G", b"GET / HTTP/1.1\r\nX: ", b"\r\nGET"] {
            let (client, server) = pair(SOON, NEVER);
            let dripping = tokio::spawn(drip(client, first));
            assert_eq!(end_of(server).await.unwrap_err().kind(), io::ErrorKind::TimedOut, "{first:?}");
            dripping.await.unwrap();
        }
        let (_silent, server) = pair(SOON, NEVER);
        assert_eq!(end_of(server).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_request_that_drips_in_gains_no_time() {
        let (client, server) = pair(NEVER, SOON);
        let dripping = tokio::spawn(drip(client, HEAD));
        assert_eq!(end_of(server).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        dripping.await.unwrap();
        // Nor does a second request, after an answer to the first.
        let (mut client, mut server) = pair(NEVER, SOON);
        client.write_all(HEAD).await.unwrap();
        server.read_exact(&mut [0; HEAD.len()]).await.unwrap();
        server.write_all(b"answer").await.unwrap();
        let dripping = tokio::spawn(drip(client, b"GET"));
        assert_eq!(end_of(server).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        dripping.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_ends_the_connection() {
        let (mut client, mut server) = pair(NEVER, SOON);
        client.write_all(HEAD).await.unwrap();
        server.read_exact(&mut [0; HEAD.len()]).await.unwrap();
        let error = server.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_moves_lives_on() {
        // Three times as long as either bound in all, and never that long without a byte.
        let (mut client, mut server) = pair(SOON * 4, SOON * 4);
        for _ in 0..3 {
            client.write_all(HEAD).await.unwrap();
            server.read_exact(&mut [0; HEAD.len()]).await.unwrap();
            for _ in 0..4 {
                tokio::time::sleep(SOON).await;
                server.write_all(b"part").await.unwrap();
                client.read_exact(&mut [0; 4]).await.unwrap();
            }
        }
        drop(client);
        end_of(server).await.unwrap();
    }

    #[tokio::test]
    async fn so_many_are_open_and_the_next_one_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut bounded = Bounded::new(listener, Duration::ZERO);
        bounded.places = Arc::new(Semaphore::new(1));
        let address = bounded.local_addr().unwrap();
        let _clients =
            [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        let (first, _) = bounded.accept().await;
        assert!(tokio::time::timeout(Duration::from_millis(100), bounded.accept()).await.is_err());
        drop(first);
        bounded.accept().await;
    }
}
