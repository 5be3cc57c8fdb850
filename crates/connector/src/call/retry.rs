//! When a failed attempt is made again, and how long that takes.
//!
//! Knows back-off, jitter and `Retry-After` (RFC 9110 section 10.2.3). Must not know why an attempt failed.

use super::settings::{Chance, Settings};
use crate::plan::{Retry, RetryAfter};
use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use std::time::Duration;

/// Longer wishes are told as this.
const LONGEST: u64 = 30 * 24 * 3600;
/// Larger numbers are points in time, whatever the definition says: nobody asks for a wait of 30 years.
const EPOCH: f64 = 1_000_000_000.0;

/// The delay before attempt number `made + 1`; none when there is none, or when it would end past the deadline.
pub(super) fn delay(
    retry: &Retry,
    settings: &Settings,
    made: u32,
    wish: Option<Duration>,
    elapsed: Duration,
    chance: &mut Chance,
) -> Option<Duration> {
    if made >= settings.max_attempts.min(retry.max_attempts) {
        return None;
    }
    let first = retry.initial_delay.unwrap_or(settings.retry_base_delay).as_secs_f64();
    let factor = retry.exponential_base.max(1.0).powi(i32::try_from(made.saturating_sub(1)).unwrap_or(0));
    let longest = (first * factor).min(retry.max_delay.as_secs_f64());
    let share = if retry.jitter { chance.share() } else { 1.0 };
    let own = Duration::try_from_secs_f64(longest * share).unwrap_or_default();
    let delay = wish.map_or(own, |wish| wish.max(own));
    (elapsed.saturating_add(delay) < settings.deadline).then_some(delay)
}

/// How long the provider wants us to wait: the definition's header, `Retry-After`, or the end of a used-up quota.
pub(super) fn wish(retry: &Retry, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let header = |name: &str, format| read(headers.get(name)?.to_str().ok()?, format, now);
    let used_up = headers.get("x-ratelimit-remaining").is_some_and(|left| left.as_bytes() == b"0");
    header(&retry.retry_after_header, retry.retry_after_format)
        .or_else(|| header(RETRY_AFTER.as_str(), RetryAfter::Seconds))
        .or_else(|| header("x-ratelimit-reset", RetryAfter::Seconds).filter(|_| used_up))
}

/// A number in the given meaning, an HTTP date, or an RFC 3339 time.
pub(crate) fn read(text: &str, format: RetryAfter, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let until = |then: i64| u64::try_from(then.saturating_sub(now.as_second())).unwrap_or(0);
    let whole = |seconds: f64| format!("{:.0}", seconds.ceil()).parse::<i64>().ok();
    let seconds = if let Ok(number) = text.parse::<f64>() {
        if !number.is_finite() || number < 0.0 {
            return None;
        }
        let number = if format == RetryAfter::Milliseconds || number >= EPOCH * 1000.0 {
            number / 1000.0
        } else {
            number
        };
        let point = format == RetryAfter::UnixTimestamp || number >= EPOCH;
        if point { until(whole(number)?) } else { u64::try_from(whole(number)?).ok()? }
    } else if let Ok(date) = httpdate::parse_http_date(text) {
        until(i64::try_from(date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()?)
    } else {
        until(text.parse::<Timestamp>().ok()?.as_second())
    };
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_retry_after() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let cases = [
            ("7", RetryAfter::Seconds, Some(7)),
            ("1.2", RetryAfter::Seconds, Some(2)),
            ("2500", RetryAfter::Milliseconds, Some(3)),
            ("1767323055", RetryAfter::UnixTimestamp, Some(10)),
            ("1767323055", RetryAfter::Seconds, Some(10)),
            ("1767323055000", RetryAfter::Seconds, Some(10)),
            ("Fri, 02 Jan 2026 03:04:15 GMT", RetryAfter::Seconds, Some(10)),
            ("2026-01-02T03:04:15Z", RetryAfter::Seconds, Some(10)),
            ("Fri, 02 Jan 2015 03:04:15 GMT", RetryAfter::Seconds, Some(0)),
            ("99999999", RetryAfter::Seconds, Some(LONGEST)),
            ("-1", RetryAfter::Seconds, None),
            ("soon", RetryAfter::Seconds, None),
            ("NaN", RetryAfter::Seconds, None),
        ];
        for (text, format, expected) in cases {
            assert_eq!(read(text, format, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn never_past_the_deadline_and_at_most_three() {
        let retry = crate::call::sample::plan(Vec::new()).retry;
        let settings = crate::call::sample::settings();
        let mut chance = Chance(1);
        let mut delay = |made, wish: Option<u64>, elapsed| {
            delay(
                &retry,
                &settings,
                made,
                wish.map(Duration::from_secs),
                Duration::from_secs(elapsed),
                &mut chance,
            )
        };
        assert!(delay(1, None, 0).unwrap() <= settings.retry_base_delay);
        assert_eq!(delay(1, Some(5), 0), Some(Duration::from_secs(5)));
        assert_eq!(delay(1, Some(5), 25), None);
        assert_eq!(delay(3, None, 0), None);
    }
}
