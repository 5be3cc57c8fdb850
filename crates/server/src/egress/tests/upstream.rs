//! An HTTP/1.1 server that answers with exactly the bytes it is given, and remembers what it was asked.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Upstream {
    /// Gives every request the same bytes and keeps the connection.
    pub(super) async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = Arc::new(answer.into());
        Self::doing("127.0.0.1:0", move |mut socket| {
            let answer = Arc::clone(&answer);
            async move { socket.write_all(&answer).await.is_ok().then_some(socket) }
        })
        .await
    }

    /// Answers 200 with a JSON body.
    pub(super) async fn ok() -> Self {
        Self::saying(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
        )
        .await
    }

    /// Calls `answer` after each request; the socket that comes back is used for the next one.
    pub(super) async fn doing<F, A>(address: &str, answer: F) -> Self
    where
        F: Fn(TcpStream) -> A + Send + Sync + 'static,
        A: Future<Output = Option<TcpStream>> + Send,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let upstream = Self { address, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut socket = Some(socket);
                    while let Some(mut open) = socket.take() {
                        let Some(request) = read_request(&mut open).await else { break };
                        seen.lock().unwrap().push(request);
                        socket = answer(open).await;
                    }
                });
            }
        });
        upstream
    }

    pub(super) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    /// The requests so far: head and body as they came.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// How many connections were opened.
    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// Head and, by Content-Length, body; none when the connection ends.
pub(super) async fn read_request(socket: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = Vec::new();
    loop {
        if socket.read_buf(&mut text).await.ok()? == 0 {
            return None;
        }
        let so_far = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = so_far.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(so_far);
            }
        }
    }
}
