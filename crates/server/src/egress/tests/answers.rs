//! Answers that are too big, too slow, broken or oddly encoded.

use super::*;
use http::StatusCode;
use http::header;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// `{"ok":true}`, compressed.
pub(super) const GZIP_OK: [u8; 31] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 207, 86, 178, 42, 41, 42, 77, 173, 5, 0, 144, 95, 212,
    167, 11, 0, 0, 0,
];

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

async fn fetch(answer: Vec<u8>) -> Result<Response, Unreachable> {
    let upstream = Upstream::saying(answer).await;
    whole(&egress(), get(upstream.url("/"))).await
}

/// A gzip member of zeros, with Huffman codes of the fixed table (RFC 1951 section 3.2.6): 13 bits for 258 of them.
pub(super) fn bomb(megabytes: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false]; // last block, fixed table
    bits.extend([false, false, true, true, false, false, false, false]); // literal 0
    for _ in 0..megabytes * 1_000_000 / 258 {
        bits.extend([true, true, false, false, false, true, false, true]); // length 258
        bits.extend([false; 5]); // distance 1
    }
    let bytes = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    [&[31, 139, 8, 0, 0, 0, 0, 0, 2, 255][..], &bytes.collect::<Vec<_>>()].concat()
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in [200, 201, 301, 400, 401, 404, 418, 429, 500, 503, 599] {
        let response = fetch(answer(&format!("{status} X"), b"text")).await.unwrap();
        assert_eq!((response.status.as_u16(), &*response.body), (status, &b"text"[..]));
    }
}

#[tokio::test]
async fn one_coding_is_decoded() {
    let response = fetch(answer("200 OK\r\nContent-Encoding: gzip", &GZIP_OK)).await.unwrap();
    assert_eq!(&*response.body, b"{\"ok\":true}");
    assert!(!response.headers.contains_key(header::CONTENT_ENCODING));
    for name in ["GZIP", "x-gzip"] {
        let response = fetch(answer(&format!("200 OK\r\nContent-Encoding: {name}"), &GZIP_OK)).await.unwrap();
        assert_eq!(&*response.body, b"{\"ok\":true}");
    }
    for untouched in ["gzip, gzip", "br", "identity"] {
        let response =
            fetch(answer(&format!("200 OK\r\nContent-Encoding: {untouched}"), &GZIP_OK)).await.unwrap();
        assert_eq!(&*response.body, GZIP_OK);
        assert_eq!(response.headers.get(header::CONTENT_ENCODING).unwrap(), untouched);
    }
}

#[tokio::test]
async fn a_compressed_body_is_taken_to_its_end() {
    let gzip = |body: Vec<u8>| fetch(answer("200 OK\r\nContent-Encoding: gzip", &body));
    let two = [GZIP_OK, GZIP_OK].concat();
    assert_eq!(&*gzip(two).await.unwrap().body, b"{\"ok\":true}{\"ok\":true}");
    for broken in [GZIP_OK[..20].to_vec(), GZIP_OK[..30].to_vec(), [&GZIP_OK[..], b"and more"].concat()] {
        assert_eq!(gzip(broken).await.unwrap_err(), Unreachable::Broken);
    }
    assert!(gzip(Vec::new()).await.unwrap().body.is_empty());
}

#[tokio::test]
async fn answers_without_content_may_name_a_coding() {
    for head in ["204 No Content\r\nContent-Encoding: gzip", "304 Not Modified\r\nContent-Encoding: gzip"] {
        let upstream = Upstream::saying(format!("HTTP/1.1 {head}\r\n\r\n")).await;
        assert!(whole(&egress(), get(upstream.url("/"))).await.unwrap().body.is_empty());
    }
    let upstream =
        Upstream::saying("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 31\r\n\r\n").await;
    let head = Unsigned { method: Method::HEAD, ..get(upstream.url("/")) };
    assert!(whole(&egress(), head).await.unwrap().body.is_empty());
}

#[tokio::test]
async fn the_cap_counts_bytes() {
    let exact = vec![b'x'; 100_000];
    assert_eq!(fetch(answer("200 OK", &exact)).await.unwrap().body.len(), 100_000);
    let over = vec![b'x'; 100_001];
    assert_eq!(fetch(answer("200 OK", &over)).await.unwrap_err(), Unreachable::TooLarge);
    let lied = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nx".to_vec();
    assert_eq!(fetch(lied).await.unwrap_err(), Unreachable::TooLarge);
}

#[tokio::test]
async fn the_cap_counts_decoded_bytes() {
    let bomb = bomb(50);
    assert!(bomb.len() < 400_000);
    let error = fetch(answer("200 OK\r\nContent-Encoding: gzip", &bomb)).await.unwrap_err();
    assert_eq!(error, Unreachable::TooLarge);
}

