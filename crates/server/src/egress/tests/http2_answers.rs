//! Answers over HTTP/2: what they may weigh, how they are coded, and what becomes of those that end too early.

use super::answers::{GZIP_OK, bomb};
use super::tls_upstream::*;
use super::*;
use h2::Reason;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName};

async fn fetch(
    fields: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
) -> Result<Response, Unreachable> {
    let body = Bytes::from(body);
    let upstream = TlsUpstream::doing(move |_| {
        let (fields, body, trailers) = (fields.clone(), body.clone(), trailers.clone());
        async { answer(fields, body, trailers) }
    })
    .await;
    whole(&upstream.egress(), get(upstream.url("/"))).await
}

fn field(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, value.parse().unwrap())])
}

#[tokio::test]
async fn the_fields_of_an_answer_have_a_limit() {
    // With what HTTP/2 counts beside name and value, 64 fields of a thousand bytes are over 64 kB, 60 are not.
    let with = |count: usize| {
        (0..count)
            .map(|at| (HeaderName::try_from(format!("x-{at}")).unwrap(), "v".repeat(1000).parse().unwrap()))
    };
    let response = fetch(with(60).collect(), b"text".to_vec(), None).await.unwrap();
    assert_eq!((response.headers.len(), &*response.body), (60, &b"text"[..]));
    for count in [64, 1000] {
        assert_eq!(fetch(with(count).collect(), Vec::new(), None).await.unwrap_err(), Unreachable::Broken);
    }
}

#[tokio::test]
async fn bodies_are_decoded_and_trailers_ignored() {
    let trailers = Some(field(HeaderName::from_static("x-checksum"), "abc"));
    for trailers in [None, trailers] {
        let response = fetch(HeaderMap::new(), b"text".to_vec(), trailers.clone()).await.unwrap();
        assert_eq!((response.headers.len(), &*response.body), (0, &b"text"[..]));
        let response = fetch(field(CONTENT_ENCODING, "gzip"), GZIP_OK.to_vec(), trailers).await.unwrap();
        assert_eq!((response.headers.len(), &*response.body), (0, &b"{\"ok\":true}"[..]));
    }
}

#[tokio::test]
async fn the_cap_counts_decoded_bytes() {
    assert_eq!(fetch(HeaderMap::new(), vec![b'x'; 100_000], None).await.unwrap().body.len(), 100_000);
    assert_eq!(fetch(HeaderMap::new(), vec![b'x'; 100_001], None).await.unwrap_err(), Unreachable::TooLarge);
    let error = fetch(field(CONTENT_ENCODING, "gzip"), bomb(50), None).await.unwrap_err();
    assert_eq!(error, Unreachable::TooLarge);
}

/// A server need not read all of a request to refuse it (RFC 9113 section 8.1).
#[tokio::test]
async fn an_answer_may_come_before_the_request_is_read() {
    let upstream = TlsUpstream::framing(END_HEADERS, |_, stream| {
        let not_found = frame(HEADERS, END_HEADERS | END_STREAM, stream, &[0x8d]);
        ([not_found, frame(RST_STREAM, 0, stream, &[0; 4])].concat(), false)
    })
    .await;
    let large = Unsigned { body: vec![b'x'; 1_000_000].into(), ..post(upstream.url("/")) };
    assert_eq!(whole(&upstream.egress(), large).await.unwrap().status, StatusCode::NOT_FOUND);
}

/// 200 with `Content-Length: 100` and less than that, then the end of the stream, without an error or with one.
#[tokio::test]
async fn a_body_that_is_cut_off_is_none() {
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let upstream = TlsUpstream::framing(END_STREAM, move |_, stream| {
            let head = frame(HEADERS, END_HEADERS, stream, b"\x88\x0f\x0d\x03100");
            let reset = frame(RST_STREAM, 0, stream, &u32::from(reason).to_be_bytes());
            ([head, frame(DATA, 0, stream, b"only this"), reset].concat(), false)
        })
        .await;
        let egress = upstream.egress();
        let error = whole(&egress, get(upstream.url("/"))).await.unwrap_err();
        assert_eq!((error, upstream.asked()), (Unreachable::Broken, 1), "{reason:?}");
        let request = Unsigned { stream: true, ..get(upstream.url("/")) };
        let Ok(Received::Streaming { mut body, .. }) = send(&egress, request).await else {
            panic!("no stream")
        };
        let error = loop {
            match body.next_chunk().await {
                Ok(chunk) => assert_eq!(chunk.unwrap(), "only this", "{reason:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error, Unreachable::Broken);
    }
}

/// HEAD tells the length of what GET would give.
#[tokio::test]
async fn the_length_of_what_does_not_come_is_no_matter() {
    let upstream =
        TlsUpstream::doing(|_| async { answer(field(CONTENT_LENGTH, "10000000000"), Bytes::new(), None) })
            .await;
    let head = Unsigned { method: Method::HEAD, ..get(upstream.url("/")) };
    let response = whole(&upstream.egress(), head).await.unwrap();
    assert_eq!((response.headers, response.body), (field(CONTENT_LENGTH, "10000000000"), Bytes::new()));
}
