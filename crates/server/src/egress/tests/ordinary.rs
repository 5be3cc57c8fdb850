//! What an ordinary request looks like on the wire, and that nothing around the process changes it.

use super::*;
use http::StatusCode;
use http::header::{self, HeaderValue};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// An answer without content, after which the connection may be used again.
const NOTHING: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn an_ordinary_request() {
    let upstream = Upstream::ok().await;
    let mut request = get(upstream.url("/v1/contacts?a=b%20c&d=%2F"));
    request.headers.insert("x-version", HeaderValue::from_static("2"));
    let response = whole(&egress(), request).await.unwrap();
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.headers.get(header::CONTENT_TYPE).unwrap(), "application/json");
    assert_eq!(&*response.body, b"{\"ok\":true}");

    let seen = upstream.seen().remove(0);
    let (line, head) = seen.split_once("\r\n").unwrap();
    assert_eq!(line, "GET /v1/contacts?a=b%20c&d=%2F HTTP/1.1");
    let mut fields: Vec<_> = head.trim_end().split("\r\n").collect();
    fields.sort_unstable();
    let agent = concat!("user-agent: Keybearer/", env!("CARGO_PKG_VERSION"));
    let host = format!("host: {}", upstream.address);
    assert_eq!(fields, ["accept-encoding: gzip", "accept: */*", &host, agent, "x-version: 2"]);
}

#[tokio::test]
async fn a_body_and_its_length() {
    let upstream = Upstream::ok().await;
    let mut request = get(upstream.url("/"));
    request.method = Method::POST;
    request.body = Bytes::from_static(b"{\"a\":1}");
    request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    whole(&egress(), request).await.unwrap();
    let seen = upstream.seen().remove(0);
    assert!(seen.contains("\r\ncontent-length: 7\r\n") && seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
    assert!(seen.contains("\r\naccept: application/json\r\n") && !seen.contains("*/*"), "{seen}");
}

#[tokio::test]
async fn framing_is_the_senders() {
    let upstream = Upstream::ok().await;
    let mut request = get(upstream.url("/"));
    request.method = Method::POST;
    request.body = Bytes::from_static(b"abc");
    for (name, value) in [
        ("host", "evil.test"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("connection", "close, x-version"),
        ("accept-encoding", "br"),
        ("expect", "100-continue"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("keep-alive", "1"),
        ("x-version", "2"),
    ] {
        request.headers.append(name, HeaderValue::from_static(value));
    }
    whole(&egress(), request).await.unwrap();
    let seen = upstream.seen().remove(0);
    let mut fields: Vec<_> = seen.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    fields.sort_unstable();
    let (agent, host) =
        (concat!("user-agent: Keybearer/", env!("CARGO_PKG_VERSION")), format!("host: {}", upstream.address));
    assert_eq!(
        fields,
        ["accept-encoding: gzip", "accept: */*", "content-length: 3", &host, agent, "x-version: 2"]
    );
}

#[tokio::test]
async fn ranges_are_asked_for_uncompressed() {
    let upstream = Upstream::ok().await;
    let mut request = get(upstream.url("/"));
    request.headers.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    whole(&egress(), request).await.unwrap();
    assert!(upstream.seen().remove(0).contains("\r\naccept-encoding: identity\r\n"));
}

#[tokio::test]
async fn connections_are_kept() {
    let upstream = Upstream::ok().await;
    let egress = egress();
    for _ in 0..5 {
        whole(&egress.clone(), get(upstream.url("/"))).await.unwrap();
    }
    assert_eq!((upstream.seen().len(), upstream.connections()), (5, 1));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced() {
    let (closed, mut notice) = mpsc::unbounded_channel();
    let upstream = Upstream::doing("127.0.0.1:0", move |mut socket| {
        let closed = closed.clone();
        async move {
            socket.write_all(NOTHING).await.ok()?;
            drop(socket);
            closed.send(()).ok();
            None
        }
    })
    .await;
    let egress = egress();
    for _ in 0..5 {
        whole(&egress, Unsigned { method: Method::POST, ..get(upstream.url("/")) }).await.unwrap();
        notice.recv().await.unwrap();
        // The end is in our socket now; the client sees it once the runtime has looked at its sockets.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((upstream.seen().len(), upstream.connections()), (5, 5));
}

/// The connection may have broken while the provider did what it was asked.
#[tokio::test]
async fn a_request_that_arrived_is_not_sent_again() {
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::doing("127.0.0.1:0", move |mut socket| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        async move { if first && socket.write_all(NOTHING).await.is_ok() { Some(socket) } else { None } }
    })
    .await;
    let egress = egress();
    whole(&egress, get(upstream.url("/"))).await.unwrap();
    // Over the kept connection, then over new ones.
    for asked in 2..=4 {
        let request = Unsigned { method: Method::POST, ..get(upstream.url("/")) };
        assert_eq!(whole(&egress, request).await.unwrap_err(), Unreachable::Broken);
        assert_eq!((upstream.seen().len(), upstream.connections()), (asked, asked - 1));
    }
}

/// Proxy variables are read when a client is built, so another process must have them: this test runs
/// [`an_ordinary_request`] again with all of them pointing at a trap.
#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    let trap = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", trap.local_addr().unwrap());
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("{module}::an_ordinary_request"), "--test-threads=1"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &proxy);
    }
    let output =
        tokio::task::spawn_blocking(move || child.env_remove("NO_PROXY").env_remove("no_proxy").output());
    tokio::select! {
        output = output => {
            let output = String::from_utf8(output.unwrap().unwrap().stdout).unwrap();
            assert!(output.contains("1 passed"), "{output}");
        }
        _ = trap.accept() => panic!("the request went to the proxy"),
    }
}
