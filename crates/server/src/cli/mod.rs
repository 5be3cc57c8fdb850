//! The command line: one file a command.
//!
//! Knows arguments and what a person reads. Must not know rules: a command builds the app or calls `core`.

mod audit;
mod backup;
mod connectors;
mod demo;
mod doctor;
mod grants;
mod import;
mod keys;
mod org;
mod serve;

use crate::config::{Config, Source};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Keybearer carries the keys of your application's users: OAuth consent, grants, refresh, and execution.
#[derive(Parser)]
#[command(
    name = "keybearer",
    version,
    after_help = "Example: keybearer serve\nSettings are environment variables or keybearer.toml; docs/OPERATIONS.md lists them."
)]
struct Cli {
    /// Configuration file; environment variables win over it. Default: ./keybearer.toml when it exists
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server; ready when GET /health answers 200
    #[command(after_help = "Example: KEYBEARER_PUBLIC_URL=https://keys.example.com keybearer serve")]
    Serve,
    /// The whole product in one minute, offline
    #[command(after_help = "Example: keybearer demo --keep")]
    Demo(demo::Demo),
    /// Organizations, their application credentials, redirect URLs and settings
    #[command(subcommand)]
    Org(org::Org),
    /// Import connectors with their credentials from JSON lines; the same file twice makes none twice
    #[command(
        after_help = "Example: keybearer import grants.jsonl --organization 0198c6a2-7f10-7c55-8a05-3f2a4be0a001 --dry-run\nA line: {\"workspace_name\": \"user_42\", \"connector_type\": \"hubspot\", \"credentials\": {…}, \"import_key\": \"old-id-17\"}"
    )]
    Import(import::Import),
    /// Write an organization's connectors as JSON lines, without secrets
    #[command(
        after_help = "Example: keybearer export --organization 0198c6a2-7f10-7c55-8a05-3f2a4be0a001 > connectors.jsonl"
    )]
    Export(import::Export),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Grants whose renewal the provider left unanswered
    #[command(subcommand)]
    Grants(grants::Grants),
    /// The catalogue of connector types
    #[command(subcommand)]
    Connectors(connectors::Connectors),
    /// The master key and what depends on it
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Copy the SQLite database while the server runs; says which key opens the copy
    #[command(after_help = "Example: keybearer backup backups/2026-01-31")]
    Backup(backup::Backup),
    /// Check configuration, database, keys, clock, public URL and definitions; says what to fix
    #[command(after_help = "Example: keybearer doctor")]
    Doctor,
}

/// Parses the arguments and runs the command; errors go to stderr.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let config = cli.config;
    let done = runtime.block_on(async move {
        match cli.command {
            Command::Serve => serve::run(read(config.as_deref())?).await,
            Command::Demo(demo) => demo::run(demo).await,
            Command::Org(command) => org::run(command, read(config.as_deref())?).await,
            Command::Import(command) => import::run(command, read(config.as_deref())?).await,
            Command::Export(command) => import::export(command, read(config.as_deref())?).await,
            Command::Audit(command) => audit::run(command, read(config.as_deref())?).await,
            Command::Grants(command) => grants::run(command, read(config.as_deref())?).await,
            Command::Connectors(command) => connectors::run(command, || read(config.as_deref())),
            Command::Keys(command) => keys::run(command, read(config.as_deref())?).await,
            Command::Backup(command) => backup::run(command, read(config.as_deref())?).await,
            Command::Doctor => doctor::run(read(config.as_deref())).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// The configuration of this process.
fn read(file: Option<&Path>) -> anyhow::Result<Config> {
    let mut variables = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("KEYBEARER_")) else { continue };
        // Not the default instead: a database URL that cannot be read must not become an empty new database.
        let value =
            value.into_string().map_err(|_| anyhow::anyhow!("{name}: the value is not UTF-8 text"))?;
        variables.push((name.to_owned(), value));
    }
    Ok(Config::read(&mut Source::new(variables, file)?)?)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // A reader of stderr that is gone cannot be told anything either.
    drop(writeln!(std::io::stderr(), "keybearer: {error:#}"));
    ExitCode::FAILURE
}

/// Writes a line for a person or a script.
fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// Writes a line that is no part of the output: a warning, a question.
fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
