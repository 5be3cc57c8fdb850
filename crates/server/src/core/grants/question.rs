//! Whether a token endpoint answers at all: asked before a refresh token is sent again, with a request that carries no
//! token and no client.
//!
//! Knows endpoints, and when each last answered or failed to. Must not know claims, nor what is sent afterwards. Kept in
//! this process only: another replica asks for itself.

use super::machine::Verdict;
use super::request::prepare;
use super::{TokenCallFault, token_endpoint};
use crate::core::Deps;
use crate::store::GrantRow;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use keybearer_connector::call::{Attachment, Response, Unreachable, Unsigned};
use keybearer_connector::oauth::TokenRequest;
use quick_cache::sync::Cache;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// An endpoint that left a question open is not asked again for so long; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest pause is the first one doubled this often: 80 seconds.
const DOUBLINGS: u32 = 4;
/// An answered renewal makes questions needless for so long, unless a later one is lost.
const FRESH: Duration = Duration::from_secs(5);
/// An answer to a question that takes longer is none. Nor may it take more than a quarter of a call's time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Endpoints that are remembered.
const REMEMBERED: usize = 10_000;

type Answer = Result<Response, TokenCallFault>;

/// By URL without its query.
pub struct Endpoints(Cache<String, Arc<Endpoint>>);

#[derive(Default)]
struct Endpoint {
    known: Mutex<Known>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The turn of the one who asked, held until its retry is over: an answer to a question shows that the endpoint is
/// there, but only a renewal that is answered shows that it works. The others wait for what this one learns.
pub(super) type Turn = tokio::sync::OwnedMutexGuard<()>;

/// Times are ticks of the process's clock.
#[derive(Clone, Copy, Default)]
struct Known {
    /// When it last answered a renewal, if none was lost since.
    answered: Option<Duration>,
    unanswered: u32,
    ask_at: Duration,
}

/// What came of a question.
pub(super) enum Asked {
    /// The endpoint answers, whatever it says: a token request can expect an answer, too.
    Answered(Option<Turn>),
    /// It does not; it is asked again after this.
    Unanswered(Duration),
    /// The request could not be made; why.
    NotMade(String),
}

impl Default for Endpoints {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Endpoints {
    /// What became of a renewal there. A lost retry makes a pause: it was sent because the endpoint seemed to be well.
    pub(super) fn note(&self, url: &Url, answer: &Answer, is_retry: bool, now: Duration) {
        let endpoint = self.of(url);
        if is_word_of_the_service(answer) {
            *endpoint.known() = Known { answered: Some(now), ..Known::default() };
        } else if is_retry {
            endpoint.unanswered(now);
        } else {
            endpoint.known().answered = None;
        }
    }

    fn of(&self, url: &Url) -> Arc<Endpoint> {
        let mut key = url.clone();
        key.set_query(None);
        let made: Result<_, std::convert::Infallible> =
            self.0.get_or_insert_with(key.as_str(), || Ok(Arc::default()));
        made.unwrap_or_default()
    }
}

impl Endpoint {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No answer came. How long it is left alone.
    fn unanswered(&self, now: Duration) -> Duration {
        let mut known = self.known();
        let pause = PAUSE * 2_u32.pow(known.unanswered.min(DOUBLINGS));
        *known =
            Known { answered: None, unanswered: known.unanswered.saturating_add(1), ask_at: now + pause };
        pause
    }

    /// What is known without asking.
    fn told(&self, now: Duration) -> Option<Asked> {
        let known = *self.known();
        if known.answered.is_some_and(|at| now.saturating_sub(at) <= FRESH) {
            return Some(Asked::Answered(None));
        }
        let left = known.ask_at.saturating_sub(now);
        (!left.is_zero()).then_some(Asked::Unanswered(left))
    }
}

/// Asks the endpoint that this grant is renewed at, unless it is known whether it answers.
pub(super) async fn ask(deps: &Deps, row: &GrantRow) -> Asked {
    let url = match prepare(deps, row).await {
        Ok(prepared) => prepared.request.request.url,
        // The send finds the same, and marks the grant.
        Err((Verdict::InvalidClient, _)) => return Asked::Answered(None),
        Err((_, why)) => return Asked::NotMade(why),
    };
    let endpoint = deps.endpoints.of(&url);
    if let Some(told) = endpoint.told(deps.clock.ticks()) {
        return told;
    }
    let turn = Arc::clone(&endpoint.turn).lock_owned().await;
    if let Some(told) = endpoint.told(deps.clock.ticks()) {
        return told;
    }
    let patience = PATIENCE.min(deps.settings.upstream_timeout / 4);
    let answer = tokio::time::timeout(patience, token_endpoint(deps, question(url))).await;
    if answer.is_ok_and(|answer| is_word_of_the_service(&answer)) {
        Asked::Answered(Some(turn))
    } else {
        Asked::Unanswered(endpoint.unanswered(deps.clock.ticks()))
    }
}

/// Any word of the token service itself; one of a gateway that misses it is none.
fn is_word_of_the_service(answer: &Answer) -> bool {
    match answer {
        Ok(response) => !matches!(response.status.as_u16(), 502..=504 | 520..=527 | 530),
        Err(TokenCallFault(why)) => *why == Unreachable::TooLarge,
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn left(told: Option<Asked>) -> Option<u64> {
        match told? {
            Asked::Answered(_) => Some(0),
            Asked::Unanswered(left) => Some(left.as_secs()),
            Asked::NotMade(why) => panic!("{why}"),
        }
    }

    fn answer(status: u16) -> Response {
        let status = StatusCode::from_u16(status).unwrap();
        Response { status, headers: HeaderMap::new(), body: bytes::Bytes::new() }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_answered_renewal_counts_for_five_seconds_unless_one_is_lost_after_it() {
        let (endpoints, url) = (Endpoints::default(), Url::parse("https://id.example/token?a=1").unwrap());
        let told = |now| left(endpoints.of(&Url::parse("https://id.example/token").unwrap()).told(at(now)));
        assert_eq!(told(100), None);
        endpoints.note(&url, &Ok(answer(400)), false, at(100));
        assert_eq!((told(105), told(106)), (Some(0), None));
        for lost in [Ok(answer(504)), Ok(answer(503)), Err(TokenCallFault(Unreachable::TimedOut))] {
            endpoints.note(&url, &Ok(answer(500)), true, at(110));
            endpoints.note(&url, &lost, false, at(111));
            assert_eq!(told(112), None, "{lost:?}");
            endpoints.note(&url, &lost, true, at(113));
            assert_eq!(told(114), Some(4), "{lost:?}");
        }
        assert_eq!(left(endpoints.of(&Url::parse("https://id.example/other").unwrap()).told(at(114))), None);
    }

    #[test]
    fn the_pauses_between_questions_double_up_to_80_seconds_and_end_with_an_answered_renewal() {
        let endpoints = Endpoints::default();
        let url = Url::parse("https://id.example/token").unwrap();
        let endpoint = endpoints.of(&url);
        let pauses: Vec<u64> = (0..7).map(|_| endpoint.unanswered(at(0)).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 80, 80]);
        assert_eq!(left(endpoint.told(at(30))), Some(50));
        assert_eq!(left(endpoint.told(at(80))), None);
        endpoints.note(&url, &Ok(answer(200)), true, at(90));
        assert_eq!(endpoint.unanswered(at(100)).as_secs(), 5);
    }
}
