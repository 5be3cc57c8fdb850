//! Where time and random bytes come from: two closures that the embedder hands in.
//! The only place of this crate that may touch the machine's clock or entropy; it knows nothing of what they are for.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// A source of wall-clock time, in milliseconds since the Unix epoch.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that answers what `now_ms` answers: milliseconds since the Unix epoch.
    pub fn new(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// The machine's clock; times before 1970 read as 0.
    pub fn system() -> Self {
        Self::new(|| {
            #[expect(clippy::disallowed_methods, reason = "the one real clock of this crate")]
            let now = SystemTime::now();
            let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

/// A source of random bytes; tokens, codes and consent requests are made from it.
#[derive(Clone)]
pub struct Random(Arc<Fill>);

type Fill = dyn Fn(&mut [u8]) + Send + Sync;

impl Random {
    /// A source that fills the whole slice with what `fill` puts there.
    pub fn new(fill: impl Fn(&mut [u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// The machine's entropy. Like `getrandom`, it waits until there is some.
    pub fn system() -> Self {
        Self::new(|into| {
            while aws_lc_rs::rand::fill(into).is_err() {
                std::thread::yield_now();
            }
        })
    }

    pub(crate) fn fill(&self, into: &mut [u8]) {
        (self.0)(into);
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
