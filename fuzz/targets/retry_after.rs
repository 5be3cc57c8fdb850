//! `Retry-After` in all its forms: the first byte chooses the format, the rest is the value.
//!
//! Knows the longest wait. Must not know the forms.
#![no_main]

use jiff::Timestamp;
use keybearer_connector::call::fuzzing::retry_after;
use keybearer_connector::plan::RetryAfter;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

const THIRTY_DAYS: Duration = Duration::from_secs(30 * 24 * 3600);

fuzz_target!(|data: &str| {
    let Some(first) = data.chars().next() else { return };
    let format = match first {
        'm' => RetryAfter::Milliseconds,
        'u' => RetryAfter::UnixTimestamp,
        _ => RetryAfter::Seconds,
    };
    let now = Timestamp::new(1_767_323_045, 0).unwrap();
    if let Some(wait) = retry_after(&data[first.len_utf8()..], format, now) {
        assert!(wait <= THIRTY_DAYS, "{wait:?}");
    }
});
