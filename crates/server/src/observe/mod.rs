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
const CEILINGS: [(&str, LevelFilter); 8] = [
    ("hyper", LevelFilter::WARN),
    ("h2", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
    ("tower", LevelFilter::WARN),
    ("axum", LevelFilter::WARN),
    ("tokio", LevelFilter::WARN),
    ("mio", LevelFilter::WARN),
    ("sqlx", LevelFilter::DEBUG),
];

/// From now on a panic is logged by its place alone: its message may quote whatever was being handled.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(
            place = place(panic),
            "a task panicked; its message is not shown, because it may hold a secret"
        );
    }));
}

fn place(panic: &std::panic::PanicHookInfo<'_>) -> String {
    panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

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
    match started {
        Ok(()) => log_panics(),
        Err(_) => tracing::debug!("something else logs already"),
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
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_panic_is_told_by_its_place_and_not_by_its_message() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| kept.lock().unwrap().push(super::place(panic))));
        let text = String::from("é secret-of-a-user");
        // Slicing inside a character quotes the whole text in its message.
        let panicked = std::panic::catch_unwind(|| text[1..].len());
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let told = told.lock().unwrap().join("");
        assert!(told.contains("observe/mod.rs:") && !told.contains("secret"), "{told}");
    }

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
