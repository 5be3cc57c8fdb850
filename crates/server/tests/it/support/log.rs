//! Everything that the server logs at the finest level while tests run, so that secrets can be looked for in it.
//!
//! Knows where log lines go. Must not know what they say. Other crates' finest lines are left out, as `observe` does.

use std::io::Write;
use std::sync::{Mutex, Once};
use tracing_subscriber::EnvFilter;

static START: Once = Once::new();
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to keep lines; once for all tests of the process.
pub(crate) fn keep() {
    START.call_once(|| {
        let filter = EnvFilter::new("warn,keybearer=trace,keybearer_connector=trace");
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Keep).init();
    });
}

/// Where the log ends now.
pub(crate) fn end() -> usize {
    LINES.lock().unwrap().len()
}

/// What was logged since then, by all tests that run.
pub(crate) fn since(start: usize) -> String {
    String::from_utf8_lossy(&LINES.lock().unwrap()[start..]).into_owned()
}
