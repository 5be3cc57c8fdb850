//! A flood of bad credentials: what refusing costs, and what it does to the good calls beside it.
//!
//! Knows three kinds of bad credentials. Must not know how they are told from good ones.

use crate::children::Running;
use crate::client::{self, Connection};
use crate::keybearer::{CLIENT_ID, Keybearer, Setting};
use crate::load::{self, Target};
use crate::rounds::{Numbers, Plan, SMALL_BYTES, measure, medians};
use crate::upstream::SMALL;
use anyhow::{Result, bail};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

/// What a flood did.
#[derive(Debug)]
pub(crate) struct Flood {
    pub(crate) name: &'static str,
    /// Refused calls alone.
    pub(crate) refused: Numbers,
    /// Good calls beside the flood. Of the CPU time, what refusing costs is taken off.
    pub(crate) beside: Numbers,
    /// Refused calls in a second, beside the good ones.
    pub(crate) rate: f64,
}

/// All floods, and good calls without one.
#[derive(Debug)]
pub(crate) struct Floods {
    pub(crate) none: Numbers,
    pub(crate) floods: Vec<Flood>,
}

/// Different bad credentials of a flood. More than the server's count of failed sign-ins per client id needs.
const DIFFERENT: u32 = 4_000;
/// Connections that good calls use, and each flood.
const CONNECTIONS: u32 = 8;
/// Of each connection of a flood between two calls: 2,000 in a second in all.
const PAUSE: Duration = Duration::from_millis(4);
/// Failed sign-ins that are answered before the server counts a client id as blocked.
const BEFORE_BLOCKED: u32 = 25;

/// Measures each flood alone, then good calls beside none and beside each, in turns.
pub(crate) async fn run(binary: &Path, plan: &Plan) -> Result<Floods> {
    let (_upstream, upstream) = Running::role(&["upstream"], None)?;
    let server = Keybearer::start(binary, upstream, &Setting::default()).await?;
    let good = server.target(SMALL, SMALL_BYTES);
    load::run(&good, CONNECTIONS, 2_000).await?;
    let kinds = [
        ("bad bearer token", bad_bearers(&server)),
        ("unknown client id", unknown_clients(&server)),
        ("wrong secret, blocked", blocked(&server).await?),
    ];
    let mut floods = Vec::new();
    for (name, target) in &kinds {
        let refused = measure(&server.running, target, CONNECTIONS, plan.requests / 2).await?;
        floods.push((*name, target, refused, Vec::new(), 0.0));
    }
    let mut none = Vec::new();
    for _ in 0..plan.rounds {
        none.push(measure(&server.running, &good, CONNECTIONS, plan.requests / 2).await?);
        for (_, target, refused, runs, rate) in &mut floods {
            let (run, share) = beside(&server, &good, target, plan.requests / 2, refused.cpu).await?;
            *rate = share;
            runs.push(run);
        }
    }
    let floods = floods
        .into_iter()
        .map(|(name, _, refused, runs, rate)| Flood { name, refused, beside: medians(&runs), rate })
        .collect();
    Ok(Floods { none: medians(&none), floods })
}

/// Good calls while a flood runs, and the flood's calls in a second.
async fn beside(
    server: &Keybearer,
    good: &Target,
    bad: &Target,
    requests: u32,
    refusal: f64,
) -> Result<(Numbers, f64)> {
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut flood = JoinSet::new();
    for connection in load::open(bad.address, CONNECTIONS).await? {
        flood.spawn(pour(connection, bad.clone(), Arc::clone(&stop), Arc::clone(&sent)));
    }
    let (before, started) = (sent.load(Ordering::Relaxed), load::now());
    let mut run = measure(&server.running, good, CONNECTIONS, requests).await?;
    let refused = f64::from(sent.load(Ordering::Relaxed) - before);
    let rate = refused / started.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = flood.join_next().await {
        ended??;
    }
    run.cpu -= refusal * refused / f64::from(requests);
    Ok((run, rate))
}

/// One connection's share of a flood.
async fn pour(
    mut connection: Connection,
    target: Target,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU32>,
) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        let answer = connection.exchange(target.request(number)).await?;
        if !target.accepts(answer.status) {
            bail!("a bad credential was answered {}", answer.status);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Tokens of the right form with signatures that are not.
fn bad_bearers(server: &Keybearer) -> Target {
    let signed = server.token().rsplit_once('.').map_or("", |(signed, _)| signed);
    let request = |number| {
        let token = format!("{signed}.{number:043}");
        server.execute(&server.connector, &token, SMALL)
    };
    Target {
        address: server.address,
        requests: (0..DIFFERENT).map(request).collect(),
        status: 401,
        at_least: 1,
    }
}

fn unknown_clients(server: &Keybearer) -> Target {
    let request = |number| sign_in(server, &format!("stranger-{number}"));
    Target {
        address: server.address,
        requests: (0..DIFFERENT).map(request).collect(),
        status: 401,
        at_least: 1,
    }
}

/// One client id with a wrong secret, after the server has had enough of it.
async fn blocked(server: &Keybearer) -> Result<Target> {
    let requests = [sign_in(server, CLIENT_ID)];
    let mut connection = Connection::open(server.address).await?;
    for request in &requests {
        for _ in 0..BEFORE_BLOCKED {
            connection.exchange(request).await?;
        }
    }
    Ok(Target { address: server.address, requests: requests.into(), status: 429, at_least: 1 })
}

fn sign_in(server: &Keybearer, client_id: &str) -> Vec<u8> {
    let body =
        json!({"client_id": client_id, "client_secret": "not-the-secret-but-of-its-length-0123456789"});
    client::request("POST", "/api/v1/account/applications/token", server.address, None, &body.to_string())
}
