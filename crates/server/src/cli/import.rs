//! `keybearer import` and `keybearer export`: an organization's connectors as JSON lines.
//!
//! Knows files, progress and exit codes. Must not know what a line means. Never shows a credential: a wrong line is told by
//! its number and the rule's own words.

use super::say;
use crate::api::{exported, read_line};
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::core::access::Caller;
use crate::core::import::{self, Imported};
use crate::store::ConnectorFilter;
use anyhow::Context;
use clap::Args;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

/// Longest line, in bytes.
const LINE_MAX: u64 = 1 << 20;
const PAGE: i64 = 1000;
const BAR: usize = 30;

#[derive(Args)]
pub(super) struct Import {
    /// JSON lines, one connector each; `-` reads the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The organization that the connectors belong to
    #[arg(long, value_name = "ID")]
    organization: String,
    /// Check every line and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Stop at the first wrong line instead of going on with the next
    #[arg(long)]
    stop_on_error: bool,
}

#[derive(Args)]
pub(super) struct Export {
    /// The organization
    #[arg(long, value_name = "ID")]
    organization: String,
}

#[derive(Default)]
struct Counts {
    created: u64,
    existing: u64,
    valid: u64,
    wrong: u64,
}

pub(super) async fn run(command: Import, config: Config) -> anyhow::Result<()> {
    let total = if command.file == Path::new("-") { None } else { Some(count(&command.file)?) };
    let mut input: Box<dyn BufRead> = match total {
        None => Box::new(BufReader::new(std::io::stdin())),
        Some(_) => Box::new(open(&command.file)?),
    };
    let app = App::build(config, Clock::system(), Random::system()).await?;
    let done = match app.deps.store.organization(&command.organization).await? {
        None => {
            Err(anyhow::anyhow!("--organization: there is none of that id; `keybearer org list` shows them"))
        }
        Some(row) => all(&app, &command, &Caller::operator(row.id), &mut input, total).await,
    };
    app.deps.store.close().await;
    done
}

async fn all(
    app: &App,
    command: &Import,
    caller: &Caller,
    input: &mut dyn BufRead,
    total: Option<u64>,
) -> anyhow::Result<()> {
    let progress = Progress { shown: std::io::stderr().is_terminal(), total };
    let mut counts = Counts::default();
    let mut number = 0;
    while let Some(line) = next(input)? {
        number += 1;
        if line.trim().is_empty() {
            continue;
        }
        match one(app, command, caller, &line).await {
            Ok(Imported::Valid) => counts.valid += 1,
            Ok(Imported::Created(_)) => counts.created += 1,
            Ok(Imported::Existing(_)) => counts.existing += 1,
            Err(error) => {
                counts.wrong += 1;
                progress.clear();
                tell(&format!("line {number}: {error}"));
                if command.stop_on_error {
                    break;
                }
            }
        }
        progress.show(number);
    }
    progress.clear();
    let Counts { created, existing, valid, wrong } = counts;
    if command.dry_run {
        say(&format!("{valid} to create, {existing} there already, {wrong} wrong; nothing was stored"));
    } else {
        say(&format!("{created} created, {existing} there already, {wrong} wrong"));
    }
    if wrong == 0 { Ok(()) } else { Err(anyhow::anyhow!("{wrong} lines are wrong")) }
}

async fn one(app: &App, command: &Import, caller: &Caller, line: &str) -> anyhow::Result<Imported> {
    let line = read_line(&app.deps, line)?;
    Ok(if command.dry_run {
        import::check(&app.deps, caller, line).await?
    } else {
        import::store(&app.deps, caller, line).await?
    })
}

pub(super) async fn export(command: Export, config: Config) -> anyhow::Result<()> {
    let app = App::build(config, Clock::system(), Random::system()).await?;
    let mut filter = ConnectorFilter { limit: PAGE, ..ConnectorFilter::default() };
    loop {
        let views = app.deps.store.list_connectors(&command.organization, &filter).await?;
        let Some(last) = views.last() else { break };
        filter.after = Some((last.connector.created_at, last.connector.id.clone()));
        for view in &views {
            say(&exported(view).to_string());
        }
    }
    app.deps.store.close().await;
    Ok(())
}

fn open(file: &Path) -> anyhow::Result<BufReader<std::fs::File>> {
    let opened = std::fs::File::open(file).with_context(|| format!("{}: cannot be read", file.display()))?;
    Ok(BufReader::new(opened))
}

/// Lines of a file, so that progress has an end.
fn count(file: &Path) -> anyhow::Result<u64> {
    let mut input = open(file)?;
    let mut lines = 0;
    while next(&mut input)?.is_some() {
        lines += 1;
    }
    Ok(lines)
}

fn next(input: &mut dyn BufRead) -> anyhow::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = input.take(LINE_MAX).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    anyhow::ensure!(
        bytes.ends_with(b"\n") || u64::try_from(read).unwrap_or(LINE_MAX) < LINE_MAX,
        "a line is longer than {LINE_MAX} bytes; one JSON object a line is wanted"
    );
    // What is no UTF-8 is no JSON either: it is told with its line's number.
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// On a terminal only; a script sees plain lines.
struct Progress {
    shown: bool,
    total: Option<u64>,
}

impl Progress {
    fn show(&self, done: u64) {
        if !self.shown || !(done.is_multiple_of(20) || Some(done) == self.total) {
            return;
        }
        let text = match self.total {
            Some(total) => {
                let filled = usize::try_from(done * 30 / total.max(1)).unwrap_or(BAR).min(BAR);
                format!("\r[{}{}] {done}/{total}", "#".repeat(filled), " ".repeat(BAR - filled))
            }
            None => format!("\r{done} lines"),
        };
        write(&text);
    }

    fn clear(&self) {
        if self.shown {
            write("\r\u{1b}[K");
        }
    }
}

fn write(text: &str) {
    let mut out = std::io::stderr();
    // A terminal that is gone cannot be told anything either.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

fn tell(line: &str) {
    write(&format!("{line}\n"));
}
