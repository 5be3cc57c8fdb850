//! Egress against real sockets on loopback: an upstream that does what a test says, and a trap that must stay silent.

mod answers;
mod authority;
mod blocked;
mod credentials;
mod http2;
mod http2_answers;
mod ordinary;
mod resent;
mod tls;
mod tls_upstream;
mod upstream;

use super::{Egress, Limits, Lookup, Reach, Received, Resolve};
use bytes::Bytes;
use http::{HeaderMap, Method};
use keybearer_connector::call::{Response, Unreachable, Unsigned};
use std::net::IpAddr;
use std::time::Duration;
use upstream::Upstream;
use url::Url;

/// Long enough for any loopback exchange on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn limits(allow: &[&str]) -> Limits {
    Limits {
        timeout: PATIENCE,
        connect_timeout: PATIENCE,
        max_response_bytes: 100_000,
        allow_cidrs: allow.iter().map(|range| range.parse().unwrap()).collect(),
    }
}

/// Reaches loopback.
fn egress() -> Egress {
    Egress::new(limits(&["127.0.0.0/8"])).unwrap()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn get(url: Url) -> Unsigned {
    Unsigned {
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        credential: false,
        stream: false,
    }
}

/// Sends without credentials to where the request itself points.
async fn send(egress: &Egress, request: Unsigned) -> Result<Received, Unreachable> {
    let reach = Reach::only(&request.url);
    egress.send(egress.admit(request, &reach)?.unauthenticated(), PATIENCE).await
}

async fn whole(egress: &Egress, request: Unsigned) -> Result<Response, Unreachable> {
    match send(egress, request).await? {
        Received::Whole(response) => Ok(response),
        Received::Streaming { .. } => panic!("a stream that nobody asked for"),
    }
}

/// Answers with the next of the given addresses, again and again with the last.
struct Names(std::sync::Mutex<Vec<Vec<IpAddr>>>);

impl Names {
    fn new(answers: &[&[&str]]) -> Self {
        let answers =
            answers.iter().rev().map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect());
        Self(std::sync::Mutex::new(answers.collect()))
    }
}

impl Resolve for Names {
    fn resolve(&self, _: &str) -> Lookup {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop() } else { answers.last().cloned() };
        Box::pin(async move { Ok(answer.unwrap_or_default()) })
    }
}
