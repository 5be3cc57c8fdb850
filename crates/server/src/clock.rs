//! Time and randomness, as values that are handed down.
//!
//! Knows the system's clock and random source, and replacements for tests. Must not know what either is used for.
//! Everything else is banned from reading them (`clippy.toml`), so a test can stop time and repeat a run.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretSlice, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Where time comes from. Clones share the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { origin: Instant },
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    now_ms: AtomicI64,
    ticks_ns: AtomicU64,
}

impl Clock {
    /// The machine's clocks.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clocks")]
    pub fn system() -> Self {
        Self(Source::System { origin: Instant::now() })
    }

    /// A clock that stands at `start_ms` (epoch milliseconds) until [`Clock::advance`] moves it.
    pub fn manual(start_ms: i64) -> Self {
        Self(Source::Manual(Arc::new(Manual {
            now_ms: AtomicI64::new(start_ms),
            ticks_ns: AtomicU64::new(0),
        })))
    }

    /// Wall time, epoch milliseconds. May step back when the machine's clock is set; for durations use [`Clock::ticks`].
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clocks")]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Source::Manual(manual) => manual.now_ms.load(Ordering::SeqCst),
        }
    }

    /// Wall time as a timestamp, to the millisecond.
    pub fn timestamp(&self) -> Timestamp {
        timestamp(self.now_ms())
    }

    /// Time since this clock was made; never steps back. For latencies and ages inside one process.
    pub fn ticks(&self) -> Duration {
        match &self.0 {
            Source::System { origin } => origin.elapsed(),
            Source::Manual(manual) => Duration::from_nanos(manual.ticks_ns.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward. A system clock moves by itself and ignores this.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.now_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
            manual.ticks_ns.fetch_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }
}

/// `2026-01-31T09:30:00Z`: RFC 3339 in UTC with `Z`; three decimals when there are milliseconds.
pub fn rfc3339(ms: i64) -> String {
    let timestamp = timestamp(ms);
    if ms % 1000 == 0 { format!("{timestamp:.0}") } else { format!("{timestamp:.3}") }
}

/// Beyond the years -9999 to 9999 the nearest end.
fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(if ms < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// Where random bytes come from. Clones share the same source.
#[derive(Clone, Debug)]
pub struct Random(Dice);

#[derive(Clone, Debug)]
enum Dice {
    System,
    Seeded { seed: u64, block: Arc<AtomicU64> },
}

impl Random {
    /// The operating system's cryptographic source.
    pub fn system() -> Self {
        Self(Dice::System)
    }

    /// A stream that is the same for the same seed. For tests: whoever knows the seed knows every secret.
    pub fn seeded(seed: u64) -> Self {
        Self(Dice::Seeded { seed, block: Arc::new(AtomicU64::new(0)) })
    }

    /// Fills the whole buffer.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Dice::System => {
                if aws_lc_rs::rand::fill(buffer).is_err() {
                    // Without randomness every key and state that would follow is guessable: nothing may go on.
                    std::process::abort();
                }
            }
            Dice::Seeded { seed, block } => {
                for chunk in buffer.chunks_mut(32) {
                    let number = block.fetch_add(1, Ordering::SeqCst);
                    let input = [seed.to_be_bytes(), number.to_be_bytes()].concat();
                    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input);
                    chunk.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }

    /// A number, each equally likely.
    pub fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// A UUID of version 7 (RFC 9562 section 5.7): sorts by the clock's time.
    pub fn uuid_v7(&self, clock: &Clock) -> String {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        let ms = u64::try_from(clock.now_ms()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid().to_string()
    }

    /// A UUID of version 4 (RFC 9562 section 5.4).
    pub fn uuid_v4(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        let uuid: Uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        uuid.to_string()
    }

    /// A secret of that many random bytes, base64url without padding (RFC 4648 section 5). 32 bytes give 43 characters.
    pub fn token(&self, bytes: usize) -> SecretString {
        let mut buffer = SecretSlice::from(vec![0; bytes]);
        self.fill(buffer.expose_secret_mut());
        SecretString::from(URL_SAFE_NO_PAD.encode(buffer.expose_secret()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn times_are_written_with_z_and_milliseconds_only_when_there_are_some() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(1_700_000_000_100), "2023-11-14T22:13:20.100Z");
        assert_eq!(rfc3339(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert!(rfc3339(i64::MAX).starts_with("9999-12-3"));
        assert!(rfc3339(i64::MIN).starts_with("-009999-01-0"));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand_and_for_all_its_clones() {
        let clock = Clock::manual(1_000);
        let twin = clock.clone();
        assert_eq!((clock.now_ms(), clock.ticks()), (1_000, Duration::ZERO));
        twin.advance(Duration::from_millis(1_500));
        assert_eq!((clock.now_ms(), clock.ticks()), (2_500, Duration::from_millis(1_500)));
        assert_eq!(clock.timestamp().to_string(), "1970-01-01T00:00:02.5Z");
    }

    #[test]
    fn seeded_streams_repeat_and_differ_by_seed() {
        let bytes = |seed| {
            let mut buffer = [0; 100];
            Random::seeded(seed).fill(&mut buffer);
            buffer
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
        let random = Random::seeded(3);
        assert_ne!(random.uuid_v4(), random.clone().uuid_v4(), "clones share one stream");
    }

    #[test]
    fn identifiers_have_their_version_and_sort_by_time() {
        let (random, clock) = (Random::system(), Clock::manual(1_700_000_000_000));
        let first = random.uuid_v7(&clock);
        clock.advance(Duration::from_millis(1));
        let second = random.uuid_v7(&clock);
        assert!(first < second, "{first} {second}");
        assert_eq!(Uuid::parse_str(&first).unwrap().get_version_num(), 7);
        assert_eq!(Uuid::parse_str(&random.uuid_v4()).unwrap().get_version_num(), 4);
    }

    #[test]
    fn tokens_are_url_safe_and_do_not_repeat() {
        let random = Random::system();
        let tokens: HashSet<String> = (0..100).map(|_| random.token(32).expose_secret().to_owned()).collect();
        assert_eq!(tokens.len(), 100);
        assert!(tokens.iter().all(|token| token.len() == 43));
        assert!(
            tokens
                .iter()
                .flat_map(|token| token.chars())
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        );
    }
}
