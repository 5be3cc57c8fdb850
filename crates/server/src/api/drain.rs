//! Large request bodies that were refused before their end are read on and thrown away, up to a bound.
//!
//! Knows connections' manners. Must not know what a body says. A client that sends a body reads the answer only when
//! all of it is sent, and a connection that is closed under it is reset: the answer is lost (RFC 9112 section 9.6).

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Bodies up to this size lie in the connection's buffer when they are refused, and need no care.
const SMALL: u64 = 8 * 1024;
/// The most that is thrown away of one body, in bytes.
const MOST: usize = 64 * 1024 * 1024;
/// The longest that a client may take for it.
const LONGEST: Duration = Duration::from_secs(10);

/// Makes sure that the rest of a large body is read, whoever drops it.
pub(super) fn on_drop(request: Request) -> Request {
    if request.body().size_hint().upper().is_some_and(|size| size <= SMALL) {
        return request;
    }
    let asks_first = asks_first(request.headers());
    request.map(|body| Body::new(Draining { body, asks_first, begun: false }))
}

/// RFC 9110 section 10.1.1: the client sends nothing before somebody reads.
fn asks_first(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

struct Draining {
    body: Body,
    asks_first: bool,
    begun: bool,
}

impl HttpBody for Draining {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.begun = true;
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        if self.body.is_end_stream() || (self.asks_first && !self.begun) {
            return;
        }
        let body = std::mem::take(&mut self.body);
        // Outside a runtime there is no connection either.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LONGEST, throw_away(body)));
        }
    }
}

async fn throw_away(mut body: Body) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
