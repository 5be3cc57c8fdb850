//! What goes between the call machine and the loop that drives it.
//!
//! Knows requests without secrets, answers, and why there was none. Must not know any HTTP client.

use super::{Answer, Fault, Target};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// A request before credentials: nothing in it is secret.
#[derive(Debug, Clone)]
pub struct Unsigned {
    /// HTTP method.
    pub method: Method,
    /// Where to; its origin is the target's, or (downloads, redirects, next links) one that the definition lists.
    pub url: Url,
    /// Headers, without credentials. `Host`, `Content-Length` and `User-Agent` are the sender's, and `Accept: */*` where
    /// there is none.
    pub headers: HeaderMap,
    /// Body; empty is none.
    pub body: Bytes,
    /// Wants the connector's credential. False towards every origin but the target's own.
    pub credential: bool,
    /// A 2xx body may be handed on unread: answer with [`Event::Head`] then.
    pub stream: bool,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Decoded body, within the size cap.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// No connection: name not resolved, refused, TLS failed. Nothing was sent.
    Connect,
    /// No connection in time. Nothing was sent.
    ConnectTimedOut,
    /// No connection, because its certificate is not trusted; the text says why, after "its certificate". Nothing was sent.
    Untrusted(&'static str),
    /// No answer in time.
    TimedOut,
    /// The connection broke before the answer was complete.
    Broken,
    /// We refuse to send it there; the text says why, without addresses.
    Blocked(String),
    /// Over the size cap.
    TooLarge,
}

impl Unreachable {
    /// True when the request may have reached the provider, so that it may have acted on it.
    pub fn may_have_been_sent(&self) -> bool {
        !matches!(self, Self::Connect | Self::ConnectTimedOut | Self::Untrusted(_) | Self::Blocked(_))
    }
}

/// What the machine wants next.
#[derive(Debug)]
pub enum Step {
    /// Send this (one attempt, no redirects), then give an [`Event::Response`], [`Event::Head`] or [`Event::Unreachable`].
    Send(Unsigned),
    /// Renew the credential, then [`Event::Refreshed`] or [`Event::NotRefreshed`].
    Refresh,
    /// Wait, then [`Event::Waited`].
    Wait(Duration),
    /// Finished.
    Done(Answer),
    /// Finished without an answer.
    Fail(Fault),
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// An answer came.
    Response(Response),
    /// The head of a 2xx answer to a request with [`Unsigned::stream`]; the body is unread.
    Head(StatusCode, HeaderMap),
    /// No answer came.
    Unreachable(Unreachable),
    /// The credential is renewed. A new target when the token answer changed the environment (`instance_url`).
    Refreshed(Option<Arc<Target>>),
    /// Nothing could be renewed: the call ends with the provider's refusal.
    NotRefreshed,
    /// The wait is over.
    Waited,
}
