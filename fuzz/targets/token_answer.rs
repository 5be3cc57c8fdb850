//! The token answer: a line with status and kind of provider, then the body. Whatever a token endpoint sends, what is read of
//! it can stand in a header, and an error does not repeat it.
//!
//! Knows what may come out. Must not know how an answer is read.
#![no_main]

use http::{HeaderMap, StatusCode};
use keybearer_connector::call::Response;
use keybearer_connector::document::{Additions, load};
use keybearer_connector::oauth::token::{TokenAnswer, read};
use keybearer_connector::plan::OauthPlan;
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;
use std::sync::LazyLock;
use std::time::Duration;

/// Longest life that is told.
const TEN_YEARS: Duration = Duration::from_secs(315_360_000);
/// Longest error text, in bytes: our words, a code and a description.
const LONGEST_ERROR: usize = 2_000;

/// Providers that answer by the book, and with everything elsewhere.
static PROVIDERS: LazyLock<[OauthPlan; 2]> = LazyLock::new(|| {
    [include_str!("../seeds/definition/standard.yaml"), include_str!("../seeds/definition/odd.yaml")]
        .map(provider)
});

fn provider(source: &str) -> OauthPlan {
    let definition = load(source, &Additions::none()).expect("the seeds are definitions");
    definition.plan.oauth().expect("the seeds have a consent flow").1.clone()
}

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (head, body) = (&data[..end], &data[end + 1..]);
    let mut words = std::str::from_utf8(head).unwrap_or_default().split(' ');
    let Ok(status) = words.next().unwrap_or_default().parse::<StatusCode>() else { return };
    let provider = &PROVIDERS[usize::from(words.next() == Some("odd"))];
    let response = Response { status, headers: HeaderMap::new(), body: body.to_vec().into() };
    match read(provider, &response) {
        Ok(answer) => check(status, &answer),
        Err(fault) => {
            let text = fault.to_string();
            assert!(text.len() <= LONGEST_ERROR, "{} bytes", text.len());
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
});

fn check(status: StatusCode, answer: &TokenAnswer) {
    assert!(status.is_success());
    for token in [Some(&answer.access_token), answer.refresh_token.as_ref()].into_iter().flatten() {
        let token = token.expose_secret();
        assert!(!token.trim().is_empty() && !token.chars().any(char::is_control));
    }
    assert!(answer.expires_in.is_none_or(|life| (Duration::from_secs(1)..=TEN_YEARS).contains(&life)));
}
