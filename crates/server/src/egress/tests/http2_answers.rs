//! Answers over HTTP/2: what they may weigh and how they are coded.

use super::answers::{GZIP_OK, bomb};
use super::tls_upstream::*;
use super::*;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderName};

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
