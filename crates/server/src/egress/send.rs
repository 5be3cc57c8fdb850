//! One attempt: a signed request out, an answer or the reason for its absence back.
//!
//! Knows the HTTP clients, time limits and the size cap. Must not know retries, redirects or what an answer means.

use super::body::{self, Body};
use super::stream::{self, BodyStream, Received};
use super::unreachable::{reason, was_not_processed};
use super::{Egress, Signed};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Error;
use keybearer_connector::call::{Response, Unreachable};
use std::time::Duration;
use url::Url;

/// How often a request goes out anew that the provider provably did not process.
const NEW_TRIES: usize = 2;

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
        let plain = request.url.scheme() == "http";
        let is_head = request.method == Method::HEAD;
        let outgoing = outgoing(request.method, request.url, request.headers, request.body)?;
        let sent = if plain {
            self.plain.request(outgoing).await
        } else {
            // Boxed: what it holds is moved with plain requests otherwise.
            Box::pin(self.exchange(outgoing)).await
        };
        let (head, body) = sent.map_err(|error| reason(&error))?.into_parts();
        let (status, mut headers) = (head.status, head.headers);
        let body = Body::of(&mut headers, body);
        let cap = self.limits.max_response_bytes;
        let has_content = !is_head && may_have_content(status);
        // HEAD and 304 tell the length of something that does not come.
        let length = body.length().filter(|_| has_content);
        if length.is_some_and(|length| length > cap as u64) {
            return Err(Unreachable::TooLarge);
        }
        if request.stream && status.is_success() {
            let body = BodyStream::new(body, cap, self.limits.timeout);
            return Ok(Received::Streaming { status, headers, body });
        }
        let body = if has_content {
            read(body, length.and_then(|length| usize::try_from(length).ok()), cap).await?
        } else {
            Bytes::new()
        };
        Ok(Received::Whole(Response { status, headers, body }))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, Error> {
        for _ in 0..NEW_TRIES {
            match self.secure.request(request.clone()).await {
                Err(error) if was_not_processed(&error) => {}
                done => return done,
            }
        }
        self.secure.request(request).await
    }
}

/// The request as the client takes it, with what every request carries that does not say otherwise.
fn outgoing(
    method: Method,
    url: Url,
    mut headers: HeaderMap,
    content: Bytes,
) -> Result<Request<Full<Bytes>>, Unreachable> {
    let uri = Uri::from_maybe_shared(Bytes::from(String::from(url))).map_err(|_| {
        Unreachable::Blocked("the URL contains characters that HTTP does not carry".to_owned())
    })?;
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    let agent = HeaderValue::from_static(concat!("Keybearer/", env!("CARGO_PKG_VERSION")));
    headers.entry(USER_AGENT).or_insert(agent);
    headers.entry(ACCEPT_ENCODING).or_insert(body::ACCEPTED);
    let mut request = Request::new(Full::new(content));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Answers without content (RFC 9110 sections 15.3.5, 15.4.5; to HEAD 9.3.2) may still name a length and a coding.
fn may_have_content(status: StatusCode) -> bool {
    status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

/// The decoded body, at most `cap` bytes. A body in one piece, which most are, is not copied.
async fn read(mut body: Body, expected: Option<usize>, cap: usize) -> Result<Bytes, Unreachable> {
    let Some(first) = stream::next(&mut body, cap).await? else { return Ok(Bytes::new()) };
    if expected == Some(first.len()) && body.is_at_end() {
        return Ok(first);
    }
    let Some(second) = stream::next(&mut body, cap - first.len()).await? else { return Ok(first) };
    let mut whole = BytesMut::with_capacity(expected.unwrap_or(0).max(first.len() + second.len()));
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&second);
    while let Some(chunk) = stream::next(&mut body, cap - whole.len()).await? {
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}
