//! Repeats, refreshes and redirects.

use super::*;
use crate::call::{FaultKind, Unreachable};
use crate::plan::HostPattern;

#[test]
fn repeatable_operations_are_tried_three_times_within_the_deadline() {
    let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
    machine.start();
    for _ in 0..2 {
        let Step::Wait(delay) = machine.answer(503, &[], "") else { panic!() };
        assert!(delay < Duration::from_secs(1));
        sent(machine.call.on(Event::Waited, Duration::ZERO));
    }
    let fault = failed(machine.answer(503, &[("retry-after", "9")], "busy"));
    assert_eq!(
        (fault.kind, fault.upstream_status, fault.retryable, fault.retry_after),
        (FaultKind::UpstreamError, Some(503), true, Some(Duration::from_secs(9)))
    );
    let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
    machine.start();
    let Step::Wait(delay) = machine.answer(429, &[("retry-after", "7")], "") else { panic!() };
    assert_eq!(delay, Duration::from_secs(7));
    machine.elapsed = Duration::from_secs(25);
    assert_eq!(failed(machine.answer(429, &[("retry-after", "7")], "")).kind, FaultKind::UpstreamRateLimited);
}

#[test]
fn writes_are_not_repeated() {
    let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
    machine.start();
    assert_eq!(failed(machine.answer(503, &[], "")).kind, FaultKind::UpstreamError);
    machine.start();
    let fault = failed(machine.call.on(Event::Unreachable(Unreachable::Broken), Duration::ZERO));
    assert!(!fault.retryable && fault.message.contains("may have been carried out"), "{}", fault.message);
}

#[test]
fn a_write_that_was_never_sent_may_be_sent_again_by_the_caller() {
    for (why, sent, retryable) in [
        (Unreachable::Connect, false, true),
        (Unreachable::ConnectTimedOut, false, true),
        (Unreachable::Untrusted("has expired"), false, false),
        (Unreachable::Blocked("why".to_owned()), false, false),
        (Unreachable::TimedOut, true, false),
        (Unreachable::Broken, true, false),
        (Unreachable::TooLarge, true, false),
    ] {
        assert_eq!(why.may_have_been_sent(), sent, "{why:?}");
        let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
        machine.start();
        let fault = failed(machine.call.on(Event::Unreachable(why.clone()), Duration::ZERO));
        assert_eq!(fault.retryable, retryable, "{why:?}");
        assert_eq!(fault.message.contains("may have been carried out"), sent, "{}", fault.message);
    }
}

#[test]
fn one_refresh_whatever_the_method_and_then_no_more() {
    let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
    let first = machine.start();
    assert!(matches!(machine.answer(401, &[], ""), Step::Refresh));
    let second = sent(machine.call.on(Event::Refreshed(None), Duration::ZERO));
    assert_eq!((first.url, first.body), (second.url, second.body));
    assert_eq!(failed(machine.answer(401, &[], r#"{"message":"expired"}"#)).kind, FaultKind::Unauthorized);
}

#[test]
fn a_renewed_environment_moves_the_call() {
    let mut moved = plan(vec![list()]);
    moved.server.url = "https://eu.acme.example/v2".into();
    let target = Arc::new(Target::new(&moved, &Environment::default()).unwrap());
    let mut machine = call_on(plan(vec![list()]), json!({"limit": 1})).unwrap();
    machine.start();
    machine.answer(401, &[], "");
    assert_eq!(
        sent(machine.call.on(Event::Refreshed(Some(target)), Duration::ZERO)).url.as_str(),
        "https://eu.acme.example/v2/contacts?limit=1"
    );
}

#[test]
fn redirects_stay_on_listed_hosts_and_drop_the_credential() {
    let mut listed = plan(vec![list()]);
    listed.hosts = vec![HostPattern::Exact("files.acme.example".into())];
    let mut machine = call_on(listed, json!({})).unwrap();
    machine.start();
    let hop = sent(machine.answer(302, &[("location", "https://files.acme.example/x")], ""));
    assert!(!hop.credential && hop.url.as_str() == "https://files.acme.example/x");
    let back = sent(machine.answer(307, &[("location", "https://api.acme.example/v1/y")], ""));
    assert!(back.credential);
    sent(machine.answer(301, &[("location", "/v1/z")], ""));
    assert_eq!(
        failed(machine.answer(301, &[("location", "/v1/q")], "")).kind,
        FaultKind::UpstreamRedirectRefused
    );
    for evil in [
        "https://api.acme.example.evil/v1",
        "http://api.acme.example/v1",
        "//evil.example",
        "https://api.acme.example@evil.example/",
    ] {
        let mut machine = call_on(plan(vec![list()]), json!({})).unwrap();
        machine.start();
        assert_eq!(
            failed(machine.answer(302, &[("location", evil)], "")).kind,
            FaultKind::UpstreamRedirectRefused,
            "{evil}"
        );
    }
    let mut machine = call_on(plan(vec![create()]), json!({"email": "a"})).unwrap();
    machine.start();
    assert_eq!(
        failed(machine.answer(303, &[("location", "/v1/y")], "")).kind,
        FaultKind::UpstreamRedirectRefused
    );
}
