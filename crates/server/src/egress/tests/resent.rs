//! Which requests go out anew over HTTP/2: those that the server says it did nothing with, and no others.

use super::tls_upstream::*;
use super::*;
use h2::Reason;

#[tokio::test]
async fn a_refused_request_goes_out_anew() {
    for refusals in 1..=2 {
        let upstream = TlsUpstream::doing(move |number| async move {
            if number < refusals { Then::Reset(Reason::REFUSED_STREAM) } else { ok() }
        })
        .await;
        let response = whole(&upstream.egress(), post(upstream.url("/p?q"))).await.unwrap();
        assert_eq!(&*response.body, b"{\"ok\":true}");
        let seen = upstream.seen();
        assert_eq!(seen.len(), refusals + 1);
        for again in &seen {
            assert_eq!((again.method(), again.uri()), (seen[0].method(), seen[0].uri()));
            assert_eq!((again.headers(), &**again.body()), (seen[0].headers(), &b"{\"a\":1}"[..]));
        }
    }
}

#[tokio::test]
async fn refusals_come_to_an_end() {
    let upstream = TlsUpstream::doing(|_| async { Then::Reset(Reason::REFUSED_STREAM) }).await;
    let error = whole(&upstream.egress(), post(upstream.url("/"))).await.unwrap_err();
    assert_eq!((error, upstream.seen().len()), (Unreachable::Broken, 3));
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_not_sent_again() {
    for reason in [Some(Reason::INTERNAL_ERROR), Some(Reason::CANCEL), Some(Reason::NO_ERROR), None] {
        for kept in [false, true] {
            let upstream = TlsUpstream::doing(move |number| async move {
                if kept && number == 0 { ok() } else { reason.map_or(Then::Cut, Then::Reset) }
            })
            .await;
            let egress = upstream.egress();
            if kept {
                whole(&egress, get(upstream.url("/"))).await.unwrap();
            }
            for request in [post(upstream.url("/")), get(upstream.url("/"))] {
                let before = upstream.seen().len();
                let error = whole(&egress, request).await.unwrap_err();
                assert_eq!((error, upstream.seen().len()), (Unreachable::Broken, before + 1), "{reason:?}");
            }
        }
    }
}

/// A GOAWAY frame without an error.
fn goodbye(last_stream: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last_stream.to_be_bytes(), [0; 4]].concat())
}

/// 200 without content.
fn empty(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &[0x88])
}

/// A server that shuts down says which requests it will not look at; they go to the next one.
#[tokio::test]
async fn a_request_behind_a_goaway_goes_out_anew() {
    for closes in [false, true] {
        let upstream = TlsUpstream::framing(END_STREAM, move |number, stream| {
            if number == 1 { (goodbye(stream - 2), closes) } else { (empty(stream), false) }
        })
        .await;
        let egress = upstream.egress();
        for _ in 0..3 {
            whole(&egress, post(upstream.url("/"))).await.unwrap();
        }
        assert_eq!((upstream.asked(), upstream.connections()), (4, 2));

        let upstream = TlsUpstream::framing(END_STREAM, move |_, _| (goodbye(0), closes)).await;
        let error = whole(&upstream.egress(), post(upstream.url("/"))).await.unwrap_err();
        assert_eq!((error, upstream.asked(), upstream.connections()), (Unreachable::Broken, 3, 3));
    }
}

/// One that the server still takes care of is answered, or lost with the connection.
#[tokio::test]
async fn a_request_before_a_goaway_is_not_sent_again() {
    let upstream =
        TlsUpstream::framing(END_STREAM, |_, stream| ([goodbye(stream), empty(stream)].concat(), true)).await;
    whole(&upstream.egress(), post(upstream.url("/"))).await.unwrap();
    assert_eq!(upstream.asked(), 1);

    let upstream = TlsUpstream::framing(END_STREAM, |_, stream| (goodbye(stream), true)).await;
    let error = whole(&upstream.egress(), post(upstream.url("/"))).await.unwrap_err();
    assert_eq!((error, upstream.asked()), (Unreachable::Broken, 1));
}
