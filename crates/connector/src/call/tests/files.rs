//! Downloads.

use super::*;
use crate::call::{Answer, FaultKind, Payload};
use crate::plan::{Download, HostPattern};
use http::HeaderMap;

fn download(file_url: Option<&str>) -> Plan {
    let mut download = operation(Action::Download, Method::GET, "/files/{id}");
    download.parameters = vec![
        parameter("id", Location::Path, ValueType::String),
        crate::plan::Parameter {
            default: Some(json!("media")),
            ..parameter("alt", Location::Query, ValueType::String)
        },
    ];
    download.download = Some(Download { file_url: file_url.map(str::to_owned) });
    Plan { hosts: vec![HostPattern::Suffix("cdn.example".into())], ..plan(vec![download]) }
}

#[test]
fn a_download_in_one_step_is_handed_on() {
    let mut machine = call_on(download(None), json!({"id": "7", "range_header": "bytes=0-9"})).unwrap();
    let request = machine.start();
    assert!(
        request.stream
            && request.url.as_str().ends_with("/files/7?alt=media")
            && request.headers["range"] == "bytes=0-9"
    );
    let headers = HeaderMap::from_iter([(
        http::header::CONTENT_DISPOSITION,
        "attachment; filename=\"a.pdf\"".parse().unwrap(),
    )]);
    let Step::Done(Answer { result: Payload::Stream(head), .. }) =
        machine.call.on(Event::Head(StatusCode::PARTIAL_CONTENT, headers), Duration::ZERO)
    else {
        panic!()
    };
    assert_eq!(
        (head.status.as_u16(), head.file_name.as_str(), head.content_type.as_str()),
        (206, "a.pdf", "application/octet-stream")
    );
    assert_eq!(
        call_on(download(None), json!({"id": "7", "range_header": "x"})).err().unwrap().kind,
        FaultKind::InvalidParams
    );
}

#[test]
fn a_download_in_two_steps_shows_the_credential_to_the_api_only() {
    let second = |location: &str| {
        let mut machine = call_on(download(Some("file.urls[0]")), json!({"id": "7"})).unwrap();
        assert!(!machine.start().stream);
        machine.answer(200, &[], &json!({"file": {"urls": [location]}}).to_string())
    };
    let own = sent(second("https://api.acme.example/v1/raw/7"));
    assert!(own.credential && own.stream);
    assert_eq!(sent(second("raw/7")).url.as_str(), "https://api.acme.example/v1/raw/7");
    assert!(!sent(second("https://a.cdn.example/x?sig=a%2Fb")).credential);
    assert!(!sent(second("https://api.acme.example/v10/raw")).credential);
    for evil in [
        "https://api.acme.example.evil/v1",
        "http://169.254.169.254/",
        "//evil.example/x",
        "file:///etc/passwd",
    ] {
        assert_eq!(failed(second(evil)).kind, FaultKind::UpstreamBlocked, "{evil}");
    }
    assert_eq!(failed(second("")).kind, FaultKind::UpstreamError);
}

#[test]
fn a_chunk_as_json() {
    let mut machine = call_on(download(None), json!({"id": "7", "_airbyte_response_type": "json"})).unwrap();
    let request = machine.start();
    assert!(!request.stream && request.headers["range"] == "bytes=0-49151");
    let (chunk, _) = done(machine.answer(206, &[("content-range", "bytes 0-1/2")], "hi"));
    assert_eq!(
        chunk,
        json!({"content": "aGk=", "encoding": "base64", "bytes_returned": 2, "range_requested": "bytes=0-49151", "next_range_header": null, "has_more": false, "content_type": null})
    );
}
