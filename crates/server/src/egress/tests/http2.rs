//! HTTP/2: what requests look like, and how they share connections.

use super::tls_upstream::{HOST, Then, TlsUpstream, ok, post};
use super::*;
use futures_util::future::join_all;
use http::Version;
use http::header::HeaderValue;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::{Barrier, Notify, mpsc};

/// The fields of a request, in order of their names.
fn fields(headers: &HeaderMap) -> Vec<String> {
    let mut fields: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    fields.sort_unstable();
    fields
}

#[tokio::test]
async fn an_ordinary_request() {
    let upstream = TlsUpstream::doing(|_| async { ok() }).await;
    let (egress, target) = (upstream.egress(), upstream.url("/v1/contacts?a=b%20c&d=%2F"));
    let mut request = get(target.clone());
    request.headers.insert("x-version", HeaderValue::from_static("2"));
    let response = whole(&egress, request).await.unwrap();
    assert_eq!(&*response.body, b"{\"ok\":true}");
    whole(&egress, post(target.clone())).await.unwrap();
    whole(&egress, Unsigned { body: Bytes::new(), ..post(target.clone()) }).await.unwrap();

    let [first, second, third] = &upstream.seen()[..] else { panic!("{:?}", upstream.seen()) };
    assert_eq!((first.method(), first.version()), (&Method::GET, Version::HTTP_2));
    // Made of :scheme, :authority and :path.
    assert_eq!(first.uri(), target.as_str());
    let agent = concat!("user-agent: Keybearer/", env!("CARGO_PKG_VERSION"));
    assert_eq!(fields(first.headers()), ["accept-encoding: gzip", "accept: */*", agent, "x-version: 2"]);
    assert_eq!((second.method(), &**second.body()), (&Method::POST, &b"{\"a\":1}"[..]));
    assert_eq!(
        fields(second.headers()),
        ["accept-encoding: gzip", "accept: */*", "content-length: 7", agent]
    );
    assert_eq!(fields(third.headers()), ["accept-encoding: gzip", "accept: */*", "content-length: 0", agent]);
    assert_eq!(upstream.connections(), 1);
}

/// Fields about the connection make an HTTP/2 message malformed (RFC 9113 section 8.2.2).
#[tokio::test]
async fn framing_is_the_senders() {
    let upstream = TlsUpstream::doing(|_| async { ok() }).await;
    let mut request = post(upstream.url("/"));
    for (name, value) in [
        ("host", "evil.test"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("connection", "close, x-version"),
        ("te", "trailers"),
        ("upgrade", "h2c"),
        ("keep-alive", "1"),
        ("proxy-connection", "keep-alive"),
        ("http2-settings", "AAMAAABkAAQAAP__"),
    ] {
        request.headers.append(name, HeaderValue::from_static(value));
    }
    whole(&upstream.egress(), request).await.unwrap();
    let seen = upstream.seen().remove(0);
    let agent = concat!("user-agent: Keybearer/", env!("CARGO_PKG_VERSION"));
    assert_eq!(fields(seen.headers()), ["accept-encoding: gzip", "accept: */*", "content-length: 7", agent]);
    assert_eq!(seen.uri().authority().unwrap().as_str(), format!("{HOST}:{}", upstream.port));
}

/// Nothing is known about the server yet, so several connections are opened; one of them wins.
#[tokio::test]
async fn a_burst_at_the_start_is_answered() {
    const MANY: usize = 16;
    let upstream = TlsUpstream::doing(|_| async { ok() }).await;
    let egress = upstream.egress();
    let answers = join_all((0..MANY).map(|_| whole(&egress, post(upstream.url("/"))))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(upstream.seen().len(), MANY);
}

/// None is answered before all are there.
#[tokio::test]
async fn requests_at_the_same_time_share_a_connection() {
    const MANY: usize = 64;
    let barrier = Arc::new(Barrier::new(MANY));
    let upstream = TlsUpstream::doing(move |number| {
        let barrier = Arc::clone(&barrier);
        async move {
            if number > 0 {
                barrier.wait().await;
            }
            ok()
        }
    })
    .await;
    let egress = upstream.egress();
    // Only then is it known that the server speaks HTTP/2.
    whole(&egress, get(upstream.url("/first"))).await.unwrap();
    let answers = join_all((0..MANY).map(|_| whole(&egress, post(upstream.url("/"))))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((upstream.seen().len(), upstream.connections()), (MANY + 1, 1));
}

/// Who stops waiting gives up the request and not the connection, which others use.
#[tokio::test]
async fn a_dropped_request_leaves_the_connection() {
    let (arrived, mut notice) = mpsc::unbounded_channel();
    let upstream = TlsUpstream::doing(move |number| {
        let arrived = arrived.clone();
        async move {
            if number == 1 {
                arrived.send(()).unwrap();
                pending::<()>().await;
            }
            ok()
        }
    })
    .await;
    let egress = upstream.egress();
    whole(&egress, get(upstream.url("/"))).await.unwrap();
    tokio::select! {
        _ = whole(&egress, get(upstream.url("/"))) => panic!("nobody answered"),
        _ = notice.recv() => {}
    }
    whole(&egress, get(upstream.url("/"))).await.unwrap();
    assert_eq!((upstream.seen().len(), upstream.connections()), (3, 1));
}

/// Who has all bytes and does not wait for the end resets the stream, and providers close connections with many resets.
#[tokio::test]
async fn the_end_of_a_body_is_waited_for() {
    let end = Arc::new(Notify::new());
    let later = Arc::clone(&end);
    let upstream = TlsUpstream::doing(move |number| {
        let later = Arc::clone(&later);
        async move { if number == 1 { Then::EndLater(Bytes::from_static(b"all"), later) } else { ok() } }
    })
    .await;
    let egress = upstream.egress();
    whole(&egress, get(upstream.url("/"))).await.unwrap();
    let mut slow = pin!(whole(&egress, get(upstream.url("/"))));
    let others = async {
        while upstream.seen().len() < 2 {
            tokio::task::yield_now().await;
        }
        // Frames come in order: when the second of these is answered, the body of the slow one is long there.
        for _ in 0..2 {
            whole(&egress, get(upstream.url("/"))).await.unwrap();
        }
    };
    tokio::select! { _ = &mut slow => panic!("there was no end"), () = others => {} }
    end.notify_one();
    assert_eq!(&*slow.await.unwrap().body, b"all");
}
