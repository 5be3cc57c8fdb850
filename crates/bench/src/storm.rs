//! Many calls that wait for one refresh.
//!
//! Knows a connector whose access token has ended, and an upstream that takes its time for a new one. Must not know how
//! the server keeps it to one token request.

use crate::children::Running;
use crate::client::{self, Connection};
use crate::definition;
use crate::keybearer::{Keybearer, Setting};
use crate::load;
use crate::rounds::SMALL_BYTES;
use crate::upstream::SMALL;
use anyhow::{Context, Result};
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// What one storm did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storm {
    pub(crate) calls: u32,
    /// Requests to the token endpoint.
    pub(crate) refreshes: u32,
    /// Microseconds of the server's CPU time per call.
    pub(crate) cpu: f64,
    /// The most bytes that the server held while it lasted, and what it held before.
    pub(crate) peak: u64,
    pub(crate) before: u64,
    /// From the first call to the last answer, the refresh included.
    pub(crate) elapsed: Duration,
}

/// `rounds` storms of `calls` calls, each call on a connection of its own, by CPU time.
pub(crate) async fn run(binary: &Path, calls: u32, rounds: usize) -> Result<Vec<Storm>> {
    let (_upstream, upstream) = Running::role(&["upstream"], None)?;
    let server = Keybearer::start(binary, upstream, &Setting::default()).await?;
    // What is made once (connections to the upstream, first compilation) is made here.
    load::run(&server.target(SMALL, SMALL_BYTES), 64, 2_000).await?;
    let mut storms = Vec::new();
    for round in 0..rounds {
        storms.push(storm(&server, upstream, calls, round).await?);
    }
    storms.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
    Ok(storms)
}

async fn storm(server: &Keybearer, upstream: SocketAddr, calls: u32, round: usize) -> Result<Storm> {
    let ended = json!({
        "access_token": "an-access-token-that-has-ended",
        "refresh_token": "a-refresh-token-of-an-ordinary-length",
        "client_id": "bench", "client_secret": "bench-secret",
        "expires_at": "2026-01-01T00:00:00Z"
    });
    let connector = server.connect(&format!("user-{round}"), definition::OAUTH_NAME, &ended).await?;
    let target = server.target_of(&[connector], SMALL, SMALL_BYTES);
    // Open before the measuring begins: it is about waiting, not about connecting.
    let connections = load::open(server.address, calls).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let running = &server.running;
    let refreshes = tokens_given(upstream).await?;
    running.forget_peak()?;
    let (cpu, before, started) = (running.cpu()?, running.resident()?, load::now());
    // Every answer but 200 is an error here.
    load::run_on(connections, &target, calls).await?;
    let elapsed = started.elapsed();
    let cpu = running.cpu()?.saturating_sub(cpu);
    Ok(Storm {
        calls,
        refreshes: tokens_given(upstream).await? - refreshes,
        cpu: cpu.as_secs_f64() * 1e6 / f64::from(calls),
        peak: running.peak()?,
        before,
        elapsed,
    })
}

async fn tokens_given(upstream: SocketAddr) -> Result<u32> {
    let request = client::request("GET", "/token", upstream, None, "");
    let mut connection = Connection::open(upstream).await?;
    let answer = connection.exchange(&request).await?;
    String::from_utf8_lossy(answer.body).parse().context("the upstream does not count")
}