/// An endless body is cut off, and the upstream notices: the connection is gone.
#[tokio::test]
async fn an_endless_body() {
    let (gone, mut notice) = mpsc::unbounded_channel();
    let upstream = Upstream::doing("127.0.0.1:0", move |mut socket| {
        let gone = gone.clone();
        async move {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            socket.write_all(head).await.ok()?;
            while socket.write_all(b"4\r\nmore\r\n").await.is_ok() {}
            gone.send(()).ok();
            None
        }
    })
    .await;
    let egress = egress();
    assert_eq!(send(&egress, get(upstream.url("/"))).await.unwrap_err(), Unreachable::TooLarge);
    notice.recv().await.unwrap();
    let streamed = Unsigned { stream: true, ..get(upstream.url("/")) };
    let Ok(Received::Streaming { mut body, .. }) = send(&egress, streamed).await else { panic!("no stream") };
    let mut length = 0;
    let error = loop {
        match body.next_chunk().await {
            Ok(chunk) => length += chunk.unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(error == Unreachable::TooLarge && length <= 100_000);
    drop(body);
    notice.recv().await.unwrap();
}

/// Sends `first`, then one byte now and then until the other side is gone.
async fn dripping(first: &'static str) -> (Upstream, mpsc::UnboundedReceiver<()>) {
    let (gone, notice) = mpsc::unbounded_channel();
    let upstream = Upstream::doing("127.0.0.1:0", move |mut socket| {
        let gone = gone.clone();
        async move {
            socket.write_all(first.as_bytes()).await.ok()?;
            let (mut read, mut write) = socket.into_split();
            let mut end = [0; 1];
            let dripped = async {
                while write.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! { () = dripped => {}, _ = read.read(&mut end) => {} }
            gone.send(()).ok();
            None
        }
    })
    .await;
    (upstream, notice)
}

#[tokio::test]
async fn slow_answers_end_in_time_and_free_their_connection() {
    let quick = Limits { timeout: Duration::from_millis(200), ..limits(&["127.0.0.0/8"]) };
    let egress = Egress::new(quick).unwrap();
    for first in ["", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"] {
        let (upstream, mut gone) = dripping(first).await;
        let error = send(&egress, get(upstream.url("/"))).await.unwrap_err();
        assert!(error == Unreachable::TimedOut || first.is_empty(), "{first} {error:?}");
        gone.recv().await.unwrap();
    }
    // The budget of the call counts as well.
    let (upstream, mut gone) = dripping("HTTP/1.1 200 OK\r\nX: ").await;
    let patient = self::egress();
    let signed =
        patient.admit(get(upstream.url("/")), &Reach::only(&upstream.url("/"))).unwrap().unauthenticated();
    let error = patient.send(signed, Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error, Unreachable::TimedOut);
    gone.recv().await.unwrap();
}

#[tokio::test]
async fn a_silent_or_endlessly_dripping_stream_ends() {
    let quick = Limits { timeout: Duration::from_millis(100), ..limits(&["127.0.0.0/8"]) };
    let egress = Egress::new(quick).unwrap();
    let (drip, mut gone) = dripping("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").await;
    let silent = Upstream::saying("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nx").await;
    for upstream in [&drip, &silent] {
        let request = Unsigned { stream: true, ..get(upstream.url("/")) };
        let Ok(Received::Streaming { mut body, .. }) = send(&egress, request).await else {
            panic!("no stream")
        };
        let error = loop {
            if let Err(error) = body.next_chunk().await {
                break error;
            }
        };
        assert_eq!(error, Unreachable::TimedOut);
    }
    gone.recv().await.unwrap();
}

#[tokio::test]
async fn only_good_answers_stream() {
    let egress = egress();
    for (status, streams) in [(200, true), (206, true), (302, false), (404, false), (500, false)] {
        let upstream = Upstream::saying(answer(&format!("{status} X\r\nX-A: b"), b"bytes")).await;
        let request = Unsigned { stream: true, ..get(upstream.url("/")) };
        match send(&egress, request).await.unwrap() {
            Received::Whole(response) => assert!(!streams && &*response.body == b"bytes"),
            Received::Streaming { status: head, headers, mut body } => {
                assert!(streams && head.as_u16() == status && headers.get("x-a").unwrap() == "b");
                assert_eq!(body.next_chunk().await.unwrap().unwrap(), "bytes");
                assert_eq!(body.next_chunk().await.unwrap(), None);
            }
        }
    }
}

#[tokio::test]
async fn the_ways_to_get_no_answer() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
    for broken in ["", "HTTP/1.1 200 OK\r\nX", "nonsense\r\n\r\n", cut] {
        let upstream = Upstream::doing("127.0.0.1:0", move |mut socket| async move {
            socket.write_all(broken.as_bytes()).await.ok();
            None
        })
        .await;
        assert_eq!(
            send(&egress(), get(upstream.url("/"))).await.unwrap_err(),
            Unreachable::Broken,
            "{broken}"
        );
    }
    let garbled = answer("200 OK\r\nContent-Encoding: gzip", b"no gzip at all");
    assert_eq!(fetch(garbled).await.unwrap_err(), Unreachable::Broken);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = url(&format!("http://{}/", listener.local_addr().unwrap()));
    drop(listener);
    assert_eq!(send(&egress(), get(closed)).await.unwrap_err(), Unreachable::Connect);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let no_tls = url(&format!("https://{}/", listener.local_addr().unwrap()));
    tokio::spawn(
        async move { listener.accept().await.unwrap().0.write_all(b"HTTP/1.1 400 X\r\n\r\n").await },
    );
    assert_eq!(send(&egress(), get(no_tls)).await.unwrap_err(), Unreachable::Connect);

    let unknown = Egress::with_resolver(limits(&["127.0.0.0/8"]), Names::new(&[&[]])).unwrap();
    assert_eq!(send(&unknown, get(url("https://nowhere.test/"))).await.unwrap_err(), Unreachable::Connect);
}

#[tokio::test]
async fn odd_lengths_are_refused() {
    for odd in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        assert_eq!(fetch(odd.into()).await.unwrap_err(), Unreachable::Broken, "{odd}");
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X-A: b\r\n".repeat(200));
    assert_eq!(fetch(many.into()).await.unwrap_err(), Unreachable::Broken);
    assert_eq!(fetch(answer("200 OK", b"")).await.unwrap().status, StatusCode::OK);
}
