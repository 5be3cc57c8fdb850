//! The comparison: the proxy and Keybearer in turns, and the medians.
//!
//! Knows which runs are made and in which order. Must not know how numbers are printed.

use crate::children::Running;
use crate::client;
use crate::keybearer::{self, Keybearer, Setting};
use crate::load::{self, Run, Target};
use crate::proxy::Stack;
use crate::upstream::{LARGE, SMALL};
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) connections: u32,
    pub(crate) rounds: usize,
    /// Of a run with small answers.
    pub(crate) requests: u32,
}

/// Medians of one server at one size.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    /// Requests in a second.
    pub(crate) throughput: f64,
    /// Milliseconds.
    pub(crate) p50: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
    /// Microseconds of the server's CPU time per request.
    pub(crate) cpu: f64,
}

/// The servers at one size.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) label: &'static str,
    pub(crate) requests: u32,
    pub(crate) proxy: Numbers,
    /// The proxy on hyper-util's client.
    pub(crate) lean: Numbers,
    pub(crate) keybearer: Numbers,
}

/// Sizes of the upstream's answers in bytes: a little below, to notice when something is missing.
pub(crate) const SMALL_BYTES: usize = 1_900;
const LARGE_BYTES: usize = 95_000;
/// Name, records and bytes of the answers that are compared.
pub(crate) const SIZES: [(&str, usize, usize); 2] =
    [("2 kB", SMALL, SMALL_BYTES), ("100 kB", LARGE, LARGE_BYTES)];
/// Turns of a server in one run.
const SLICES: u32 = 10;
/// What the servers do after the last answer belongs to the requests too (batched log entries).
const AFTERMATH: Duration = Duration::from_millis(600);

/// Starts everything, measures small answers, then large ones.
pub(crate) async fn run(binary: &Path, plan: &Plan) -> Result<Vec<Comparison>> {
    let (_upstream, upstream) = Running::role(&["upstream"], None)?;
    let (proxy, proxy_address) = proxy(upstream, Stack::Reqwest, None)?;
    let (lean, lean_address) = self::proxy(upstream, Stack::HyperUtil, None)?;
    let keybearer = Keybearer::start(binary, upstream, &Setting::default()).await?;
    let mut comparisons = Vec::new();
    for ((label, records, bytes), requests) in SIZES.into_iter().zip([plan.requests, plan.requests / 2]) {
        let servers = [
            (&proxy, proxy_target(proxy_address, records, bytes)),
            (&lean, proxy_target(lean_address, records, bytes)),
            (&keybearer.running, keybearer.target(records, bytes)),
        ];
        for (_, target) in &servers {
            load::run(target, plan.connections, requests / 5).await?;
        }
        let mut runs = [const { Vec::new() }; 3];
        for _ in 0..plan.rounds {
            for (run, runs) in round(&servers, plan.connections, requests).await?.into_iter().zip(&mut runs) {
                runs.push(run);
            }
        }
        let [proxy, lean, keybearer] = runs.map(|runs| medians(&runs));
        comparisons.push(Comparison { label, requests, proxy, lean, keybearer });
    }
    Ok(comparisons)
}

/// A run of each server, in slices that take turns: a slow moment of the machine lasts longer than one of them.
async fn round(servers: &[(&Running, Target)], connections: u32, requests: u32) -> Result<Vec<Numbers>> {
    let cpu = || servers.iter().map(|(process, _)| process.cpu()).collect::<Result<Vec<_>>>();
    let before = cpu()?;
    let mut slices: Vec<Vec<Run>> = servers.iter().map(|_| Vec::new()).collect();
    for _ in 0..SLICES {
        for ((_, target), slices) in servers.iter().zip(&mut slices) {
            slices.push(load::run(target, connections, requests / SLICES).await?);
        }
    }
    tokio::time::sleep(AFTERMATH).await;
    let spent = cpu()?.into_iter().zip(before).map(|(after, before)| after.saturating_sub(before));
    let numbers = |(slices, cpu)| numbers(&Run::whole(slices), cpu);
    Ok(slices.into_iter().zip(spent).map(numbers).collect())
}

fn numbers(run: &Run, cpu: Duration) -> Numbers {
    Numbers {
        throughput: run.throughput(),
        p50: run.percentile(50).as_secs_f64() * 1e3,
        p99: run.percentile(99).as_secs_f64() * 1e3,
        cpu: cpu.as_secs_f64() * 1e6 / f64::from(run.requests),
    }
}

/// A proxy of its own process, and where it listens.
pub(crate) fn proxy(
    upstream: SocketAddr,
    stack: Stack,
    under: Option<&[String]>,
) -> Result<(Running, SocketAddr)> {
    Running::role(&["proxy", &upstream.to_string(), stack.name()], under)
}

/// What the proxy is asked: the same body, the same records.
pub(crate) fn proxy_target(address: SocketAddr, records: usize, bytes: usize) -> Target {
    let path = format!("/execute?limit={records}");
    let request = client::request("POST", &path, address, None, &keybearer::body(records));
    Target { address, requests: [request].into(), status: 200, at_least: bytes }
}

pub(crate) async fn measure(
    process: &Running,
    target: &Target,
    connections: u32,
    requests: u32,
) -> Result<Numbers> {
    let before = process.cpu()?;
    let run = load::run(target, connections, requests).await?;
    tokio::time::sleep(AFTERMATH).await;
    Ok(numbers(&run, process.cpu()?.saturating_sub(before)))
}

pub(crate) fn medians(runs: &[Numbers]) -> Numbers {
    let of = |number: fn(&Numbers) -> f64| {
        let mut numbers: Vec<_> = runs.iter().map(number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    };
    Numbers {
        throughput: of(|run| run.throughput),
        p50: of(|run| run.p50),
        p99: of(|run| run.p99),
        cpu: of(|run| run.cpu),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_number_by_number() {
        let run = |throughput, cpu| Numbers { throughput, cpu, ..Numbers::default() };
        let median = medians(&[run(1.0, 30.0), run(9.0, 10.0), run(5.0, 20.0)]);
        assert_eq!((median.throughput.round(), median.cpu.round()), (5.0, 20.0));
    }
}
