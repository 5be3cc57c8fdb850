//! TLS: whom it trusts, how long it may take, and that HTTP/1.1 goes over it as well.

use super::authority::{Authority, LONG, PAST};
use super::tls_upstream::{HOST, TlsUpstream, door, ok};
use super::upstream::read_request;
use super::*;
use rustls::ServerConfig;
use std::future::pending;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Takes one connection and answers one request; gives what it was asked, nothing where TLS did not come about.
async fn once(config: ServerConfig) -> (Url, JoinHandle<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = url(&format!("https://{HOST}:{}/v1", listener.local_addr().unwrap().port()));
    let asked = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut tls = TlsAcceptor::from(Arc::new(config)).accept(socket).await.ok()?;
        let asked = read_request(&mut tls).await?;
        tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        Some(asked)
    });
    (target, asked)
}

#[tokio::test]
async fn http1_where_the_server_does_not_offer_http2() {
    let authority = Authority::new();
    for protocols in [&["http/1.1"][..], &[]] {
        let (target, asked) = once(authority.server(HOST, LONG, protocols)).await;
        let mut request = get(target.clone());
        request.method = Method::POST;
        request.body = Bytes::from_static(b"abc");
        let response = whole(&door(&authority, limits(&["127.0.0.0/8"])), request).await.unwrap();
        assert_eq!(&*response.body, b"ok");
        let asked = asked.await.unwrap().unwrap();
        assert!(asked.starts_with("POST /v1 HTTP/1.1\r\n") && asked.ends_with("\r\n\r\nabc"), "{asked}");
        assert!(asked.contains(&format!("\r\nhost: {HOST}:{}\r\n", target.port().unwrap())), "{asked}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_gets_nothing() {
    let authority = Authority::new();
    let egress = door(&authority, limits(&["127.0.0.0/8"]));
    for (config, why) in [
        (Authority::new().server(HOST, LONG, &[]), "is not from an authority that this machine trusts"),
        (authority.server("example.test", LONG, &[]), "is for another name"),
        (authority.server("*.test", LONG, &[]), "is for another name"),
        (authority.server(HOST, PAST, &[]), "has expired"),
    ] {
        let (target, asked) = once(config).await;
        assert_eq!(send(&egress, get(target)).await.unwrap_err(), Unreachable::Untrusted(why));
        assert_eq!(asked.await.unwrap(), None);
    }
    let (target, asked) = once(authority.server("*.example.test", LONG, &[])).await;
    assert!(send(&egress, get(target)).await.is_ok() && asked.await.unwrap().is_some());
}

/// The system does not know the authority.
#[tokio::test]
async fn the_door_of_production_trusts_the_systems_roots_only() {
    let (target, asked) = once(Authority::new().server(HOST, LONG, &[])).await;
    let egress = Egress::with_resolver(limits(&["127.0.0.0/8"]), Names::new(&[&["127.0.0.1"]])).unwrap();
    let error = send(&egress, get(target)).await.unwrap_err();
    assert_eq!(error, Unreachable::Untrusted("is not from an authority that this machine trusts"));
    assert_eq!(asked.await.unwrap(), None);
}

/// Answers never.
struct Silence;

impl Resolve for Silence {
    fn resolve(&self, _: &str) -> Lookup {
        Box::pin(pending())
    }
}

/// An attempt may take an hour here, so only the time limit for connecting can end it within our patience.
#[tokio::test]
async fn connecting_has_a_time_limit_of_its_own() {
    const HOUR: Duration = Duration::from_hours(1);
    let authority = Authority::new();
    let hasty =
        Limits { timeout: HOUR, connect_timeout: Duration::from_millis(100), ..limits(&["127.0.0.0/8"]) };
    // The system accepts TCP connections for a listener that never looks.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for (egress, scheme) in [
        (door(&authority, hasty.clone()), "https"),
        (Egress::with_tls(hasty.clone(), Silence, authority.client()), "https"),
        (Egress::with_tls(hasty.clone(), Silence, authority.client()), "http"),
    ] {
        let target = url(&format!("{scheme}://{HOST}:{port}/"));
        let reach = Reach::only(&target);
        let signed = egress.admit(get(target), &reach).unwrap().unauthenticated();
        let answer = tokio::time::timeout(PATIENCE, egress.send(signed, HOUR)).await;
        assert_eq!(answer.expect("an end").unwrap_err(), Unreachable::ConnectTimedOut);
    }
}

/// A certificate that would do changes nothing.
#[tokio::test]
async fn private_addresses_are_refused_before_tls() {
    let upstream = TlsUpstream::doing(|_| async { ok() }).await;
    let error = send(&upstream.door(limits(&["10.0.0.0/8"])), get(upstream.url("/"))).await.unwrap_err();
    assert!(matches!(error, Unreachable::Blocked(_)), "{error:?}");
    assert_eq!(upstream.connections(), 0);
    assert!(whole(&upstream.egress(), get(upstream.url("/"))).await.is_ok());
}
