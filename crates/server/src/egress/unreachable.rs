//! Why there is no answer, from the errors of the HTTP client.
//!
//! Knows the error types of hyper, h2, rustls and tokio. Lets none of their texts pass: they may hold a URL and with it a secret.

use super::resolve::Refused;
use h2::Reason;
use hyper_util::client::legacy;
use keybearer_connector::call::Unreachable;
use rustls::CertificateError;
use std::error::Error;
use std::io;
use std::iter::successors;
use tokio::time::error::Elapsed;

type Cause = dyn Error + 'static;

/// The kind of an error of the client or of a body.
pub(super) fn reason(error: &Cause) -> Unreachable {
    if let Some(refused) = chain(error).find_map(<dyn Error>::downcast_ref::<Refused>) {
        Unreachable::Blocked(refused.to_string())
    } else if error.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect) {
        unconnected(error)
    } else if chain(error).any(is_timeout) {
        Unreachable::TimedOut
    } else {
        Unreachable::Broken
    }
}

fn unconnected(error: &Cause) -> Unreachable {
    if chain(error).any(is_timeout) {
        Unreachable::ConnectTimedOut
    } else if let Some(why) = chain(error).find_map(untrusted) {
        Unreachable::Untrusted(why)
    } else {
        Unreachable::Connect
    }
}

/// What is wrong with a certificate, after "its certificate".
fn untrusted(error: &Cause) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(why) = wrapped(error)? else { return None };
    Some(match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not from an authority that this machine trusts"
        }
        CertificateError::Revoked => "was revoked",
        _ => "cannot be trusted",
    })
}

/// An error of TLS, which I/O errors wrap and hide from `source`.
fn wrapped(mut error: &Cause) -> Option<&rustls::Error> {
    while let Some(outer) = error.downcast_ref::<io::Error>() {
        error = outer.get_ref()?;
    }
    error.downcast_ref()
}

/// The error and what caused it, from the outside in.
fn chain(error: &Cause) -> impl Iterator<Item = &Cause> {
    successors(Some(error), |&error| error.source())
}

fn is_timeout(error: &Cause) -> bool {
    error.is::<Elapsed>()
        || error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout)
        || error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// True when the provider says of a request that it did nothing with it: a graceful GOAWAY that leaves the stream out,
/// or REFUSED_STREAM (RFC 9113 sections 6.8 and 8.7).
pub(super) fn was_not_processed(error: &legacy::Error) -> bool {
    chain(error).filter_map(<dyn Error>::downcast_ref::<h2::Error>).any(|error| {
        error.is_remote()
            && ((error.is_go_away() && error.reason() == Some(Reason::NO_ERROR))
                || (error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)))
    })
}
