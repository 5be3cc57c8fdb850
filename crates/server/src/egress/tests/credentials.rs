//! Secrets go to the connector's own origin and nowhere else.

use super::*;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, LOCATION};
use keybearer_connector::call::Attachment;
use keybearer_connector::plan::HostPattern;
use proptest::prelude::*;
use secrecy::SecretString;

fn attachment(query_value: &str) -> Attachment {
    Attachment {
        headers: vec![
            (AUTHORIZATION, HeaderValue::from_static("Bearer s3cret")),
            (HeaderName::from_static("x-api-key"), HeaderValue::from_static("s3cret")),
        ],
        query: vec![("key".to_owned(), SecretString::from(query_value))],
        path: None,
        body: None,
    }
}

fn wanting(url: Url) -> Unsigned {
    Unsigned { credential: true, ..get(url) }
}

#[tokio::test]
async fn the_own_origin_gets_them_when_the_request_wants_them() {
    let upstream = Upstream::ok().await;
    let (egress, reach) = (egress(), Reach::only(&upstream.url("/")));
    let secret = attachment("s3 cret&x=y");
    let mut request = wanting(upstream.url("/a?b=c"));
    request.headers.insert(AUTHORIZATION, HeaderValue::from_static("given by the caller"));
    egress.send(egress.admit(request, &reach).unwrap().attach(&secret), PATIENCE).await.unwrap();
    let unwanted = egress.admit(get(upstream.url("/a")), &reach).unwrap();
    egress.send(unwanted.attach(&secret), PATIENCE).await.unwrap();
    let client = egress.admit(get(upstream.url("/token")), &reach).unwrap();
    egress.send(client.attach_client(&secret), PATIENCE).await.unwrap();

    let seen = upstream.seen();
    assert!(seen[0].starts_with("GET /a?b=c&key=s3+cret%26x%3Dy HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].contains("\r\nauthorization: Bearer s3cret\r\n") && !seen[0].contains("given by"));
    assert!(seen[0].contains("\r\nx-api-key: s3cret\r\n"));
    assert!(!seen[1].contains("cret"), "{}", seen[1]);
    assert!(seen[2].contains("\r\nauthorization: Bearer s3cret\r\n"));
}

#[tokio::test]
async fn a_listed_host_gets_none() {
    let (own, files) = (Upstream::ok().await, Upstream::ok().await);
    let egress = egress();
    let reach = Reach::new(&own.url("/"), &[HostPattern::Exact(files.address.to_string())]);
    for attach in [super::super::Admitted::attach, super::super::Admitted::attach_client] {
        let admitted = egress.admit(wanting(files.url("/file")), &reach).unwrap();
        egress.send(attach(admitted, &attachment("s3cret")), PATIENCE).await.unwrap();
    }
    assert_eq!(files.seen().len(), 2);
    assert!(files.seen().iter().all(|request| !request.contains("cret")), "{:?}", files.seen());
}

/// Behind one address there may be many tenants.
#[tokio::test]
async fn a_credential_cannot_set_the_host() {
    let upstream = Upstream::ok().await;
    let (egress, reach) = (egress(), Reach::only(&upstream.url("/")));
    let mut secret = attachment("s3cret");
    secret.headers.push((HOST, HeaderValue::from_static("evil.test")));
    let signed = egress.admit(wanting(upstream.url("/")), &reach).unwrap().attach(&secret);
    egress.send(signed, PATIENCE).await.unwrap();
    let seen = upstream.seen().remove(0);
    assert!(
        seen.contains(&format!("\r\nhost: {}\r\n", upstream.address)) && !seen.contains("evil"),
        "{seen}"
    );
}

#[tokio::test]
async fn redirects_are_answers() {
    let trap = Upstream::ok().await;
    let location = trap.url("/steal");
    for status in
        ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let upstream = Upstream::saying(answer).await;
        let reach = Reach::new(&upstream.url("/"), &[HostPattern::Exact(trap.address.to_string())]);
        let egress = egress();
        let signed = egress.admit(wanting(upstream.url("/")), &reach).unwrap().attach(&attachment("s3cret"));
        let Ok(Received::Whole(response)) = egress.send(signed, PATIENCE).await else { panic!("{status}") };
        assert!(response.status.is_redirection());
        assert_eq!(response.headers.get(LOCATION).unwrap(), location.as_str());
    }
    assert_eq!(trap.connections(), 0);
}

proptest! {
    /// Whatever a secret contains, it cannot lead the request elsewhere.
    #[test]
    fn attaching_keeps_the_origin(secret in ".*", place: bool, path in "(/[a-z%.@:?#\\\\]{0,8}){0,3}") {
        let base = url("https://api.example.com:8443/v1/");
        let reach = Reach::only(&base);
        let egress = DOOR.get_or_init(|| Egress::new(limits(&[])).unwrap());
        let target = url(&format!("https://api.example.com:8443{path}"));
        let admitted = egress.admit(wanting(target.clone()), &reach).unwrap();
        let mut attachment = attachment(&secret);
        if place {
            attachment.path = Some(SecretString::from(secret));
        }
        let signed = admitted.attach(&attachment);
        prop_assert_eq!(signed.request.url.origin(), base.origin());
        prop_assert_eq!(signed.request.url.username(), "");
        prop_assert!(place || signed.request.url.path() == target.path());
    }
}

static DOOR: std::sync::OnceLock<Egress> = std::sync::OnceLock::new();
