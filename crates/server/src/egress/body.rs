//! The body of an answer as it comes, decoded where it is compressed.
//!
//! Knows gzip, the one content coding that is asked for. Must not know limits.

use super::unreachable::reason;
use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use keybearer_connector::call::Unreachable;
use std::io;
use std::pin::Pin;
use tokio_util::io::{ReaderStream, StreamReader};

/// What requests say in `Accept-Encoding`.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip");

/// A body on its way.
pub(super) enum Body {
    Plain(Incoming),
    /// Boxed, so that the others are not moved with room for a decoder.
    Decoded(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>),
}

impl Body {
    /// Of an answer with these header fields, from which coding and length go where the body is decoded.
    pub(super) fn of(headers: &mut HeaderMap, body: Incoming) -> Self {
        if !is_gzip(headers) {
            return Self::Plain(body);
        }
        headers.remove(CONTENT_ENCODING);
        headers.remove(CONTENT_LENGTH);
        // Some say so of nothing, which is no compressed text.
        if body.is_end_stream() {
            return Self::Plain(body);
        }
        let compressed = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        let mut decoder = GzipDecoder::new(compressed);
        // RFC 1952 section 2.2: a file may be several of them, one behind the other.
        decoder.multiple_members(true);
        Self::Decoded(Box::pin(ReaderStream::new(decoder)))
    }

    /// The number of bytes that come, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::Plain(body) => body.size_hint().exact(),
            Self::Decoded(_) => None,
        }
    }

    /// True when it is known that nothing comes any more. Over HTTP/2 the end may follow the last byte; whoever goes before
    /// it resets the stream, and providers count resets.
    pub(super) fn is_at_end(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Decoded(_) => false,
        }
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Unreachable> {
        let body = match self {
            Self::Plain(body) => body,
            Self::Decoded(body) => return body.next().await.transpose().map_err(|error| reason(&error)),
        };
        while let Some(frame) = body.frame().await {
            // What is no data is a trailer, which nobody asked for.
            if let Ok(piece) = frame.map_err(|error| reason(&error))?.into_data() {
                return Ok(Some(piece));
            }
        }
        // HTTP/2 lets a stream end early without an error (RST_STREAM with NO_ERROR); Envoy does when its upstream breaks.
        if body.size_hint().exact().is_some_and(|missing| missing > 0) {
            return Err(Unreachable::Broken);
        }
        Ok(None)
    }
}

/// One coding, gzip by either of its names (RFC 9110 section 8.4.1.3).
fn is_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let (first, second) = (codings.next(), codings.next());
    let is = |name: &str| first.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(name.as_bytes()));
    second.is_none() && (is("gzip") || is("x-gzip"))
}
