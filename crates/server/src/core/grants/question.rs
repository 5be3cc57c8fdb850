//! Whether a token endpoint answers at all: asked before the one retry of a refresh token, with a request that carries
//! no token and no client.
//!
//! Knows endpoints, and when each last answered or failed to. Must not know claims, nor what is sent afterwards. Kept in
//! this process only: another replica asks for itself.

use super::request::prepare;
use super::{TokenCallFault, token_endpoint};
use crate::core::Deps;
use crate::store::GrantRow;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use keybearer_connector::call::{Attachment, Unreachable, Unsigned};
use keybearer_connector::oauth::TokenRequest;
use quick_cache::sync::Cache;
use std::time::Duration;
use url::Url;

/// An endpoint that left a question open is not asked again for so long; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest pause is the first one doubled this often: 80 seconds.
const DOUBLINGS: u32 = 4;
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a claim stands.
const CLAIM_MS: i64 = 3000;
/// Endpoints that are remembered.
const REMEMBERED: usize = 10_000;

/// By URL without its query. Times are epoch milliseconds.
pub struct Endpoints(Cache<String, Known>);

#[derive(Clone, Copy, Default)]
struct Known {
    answered_at: i64,
    unanswered: u32,
    ask_at: i64,
}

/// What came of a question.
pub(super) enum Asked {
    /// The endpoint answers, whatever it says: a token request can expect an answer, too.
    Answered,
    /// It does not; it is asked again after this.
    Unanswered(Duration),
}

impl Default for Endpoints {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Endpoints {
    /// An answer came from there.
    pub(super) fn answered(&self, url: &Url, now: i64) {
        self.0.insert(key(url), Known { answered_at: now, ..Known::default() });
    }

    /// No answer came. How long it is left alone.
    fn unanswered(&self, url: &Url, now: i64) -> Duration {
        let known = self.0.get(&key(url)).unwrap_or_default();
        let pause = PAUSE * 2_u32.pow(known.unanswered.min(DOUBLINGS));
        let ask_at = now + i64::try_from(pause.as_millis()).unwrap_or(0);
        self.0.insert(key(url), Known { unanswered: known.unanswered.saturating_add(1), ask_at, ..known });
        pause
    }

    /// What is known without asking, for a grant whose last send ended without an answer at `since`.
    fn known(&self, url: &Url, since: i64, now: i64) -> Option<Asked> {
        let known = self.0.get(&key(url))?;
        if known.answered_at > since {
            return Some(Asked::Answered);
        }
        let left = u64::try_from(known.ask_at - now).ok().filter(|left| *left > 0)?;
        Some(Asked::Unanswered(Duration::from_millis(left)))
    }
}

/// Asks the endpoint that this grant is renewed at, unless the answer is known.
pub(super) async fn ask(deps: &Deps, row: &GrantRow) -> Asked {
    // What keeps the request from being made also keeps it from being sent: that is told then.
    let Ok(prepared) = prepare(deps, row).await else { return Asked::Answered };
    let url = prepared.request.request.url;
    // The holder of a claim that ran out was alive when it last moved the deadline, three seconds before it.
    let since = row.updated_at.max(row.attempt_deadline.unwrap_or_default() - CLAIM_MS);
    if let Some(known) = deps.endpoints.known(&url, since, deps.clock.now_ms()) {
        return known;
    }
    let answer = tokio::time::timeout(PATIENCE, token_endpoint(deps, question(url.clone()))).await;
    let now = deps.clock.now_ms();
    if let Ok(Ok(_) | Err(TokenCallFault(Unreachable::TooLarge))) = answer {
        deps.endpoints.answered(&url, now);
        Asked::Answered
    } else {
        Asked::Unanswered(deps.endpoints.unanswered(&url, now))
    }
}

/// An empty form. RFC 6749 section 5.2 answers it with 400 `invalid_request`.
fn question(mut url: Url) -> TokenRequest {
    url.set_query(None);
    let headers = HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("*/*")),
        (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
    ]);
    let body = bytes::Bytes::new();
    let request = Unsigned { method: Method::POST, url, headers, body, credential: false, stream: false };
    TokenRequest { request, attachment: Attachment::default() }
}

fn key(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(asked: Option<Asked>) -> Option<u64> {
        match asked? {
            Asked::Answered => Some(0),
            Asked::Unanswered(left) => Some(left.as_secs()),
        }
    }

    #[test]
    fn an_answer_since_the_lost_one_needs_no_question() {
        let (endpoints, url) = (Endpoints::default(), Url::parse("https://id.example/token?a=1").unwrap());
        assert_eq!(left(endpoints.known(&url, 1000, 2000)), None);
        endpoints.answered(&url, 1500);
        assert_eq!(left(endpoints.known(&url, 1000, 2000)), Some(0));
        assert_eq!(left(endpoints.known(&url, 1500, 2000)), None, "that was before");
        let other = Url::parse("https://id.example/other").unwrap();
        assert_eq!(left(endpoints.known(&other, 1000, 2000)), None);
    }

    #[test]
    fn the_pauses_between_questions_double_up_to_80_seconds_and_end_with_an_answer() {
        let (endpoints, url) = (Endpoints::default(), Url::parse("https://id.example/token").unwrap());
        let pauses: Vec<u64> = (0..7).map(|_| endpoints.unanswered(&url, 0).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 80, 80]);
        assert_eq!(left(endpoints.known(&url, 0, 30_000)), Some(50));
        assert_eq!(left(endpoints.known(&url, 0, 80_000)), None);
        endpoints.answered(&url, 90_000);
        assert_eq!(endpoints.unanswered(&url, 100_000).as_secs(), 5);
    }
}
