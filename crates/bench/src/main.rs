//! What one execute costs, beside a bare pass-through proxy that is built on the same HTTP stack.
//!
//! Knows how to start the processes that are compared, load them in turns, and print the numbers. Must not know the
//! inside of the server: it is a binary that is started and spoken to over HTTP.
//!
//! Beside that, what the connector engine's parts cost in units of a plain parse; they are measured in this process.
//!
//! Three processes on loopback: an upstream with fixed answers, the proxy, and `keybearer serve` on SQLite with its
//! default settings. The load generator is this process. Runs alternate (proxy, Keybearer, proxy, …), so that a noisy
//! moment of the machine hits both; each number is the median of the rounds. CPU time per request is the steadiest of
//! them: it does not depend on what else waits for the processor.

mod children;
mod client;
mod definition;
mod documents;
mod engine;
mod instructions;
mod keybearer;
mod load;
mod proxy;
mod report;
mod rounds;
mod statements;
mod upstream;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The server's allocator, for the proxy too: what differs is what Keybearer does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Keybearer beside a bare proxy.
///
/// Example: keybearer-bench --server target/release/keybearer --gate 1.6
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// The `keybearer` binary, built in release mode.
    #[arg(long, default_value = "target/release/keybearer")]
    server: PathBuf,
    /// Exit with an error when Keybearer's CPU time per request at 2 kB is more than this many times the proxy's.
    #[arg(long, value_name = "RATIO")]
    gate: Option<f64>,
    /// Count instructions per request too, under valgrind's callgrind (about a minute more).
    #[arg(long)]
    instructions: bool,
    /// Connections that are kept busy at the same time.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of a run with 2 kB answers; one with 100 kB answers has a fifth.
    #[arg(long, default_value_t = 20_000)]
    requests: u32,
    /// Measure loading with the definitions in this folder (`*.yaml`, `*/connector.yaml`) instead of generated ones.
    #[arg(long, value_name = "DIR")]
    definitions: Option<PathBuf>,
}

/// The other processes of a run; started by the bench itself.
#[derive(Debug, Subcommand)]
enum Role {
    /// Answers `GET /contacts?limit=N` with N fixed records.
    #[command(hide = true)]
    Upstream,
    /// Hands every POST on to the upstream as the GET that Keybearer would make.
    #[command(hide = true)]
    Proxy {
        /// Where the upstream listens.
        upstream: SocketAddr,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.role {
        Some(Role::Upstream) => on_all_cores(upstream::serve()),
        Some(Role::Proxy { upstream }) => on_all_cores(proxy::serve(upstream)),
        None => bench(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The runtime of the compared processes: the same as the server's.
fn on_all_cores(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

fn bench(options: &Options) -> Result<()> {
    if !options.server.is_file() {
        bail!(
            "no server at {}: run `cargo build --release -p keybearer`, or say --server PATH",
            options.server.display()
        );
    }
    let documents = match &options.definitions {
        Some(folder) => documents::in_folder(folder)?,
        None => documents::generated(),
    };
    // One thread: the load generator shall take as little as possible from the processes that it measures.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let plan = rounds::Plan {
            connections: options.connections.max(1),
            rounds: options.rounds.max(1),
            requests: options.requests.max(100),
        };
        let results = rounds::run(&options.server, &plan).await?;
        report::results(&plan, &results)?;
        if options.instructions {
            report::instructions(&instructions::count(&options.server).await?)?;
        }
        // All verdicts are wanted, so the first one does not hide the others.
        let gate = report::gate(&results, options.gate);
        let statements =
            statements::count(&options.server).await.and_then(|counted| report::statements(&counted));
        let engine = engine::measure(&documents, plan.rounds).and_then(|parts| report::engine(&plan, &parts));
        let complaints: Vec<String> = [gate, statements, engine]
            .into_iter()
            .filter_map(|verdict| Some(format!("{:#}", verdict.err()?)))
            .collect();
        if complaints.is_empty() { Ok(()) } else { bail!("{}", complaints.join("; and ")) }
    })
}
