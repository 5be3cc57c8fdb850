//! Answers as the callers of egress see them: whole, or a head with a body that is still coming.
//!
//! Knows how to take a body piece by piece within limits. Must not know what the bytes are.

use super::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use keybearer_connector::call::{Response, Unreachable};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What came back.
#[derive(Debug)]
pub enum Received {
    /// All of it.
    Whole(Response),
    /// The head of a 2xx answer to a request that asked for a stream.
    Streaming {
        /// HTTP status, 200 to 299.
        status: StatusCode,
        /// Header fields. `Content-Length` is missing where the body is decoded on the way.
        headers: HeaderMap,
        /// The body.
        body: BodyStream,
    },
}

/// A body on its way. Dropping it ends the exchange.
pub struct BodyStream {
    body: Body,
    /// Bytes that may still come.
    left: usize,
    /// The longest silence.
    idle: Duration,
    /// When it must be over, however steadily it drips.
    end: Instant,
}

/// A stream may last this many times the timeout of an attempt.
const LONGEST: u32 = 10;

impl BodyStream {
    pub(super) fn new(body: Body, cap: usize, idle: Duration) -> Self {
        Self { body, left: cap, idle, end: Instant::now() + idle * LONGEST }
    }

    /// The next piece, decoded; none at the end. After an error the stream is over.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Unreachable> {
        let until = self.end.min(Instant::now() + self.idle);
        let chunk =
            timeout_at(until, next(&mut self.body, self.left)).await.unwrap_or(Err(Unreachable::TimedOut))?;
        self.left -= chunk.as_ref().map_or(0, Bytes::len);
        Ok(chunk)
    }
}

/// The next piece of a body of which at most `left` bytes may still come.
pub(super) async fn next(body: &mut Body, left: usize) -> Result<Option<Bytes>, Unreachable> {
    match body.next().await {
        Ok(Some(piece)) if piece.len() > left => Err(Unreachable::TooLarge),
        next => next,
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own text shows the URL.
        f.debug_struct("BodyStream").field("left", &self.left).finish_non_exhaustive()
    }
}
