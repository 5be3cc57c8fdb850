//! What each kind of setting accepts.
//!
//! Knows texts and the values they stand for. Must not know setting names.

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What [`duration`] and [`positive`] accept.
pub(super) const DURATION: &str = "a duration such as 30s, 10m, 200ms or 1h";

/// What [`count`] accepts.
pub(super) const COUNT: &str = "a number from 1 to 1000000";

pub(super) fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|count| (1..=1_000_000).contains(count))
}

/// What [`rate`] accepts.
pub(super) const RATE: &str = "`off`, or a number of calls a second from 1 to 1000000";

#[expect(clippy::option_option, reason = "the outer one says whether the text is accepted")]
pub(super) fn rate(text: &str) -> Option<Option<u32>> {
    if text == "off" { Some(None) } else { count(text).map(Some) }
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.to_socket_addrs().ok()?.next())
}

pub(super) fn public_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

pub(super) fn directory(text: &str) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    path.is_dir().then_some(path)
}

pub(super) fn database_url(text: &str) -> Option<SecretString> {
    let known =
        text.starts_with("sqlite:") || text.starts_with("postgres://") || text.starts_with("postgresql://");
    known.then(|| SecretString::from(text.to_owned()))
}

pub(super) fn cidrs(text: &str) -> Option<Vec<IpNet>> {
    items(text)
        .map(|item| item.parse().ok().or_else(|| item.parse::<std::net::IpAddr>().ok().map(IpNet::from)))
        .collect()
}

pub(super) fn origins(text: &str) -> Option<Vec<String>> {
    items(text)
        .map(|item| {
            let url = Url::parse(item).ok()?;
            let origin = url.origin().ascii_serialization();
            (matches!(url.scheme(), "http" | "https") && origin == item).then_some(origin)
        })
        .collect()
}

pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if number == 0 => 0,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

pub(super) fn positive(text: &str) -> Option<Duration> {
    duration(text).filter(|duration| !duration.is_zero() && *duration <= Duration::from_hours(24 * 30))
}

/// What [`retention`] accepts.
pub(super) const RETENTION: &str = "a duration from 1d to 36500d, such as 400d";

/// At least a day: what is removed is gone, and a unit is soon mistaken.
pub(super) fn retention(text: &str) -> Option<Duration> {
    const DAY: Duration = Duration::from_hours(24);
    duration(text).filter(|duration| (DAY..=36_500 * DAY).contains(duration))
}

pub(super) fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "1" => Some(true),
        "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

pub(super) fn response_bytes(text: &str) -> Option<usize> {
    text.parse().ok().filter(|bytes| (1024..=1_073_741_824).contains(bytes))
}

pub(super) fn log_filter(text: &str) -> Option<String> {
    tracing_subscriber::EnvFilter::builder().parse(text).ok().map(|_| text.to_owned())
}

pub(super) fn client_id(text: &str) -> Option<String> {
    let printable = text.len() <= 250 && text.bytes().all(|byte| byte.is_ascii_graphic());
    (printable && !text.is_empty()).then(|| text.to_owned())
}

pub(super) fn visible(text: &str) -> Option<String> {
    (text.len() <= 4096 && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// A chosen secret is stored as a fast hash, so a short one could be guessed from a stolen database.
pub(super) fn bootstrap_secret(secret: &SecretString) -> Result<(), &'static str> {
    if secret.expose_secret().len() >= 16 {
        Ok(())
    } else {
        Err("at least 16 characters; `openssl rand -base64 32` makes a good one")
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
