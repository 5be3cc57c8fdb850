//! One attempt: a signed request out, an answer or the reason for its absence back.
//!
//! Knows the HTTP client, time limits and the size cap. Must not know retries, redirects or what an answer means.

use super::resolve::Refused;
use super::stream::{BodyStream, Received};
use super::{Egress, Signed};
use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use keybearer_connector::call::{Response, Unreachable};
use std::error::Error;
use std::time::Duration;

impl Egress {
    /// Sends once. No redirect is followed and nothing is tried again, except that a request which the provider
    /// provably did not process (HTTP/2 REFUSED_STREAM, GOAWAY) goes out anew.
    ///
    /// `budget` is the time left of the whole call; it or [`Limits::timeout`](super::Limits::timeout) ends the attempt,
    /// whichever is shorter. A stream is no longer bound by it once its head is there.
    /// Dropping the future ends the exchange and frees its connection.
    pub async fn send(&self, request: Signed, budget: Duration) -> Result<Received, Unreachable> {
        let time = budget.min(self.limits.timeout);
        // One timer covers head and body.
        tokio::time::timeout(time, self.attempt(request)).await.unwrap_or(Err(Unreachable::TimedOut))
    }

    async fn attempt(&self, signed: Signed) -> Result<Received, Unreachable> {
        let request = signed.request;
        let client = if request.url.scheme() == "http" { &self.plain } else { &self.secure };
        let mut outgoing = reqwest::Request::new(request.method.clone(), request.url);
        *outgoing.headers_mut() = request.headers;
        if !request.body.is_empty() {
            *outgoing.body_mut() = Some(request.body.into());
        }
        let mut response = client.execute(outgoing).await.map_err(|error| reason(&error))?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let cap = self.limits.max_response_bytes;
        if response.content_length().is_some_and(|length| length > cap as u64) {
            return Err(Unreachable::TooLarge);
        }
        if request.stream && status.is_success() {
            let body = BodyStream::new(response, cap, self.limits.timeout);
            return Ok(Received::Streaming { status, headers, body });
        }
        let content = has_content(&request.method, status);
        let body = if content { read(&mut response, cap).await? } else { Bytes::new() };
        Ok(Received::Whole(Response { status, headers, body }))
    }
}

/// Answers without content (RFC 9110 sections 9.3.2, 15.3.5, 15.4.5) may still name a content coding, and decoding
/// nothing is an error.
fn has_content(method: &Method, status: StatusCode) -> bool {
    method != Method::HEAD && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

/// The decoded body, at most `cap` bytes. A body in one piece, which most are, is not copied.
async fn read(response: &mut reqwest::Response, cap: usize) -> Result<Bytes, Unreachable> {
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let Some(first) = next(response, cap).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(response, cap - first.len()).await? else { return Ok(first) };
    let mut body = BytesMut::with_capacity(expected.max(first.len() + second.len()));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while let Some(chunk) = next(response, cap - body.len()).await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The next piece of a body of which at most `left` bytes may still come.
pub(super) async fn next(
    response: &mut reqwest::Response,
    left: usize,
) -> Result<Option<Bytes>, Unreachable> {
    match response.chunk().await {
        Ok(Some(chunk)) if chunk.len() > left => Err(Unreachable::TooLarge),
        Ok(chunk) => Ok(chunk),
        Err(error) => Err(reason(&error)),
    }
}

/// The client's error without its text, which may hold the URL and with it a secret.
fn reason(error: &reqwest::Error) -> Unreachable {
    if error.is_builder() {
        return Unreachable::Blocked("the URL contains characters that HTTP does not carry".to_owned());
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Unreachable::Blocked(refused.to_string());
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        Unreachable::TimedOut
    } else if error.is_connect() {
        Unreachable::Connect
    } else {
        Unreachable::Broken
    }
}
