//! Logs: to stderr, as text for a person or as JSON lines for a machine.
//!
//! Knows the filter and its ceiling. Libraries that handle raw requests would print tokens and URLs at their lowest
//! levels, so they are capped whatever the filter says.

use std::io::IsTerminal;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Libraries and the lowest level that they may log at. None of them prints headers, URLs or bound values at it.
const CEILINGS: [(&str, LevelFilter); 9] = [
    ("hyper", LevelFilter::WARN),
    ("h2", LevelFilter::WARN),
    ("reqwest", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
    ("tower", LevelFilter::WARN),
    ("axum", LevelFilter::WARN),
    ("tokio", LevelFilter::WARN),
    ("mio", LevelFilter::WARN),
    ("sqlx", LevelFilter::DEBUG),
];

/// Starts logging. Does nothing when something else in the process logs already.
pub fn start(filter: &str) {
    let filter = EnvFilter::builder().parse_lossy(filter);
    let stderr = std::io::stderr;
    let started = if stderr().is_terminal() {
        let layer = tracing_subscriber::fmt::layer().with_writer(stderr);
        tracing_subscriber::registry()
            .with(filter)
            .with(layer.with_filter(filter_fn(below_ceiling)))
            .try_init()
    } else {
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(stderr);
        tracing_subscriber::registry()
            .with(filter)
            .with(layer.with_filter(filter_fn(below_ceiling)))
            .try_init()
    };
    if started.is_err() {
        tracing::debug!("something else logs already");
    }
}

fn below_ceiling(event: &Metadata<'_>) -> bool {
    let target = event.target();
    let ceiling = CEILINGS.iter().find(|(name, _)| {
        target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_']))
    });
    ceiling.is_none_or(|(_, ceiling)| *event.level() <= *ceiling)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ceiling_names_whole_crates() {
        let capped = |target: &str| {
            super::CEILINGS.iter().any(|(name, _)| {
                target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '_']))
            })
        };
        assert!(capped("hyper::proto::h1") && capped("hyper_util::client") && capped("h2"));
        assert!(!capped("keybearer::core") && !capped("hyperion"));
    }
}
