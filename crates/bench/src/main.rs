//! What one execute costs, beside a bare pass-through proxy.
//!
//! Knows how to start the processes that are compared, load them in turns, and print the numbers. Must not know the
//! inside of the server: it is a binary that is started and spoken to over HTTP. (`seed` alone writes into its database.)
//!
//! Beside that: what the connector engine's parts cost in units of a plain parse, measured in this process; and what
//! many stored connectors, many calls that wait for a refresh, and many bad credentials do to a server.
//!
//! Processes on loopback: an upstream with fixed answers, the proxy (axum and reqwest; once more on hyper-util's client
//! alone, which is what Keybearer sends with), and `keybearer serve` on SQLite with its default settings. The load
//! generator is this process. Runs are made in slices that take turns, so that a slow moment of the machine hits all;
//! each number is the median of the rounds. CPU time per request is the steadiest of them: it does not depend on what
//! else waits for the processor.

mod children;
mod client;
mod definition;
mod documents;
mod engine;
mod flood;
mod instructions;
mod keybearer;
mod load;
mod proxy;
mod report;
mod rounds;
mod seed;
mod statements;
mod stored;
mod storm;
mod upstream;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use documents::Document;
use mimalloc::MiMalloc;
use proxy::Stack;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The server's allocator, for the proxy too: what differs is what Keybearer does.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Keybearer beside a bare proxy.
///
/// Example: keybearer-bench --server target/release/keybearer --gate 1.3,1.5
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    #[command(subcommand)]
    role: Option<Role>,
    /// The `keybearer` binary, built in release mode.
    #[arg(long, default_value = "target/release/keybearer")]
    server: PathBuf,
    /// Exit with an error when Keybearer's CPU time per request is more than this many times the proxy's: the first for
    /// answers of 2 kB, the second for 100 kB.
    #[arg(long, value_delimiter = ',', value_name = "RATIO")]
    gate: Vec<f64>,
    /// Measure these parts only; all of them otherwise.
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Count instructions per request too (in user space), under valgrind's callgrind (about two minutes more).
    #[arg(long)]
    instructions: bool,
    /// Connections that are kept busy at the same time.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Requests of a run with 2 kB answers; one with 100 kB answers has half of them.
    #[arg(long, default_value_t = 20_000)]
    requests: u32,
    /// Measure loading with the definitions in this folder (`*.yaml`, `*/connector.yaml`) instead of generated ones.
    #[arg(long, value_name = "DIR")]
    definitions: Option<PathBuf>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Executes beside the proxy, with small and large answers.
    Proxy,
    /// Database statements per execute.
    Statements,
    /// The connector engine beside plain parses.
    Engine,
    /// Executes beside the number of stored connectors.
    Stored,
    /// Calls that wait for one refresh.
    Storm,
    /// Bad credentials, and good calls beside them.
    Flood,
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
        /// What it sends with.
        stack: Stack,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.role {
        Some(Role::Upstream) => on_all_cores(upstream::serve()),
        Some(Role::Proxy { upstream, stack }) => on_all_cores(proxy::serve(upstream, stack)),
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
    let plan = rounds::Plan {
        connections: options.connections.max(1),
        rounds: options.rounds.max(1),
        requests: options.requests.max(100),
    };
    // All verdicts are wanted, so the first one does not hide the others.
    let mut complaints = Vec::new();
    for part in Part::value_variants() {
        if options.only.is_empty() || options.only.contains(part) {
            let verdict = runtime.block_on(measure(*part, options, &plan, &documents));
            complaints.extend(verdict.err().map(|error| format!("{error:#}")));
        }
    }
    if complaints.is_empty() { Ok(()) } else { bail!("{}", complaints.join("; and ")) }
}

/// Measures a part, prints it, and says whether it keeps within its limits.
async fn measure(part: Part, options: &Options, plan: &rounds::Plan, documents: &[Document]) -> Result<()> {
    let server = &options.server;
    match part {
        Part::Proxy => {
            let results = rounds::run(server, plan).await?;
            report::results(plan, &results)?;
            if options.instructions {
                report::instructions(&instructions::count(server).await?)?;
            }
            report::gate(&results, &options.gate)
        }
        Part::Statements => report::statements(&statements::count(server).await?),
        Part::Engine => report::engine(plan, &engine::measure(documents, plan.rounds)?),
        Part::Stored => report::stored(plan, &stored::run(server, plan).await?),
        Part::Storm => {
            // The larger one is for the record, so once is enough.
            report::storm(&storm::run(server, 1_000, plan.rounds).await?, true)?;
            report::storm(&storm::run(server, 10_000, 1).await?, false)
        }
        Part::Flood => report::floods(&flood::run(server, plan).await?),
    }
}
