//! `keybearer connectors test`.
//!
//! Knows which vectors belong to which definition, and how results are shown. Must not know how a vector is run (`vectors`).

use super::super::say;
use crate::core::catalog;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use keybearer_connector::vectors;
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  keybearer connectors test acme-desk/connector.yaml   runs acme-desk/vectors.yaml
  keybearer connectors test connectors/                every definition in a folder

A vector says: these parameters make these requests; these answers make this result, or this fault.
docs/CONNECTORS.md tells the format. Exit code 1 when one does not hold.";

#[derive(Args)]
pub(in crate::cli) struct Test {
    /// Definition files, or folders of them; the vectors stand in vectors.yaml beside each
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(command: &Test) -> anyhow::Result<()> {
    let mut bad = 0;
    for file in super::definitions(&command.paths)? {
        match test(&file) {
            Ok(failed) => bad += failed,
            Err(error) => {
                say(&format!("{}: {error:#}", file.display()));
                bad += 1;
            }
        }
    }
    ensure!(bad == 0, "{bad} did not hold");
    Ok(())
}

/// Runs the vectors of one definition; gives how many do not hold.
fn test(definition: &Path) -> anyhow::Result<usize> {
    let source = std::fs::read_to_string(definition).context("cannot be read")?;
    let plan = catalog::compile(&source)
        .map_err(|problems| {
            anyhow!("{} mistakes; `keybearer connectors validate` lists them", problems.len())
        })?
        .plan;
    let file = definition.with_file_name("vectors.yaml");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let vectors = vectors::read(&text).map_err(|mistakes| {
        let lines = mistakes.iter().map(|mistake| format!("{}:{mistake}", file.display()));
        anyhow!("the vectors have mistakes\n{}", lines.collect::<Vec<_>>().join("\n"))
    })?;
    let mut failed = 0;
    for vector in &vectors {
        let differences = vectors::run(&plan, vector);
        if !differences.is_empty() {
            failed += 1;
            say(&format!("{}:{}: {}", file.display(), vector.line, vector.name));
            for line in differences.iter().flat_map(|difference| difference.lines()) {
                say(&format!("    {line}"));
            }
        }
    }
    say(&format!("{}: {} of {} vectors hold", file.display(), vectors.len() - failed, vectors.len()));
    let untried = vectors::untried(&plan, &vectors);
    if !untried.is_empty() {
        say(&format!("{}: no vector for: {}", file.display(), untried.join(", ")));
    }
    Ok(failed)
}
