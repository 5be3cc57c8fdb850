//! The load generator: a fixed number of requests over a fixed number of kept connections.
//!
//! Knows requests as bytes and times. Must not know which server it loads.

use crate::client::Connection;
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What is asked, over and over.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// A whole request.
    pub(crate) request: Arc<[u8]>,
    /// Every answer is at least this long, or something is wrong.
    pub(crate) at_least: usize,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Run {
    elapsed: Duration,
    requests: u32,
    /// One for each request, ascending.
    latencies: Vec<Duration>,
}

/// A run that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// Sends `requests` requests, `connections` at a time. Any answer but 200 ends the run.
pub(crate) async fn run(target: &Target, connections: u32, requests: u32) -> Result<Run> {
    let left = Arc::new(AtomicU32::new(requests));
    let mut open = Vec::new();
    for _ in 0..connections.min(requests) {
        open.push(Connection::open(target.address).await?);
    }
    let started = now();
    let mut workers = JoinSet::new();
    for connection in open {
        workers.spawn(work(connection, target.clone(), Arc::clone(&left)));
    }
    let mut latencies = Vec::new();
    let all = async {
        while let Some(done) = workers.join_next().await {
            latencies.extend(done??);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, all).await.context("the run took too long")??;
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    Ok(Run { elapsed, requests, latencies })
}

async fn work(mut connection: Connection, target: Target, left: Arc<AtomicU32>) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let started = now();
        let answer = connection.exchange(&target.request).await?;
        latencies.push(started.elapsed());
        if answer.status != 200 || answer.body.len() < target.at_least {
            bail!("{} answered {}: {}", target.address, answer.status, String::from_utf8_lossy(answer.body));
        }
    }
    Ok(latencies)
}

impl Run {
    /// Requests in a second.
    pub(crate) fn throughput(&self) -> f64 {
        f64::from(self.requests) / self.elapsed.as_secs_f64()
    }

    /// The latency that `percent` of the requests do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let position = self.latencies.len().saturating_sub(1) * percent / 100;
        self.latencies.get(position).copied().unwrap_or_default()
    }
}

/// The time, for measuring.
#[expect(clippy::disallowed_methods, reason = "measuring time is what a load generator is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let latencies = (1..=101).map(Duration::from_millis).collect();
        let run = Run { elapsed: Duration::from_secs(2), requests: 101, latencies };
        assert_eq!(run.percentile(50), Duration::from_millis(51));
        assert_eq!(run.percentile(99), Duration::from_millis(100));
        assert_eq!(run.percentile(100), Duration::from_millis(101));
        assert!((run.throughput() - 50.5).abs() < 1e-9);
    }
}
