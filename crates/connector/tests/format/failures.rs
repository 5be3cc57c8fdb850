//! Refusals of the provider, and which attempts are made again.

use crate::tiny::{answer, begin, failed, operation, plan, sent, with};
use keybearer_connector::call::{Call, Event, FaultKind, Step, Unreachable};
use serde_json::{Value, json};
use std::time::Duration;

fn list(retry: &Value) -> Call {
    let plan = plan(&json!({
        "info": {"x-airbyte-retry-config": retry}, "paths": {"/things": {"get": operation("things", "list", &json!({}))}},
    }));
    begin(&plan, ("things", "list"), &json!({}), &json!({})).unwrap().0
}

fn waits(step: &Step) -> bool {
    matches!(step, Step::Wait(_))
}

#[test]
fn statuses_are_kinds_and_carry_the_providers_words() {
    for (status, kind, body, words) in [
        (
            403,
            FaultKind::UpstreamForbidden,
            r#"{"errors": [{"userPresentableMessage": "u", "message": "m"}, "b"]}"#,
            "u; b",
        ),
        (422, FaultKind::UpstreamRejected, r#"{"errors": [{"code": 7}]}"#, r#"{"code":7}"#),
        (
            400,
            FaultKind::UpstreamRejected,
            r#"{"errors": {"name": ["is taken"]}}"#,
            r#"{"name":["is taken"]}"#,
        ),
        (404, FaultKind::UpstreamNotFound, r#"{"message": "m", "error": "e"}"#, ": m"),
        (418, FaultKind::UpstreamRejected, r#"{"error": "e"}"#, ": e"),
        (400, FaultKind::UpstreamRejected, r#"{"a": 1}"#, r#"{"a":1}"#),
        (400, FaultKind::UpstreamRejected, r#""just text""#, ": just text"),
        (400, FaultKind::UpstreamRejected, "plain words", ": plain words"),
        (400, FaultKind::UpstreamRejected, "", "(HTTP 400)"),
        (501, FaultKind::UpstreamError, "", "(HTTP 501)"),
    ] {
        let mut call = list(&json!({}));
        let fault = failed(answer(&mut call, status, &[], body));
        assert_eq!((fault.kind, fault.upstream_status), (kind, Some(status)));
        assert!(fault.message.ends_with(words), "{}", fault.message);
    }
}

#[test]
fn only_a_401_asks_for_a_refresh_and_the_retries_begin_anew_after_it() {
    let mut call = list(&json!({}));
    for _ in 0..2 {
        assert!(waits(&answer(&mut call, 503, &[], "")));
        sent(call.on(Event::Waited, Duration::ZERO));
    }
    assert!(matches!(answer(&mut call, 401, &[], ""), Step::Refresh));
    sent(call.on(Event::Refreshed(None), Duration::ZERO));
    for _ in 0..2 {
        assert!(waits(&answer(&mut call, 503, &[], "")));
        sent(call.on(Event::Waited, Duration::ZERO));
    }
    assert_eq!(failed(answer(&mut call, 503, &[], "")).kind, FaultKind::UpstreamError);

    // Where nothing could be refreshed, the refusal itself is told.
    let mut call = list(&json!({}));
    assert!(matches!(answer(&mut call, 401, &[], r#"{"message": "expired"}"#), Step::Refresh));
    let fault = failed(call.on(Event::NotRefreshed, Duration::ZERO));
    assert!(fault.kind == FaultKind::Unauthorized && fault.message.ends_with("expired"));
}

#[test]
fn the_statuses_of_the_format_are_tried_again() {
    for status in [429, 500, 502, 503, 504] {
        assert!(waits(&answer(&mut list(&json!({})), status, &[], "")), "{status}");
    }
    for status in [400, 404, 409, 501] {
        assert!(!waits(&answer(&mut list(&json!({})), status, &[], "")), "{status}");
    }
    // `create` is a POST: it may have been carried out.
    let create = with("post", "create", &json!({}));
    let (mut call, _) = begin(&create, ("things", "create"), &json!({}), &json!({})).unwrap();
    assert!(!waits(&answer(&mut call, 503, &[], "")));
}

#[test]
fn a_definition_says_what_is_tried_again_and_how_long_that_takes() {
    let config = json!({
        "max_attempts": 2, "retry_on_status_codes": [409], "initial_delay_seconds": 4, "exponential_base": 3, "max_delay_seconds": 10,
        "jitter": false, "retry_after_header": "X-Wait", "retry_after_format": "milliseconds",
    });
    let mut call = list(&config);
    let Step::Wait(delay) = answer(&mut call, 409, &[], "") else { panic!("409 is listed") };
    assert_eq!(delay, Duration::from_secs(4));
    sent(call.on(Event::Waited, Duration::ZERO));
    assert!(!waits(&answer(&mut call, 409, &[], "")), "two attempts and no more");
    assert!(!waits(&answer(&mut list(&config), 503, &[], "")), "503 is not listed");
    let mut call = list(&config);
    let Step::Wait(delay) = answer(&mut call, 409, &[("x-wait", "6500")], "") else {
        panic!("409 is listed")
    };
    assert_eq!(delay, Duration::from_secs(7));

    let steep =
        json!({"initial_delay_seconds": 4, "exponential_base": 3, "max_delay_seconds": 10, "jitter": false});
    let mut call = list(&steep);
    for expected in [4, 10] {
        let Step::Wait(delay) = answer(&mut call, 503, &[], "") else { panic!("503 is tried again") };
        assert_eq!(delay, Duration::from_secs(expected));
        sent(call.on(Event::Waited, Duration::ZERO));
    }
}

#[test]
fn attempts_without_an_answer_are_made_again_unless_the_definition_says_no() {
    let no_timeout = json!({"retry_on_timeout": false});
    let no_network = json!({"retry_on_network_error": false});
    for (config, why, again) in [
        (&json!({}), Unreachable::TimedOut, true),
        (&json!({}), Unreachable::Connect, true),
        (&json!({}), Unreachable::ConnectTimedOut, true),
        (&json!({}), Unreachable::Untrusted("has expired"), false),
        (&json!({}), Unreachable::Broken, true),
        (&json!({}), Unreachable::TooLarge, false),
        (&no_timeout, Unreachable::TimedOut, false),
        (&no_timeout, Unreachable::ConnectTimedOut, false),
        (&no_timeout, Unreachable::Connect, true),
        (&no_network, Unreachable::TimedOut, true),
        (&no_network, Unreachable::Connect, false),
        (&no_network, Unreachable::Broken, false),
    ] {
        let shown = format!("{config} {why:?}");
        let step = list(config).on(Event::Unreachable(why), Duration::ZERO);
        assert_eq!(waits(&step), again, "{shown}");
    }
}
