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
    /// Whole requests, which are sent in a mixed order.
    pub(crate) requests: Arc<[Vec<u8>]>,
    /// The status of every answer, or something is wrong.
    pub(crate) status: u16,
    /// Every answer is at least this long, or something is wrong.
    pub(crate) at_least: usize,
}

impl Target {
    /// The request with that number. Neighbours lie far apart, so that a long list is walked all over.
    pub(crate) fn request(&self, number: u32) -> &[u8] {
        // A large prime: it divides no list's length, so as many numbers as the list is long reach all of it.
        let position = u64::from(number) * 2_654_435_761 % (self.requests.len().max(1) as u64);
        let request = usize::try_from(position).ok().and_then(|position| self.requests.get(position));
        request.map(Vec::as_slice).unwrap_or_default()
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Run {
    elapsed: Duration,
    pub(crate) requests: u32,
    /// One for each request, ascending.
    latencies: Vec<Duration>,
}

/// A run that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// Sends `requests` requests, `connections` at a time. Any answer but the target's ends the run.
pub(crate) async fn run(target: &Target, connections: u32, requests: u32) -> Result<Run> {
    run_on(open(target.address, connections.min(requests)).await?, target, requests).await
}

/// So many connections.
pub(crate) async fn open(address: SocketAddr, number: u32) -> Result<Vec<Connection>> {
    let mut open = Vec::new();
    for _ in 0..number {
        open.push(Connection::open(address).await?);
    }
    Ok(open)
}

/// [`run`], on connections that are open already.
pub(crate) async fn run_on(open: Vec<Connection>, target: &Target, requests: u32) -> Result<Run> {
    let left = Arc::new(AtomicU32::new(requests));
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
    while let Ok(number) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
    {
        let started = now();
        let answer = connection.exchange(target.request(number)).await?;
        latencies.push(started.elapsed());
        if !target.accepts(answer.status) || answer.body.len() < target.at_least {
            bail!("{} answered {}: {}", target.address, answer.status, String::from_utf8_lossy(answer.body));
        }
    }
    Ok(latencies)
}

impl Target {
    /// Whether an answer is the one that is measured. Of many refused credentials the later ones are 429.
    pub(crate) fn accepts(&self, status: u16) -> bool {
        status == self.status || (self.status == 401 && status == 429)
    }
}

impl Run {
    /// One run that was made in slices.
    pub(crate) fn whole(slices: Vec<Self>) -> Self {
        let mut whole = Self { elapsed: Duration::ZERO, requests: 0, latencies: Vec::new() };
        for slice in slices {
            whole.elapsed += slice.elapsed;
            whole.requests += slice.requests;
            whole.latencies.extend(slice.latencies);
        }
        whole.latencies.sort_unstable();
        whole
    }

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
    fn every_request_has_its_turn() {
        for length in [1, 2, 1_000, 4_096] {
            let requests: Vec<Vec<u8>> =
                (0..length).map(|number: u32| number.to_be_bytes().to_vec()).collect();
            let address = SocketAddr::from(([127, 0, 0, 1], 9));
            let target = Target { address, requests: requests.into(), status: 200, at_least: 0 };
            let seen: std::collections::BTreeSet<&[u8]> =
                (1..=length).map(|number| target.request(number)).collect();
            assert_eq!(seen.len(), length as usize);
        }
    }

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
