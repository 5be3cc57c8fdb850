//! A certificate authority of a test's own: the few lines of X.509 (RFC 5280) that a server certificate needs, with
//! Ed25519 keys (RFC 8410).
//!
//! Written by hand because the crates that make certificates bring a second time library, which `deny.toml` forbids.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, TrustAnchor};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::sync::Arc;

/// The end of what is good for as long as these tests live: dates with two digits for the year end here.
pub(super) const LONG: &str = "491231235959Z";
/// An end that has passed.
pub(super) const PAST: &str = "200102000000Z";

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 2;
const BIT_STRING: u8 = 3;
const OCTET_STRING: u8 = 4;
const OBJECT: u8 = 6;
const UTF8: u8 = 12;
const TIME: u8 = 23;
const ED25519: &[u8] = &[43, 101, 112];
const COMMON_NAME: &[u8] = &[85, 4, 3];
const ALTERNATIVE_NAME: &[u8] = &[85, 29, 17];

pub(super) struct Authority(Ed25519KeyPair);

impl Authority {
    pub(super) fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    /// A client that trusts this authority and no other.
    pub(super) fn client(&self) -> ClientConfig {
        let root = TrustAnchor {
            subject: name().into(),
            subject_public_key_info: public_key(&self.0).into(),
            name_constraints: None,
        };
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore { roots: vec![root] })
            .with_no_client_auth()
    }

    /// A server that calls itself `host` and offers these protocols.
    pub(super) fn server(&self, host: &str, until: &str, protocols: &[&str]) -> ServerConfig {
        let key = Ed25519KeyPair::generate().unwrap();
        let private = PrivatePkcs8KeyDer::from(key.to_pkcs8().unwrap().as_ref().to_vec());
        let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate(&key, host, until)], private.into())
            .unwrap();
        server.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        server
    }

    fn certificate(&self, key: &Ed25519KeyPair, host: &str, until: &str) -> CertificateDer<'static> {
        let algorithm = der(SEQUENCE, &[&der(OBJECT, &[ED25519])]);
        let host = der(SEQUENCE, &[&der(0x82, &[host.as_bytes()])]);
        let extension = der(SEQUENCE, &[&der(OBJECT, &[ALTERNATIVE_NAME]), &der(OCTET_STRING, &[&host])]);
        let content = der(
            SEQUENCE,
            &[
                &der(0xa0, &[&der(INTEGER, &[&[2]])]), // version 3
                &der(INTEGER, &[&[1]]),
                &algorithm,
                &der(SEQUENCE, &[&name()]),
                &der(SEQUENCE, &[&der(TIME, &[b"200101000000Z"]), &der(TIME, &[until.as_bytes()])]),
                &der(SEQUENCE, &[]),
                &der(SEQUENCE, &[&public_key(key)]),
                &der(0xa3, &[&der(SEQUENCE, &[&extension])]),
            ],
        );
        let signature = bits(self.0.sign(&content).as_ref());
        der(SEQUENCE, &[&content, &algorithm, &signature]).into()
    }
}

/// The authority's name, without the sequence around it. All have the same: the key makes the difference.
fn name() -> Vec<u8> {
    der(SET, &[&der(SEQUENCE, &[&der(OBJECT, &[COMMON_NAME]), &der(UTF8, &[b"Test authority"])])])
}

/// A `SubjectPublicKeyInfo`, without the sequence around it.
fn public_key(key: &Ed25519KeyPair) -> Vec<u8> {
    [der(SEQUENCE, &[&der(OBJECT, &[ED25519])]), bits(key.public_key().as_ref())].concat()
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    der(BIT_STRING, &[&[0], bytes])
}

/// Tag, length and content.
fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content].concat()
}
