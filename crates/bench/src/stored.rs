//! The cost of an execute beside the number of stored connectors.
//!
//! Knows servers with 1 to a million connectors, and which of them are called. Must not know how they got there (`seed`).
//!
//! Warm: the calls spread over a working set, which each server has in memory: [`WORKING_SET`] connectors from all over
//! the stored ones (one where only one is stored). Cold: each connector is called once, so each call reads its row and opens its credential; and they
//! are more than the server keeps in memory, so that what it holds afterwards is what it holds at most.

use crate::children::Running;
use crate::keybearer::{Keybearer, Setting};
use crate::load::{self, Target};
use crate::rounds::{Numbers, Plan, SMALL_BYTES, measure, medians};
use crate::seed::{copy, seed};
use crate::upstream::SMALL;
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;

/// How many connectors are stored.
const STORED: [u32; 4] = [1, 1_000, 100_000, 1_000_000];
/// How many of them are called in turns.
pub(crate) const WORKING_SET: u32 = 1_000;
/// How many are called once.
const COLD: u32 = 25_000;

/// What was measured with so many connectors.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) number: u32,
    pub(crate) warm: Numbers,
    /// Microseconds of CPU time of a call that finds nothing in memory.
    pub(crate) cold: Option<f64>,
    /// Bytes that the server held at the end.
    pub(crate) resident: u64,
}

struct Loaded {
    number: u32,
    server: Keybearer,
    warm: Target,
    runs: Vec<Numbers>,
}

/// All sizes; the servers take turns.
pub(crate) async fn run(binary: &Path, plan: &Plan) -> Result<Vec<Stored>> {
    let (_upstream, upstream) = Running::role(&["upstream"], None)?;
    let requests = plan.requests / 2;
    let mut servers = Vec::new();
    for number in STORED {
        let mut server = start(binary, upstream, number).await?;
        load::run(&server.warm, plan.connections, requests.max(4 * WORKING_SET)).await?;
        server.runs.reserve(plan.rounds);
        servers.push(server);
    }
    for _ in 0..plan.rounds {
        for server in &mut servers {
            let run = measure(&server.server.running, &server.warm, plan.connections, requests).await?;
            server.runs.push(run);
        }
    }
    let mut stored = Vec::new();
    for Loaded { number, server, runs, .. } in servers {
        let cold = if number > 2 * COLD { Some(cold(&server, number, plan).await?) } else { None };
        stored.push(Stored { number, warm: medians(&runs), cold, resident: server.running.resident()? });
    }
    Ok(stored)
}

async fn start(binary: &Path, upstream: SocketAddr, number: u32) -> Result<Loaded> {
    let server = Keybearer::start(binary, upstream, &Setting::default()).await?;
    let server = server.again(binary, async |data, connector| seed(&data, &connector, number).await).await?;
    let called = WORKING_SET.min(number);
    let connectors = spread(&server.connector, called, number, 0)?;
    let warm = server.target_of(&connectors, SMALL, SMALL_BYTES);
    Ok(Loaded { number, server, warm, runs: Vec::new() })
}

async fn cold(server: &Keybearer, number: u32, plan: &Plan) -> Result<f64> {
    // One beside those of the working set.
    let connectors = spread(&server.connector, COLD, number, 1)?;
    let target = server.target_of(&connectors, SMALL, SMALL_BYTES);
    Ok(measure(&server.running, &target, plan.connections, COLD).await?.cpu)
}

/// `called` of `stored` connectors at even distances.
fn spread(first: &str, called: u32, stored: u32, offset: u32) -> Result<Vec<String>> {
    (0..called).map(|position| copy(first, position * (stored / called) + offset)).collect()
}
