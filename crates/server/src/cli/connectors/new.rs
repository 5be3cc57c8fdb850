//! `keybearer connectors new`.
//!
//! Knows files, ids and what the author reads. Must not know how a document is converted (`document::author`).

use super::validate;
use crate::clock::Random;
use anyhow::{Context, bail, ensure};
use clap::Args;
use keybearer_connector::document::MAX_SOURCE_BYTES;
use keybearer_connector::document::author::{self, Names};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  keybearer connectors new acme-desk --out acme-desk/connector.yaml
  keybearer connectors new acme-desk --from-openapi openapi.json --out acme-desk/connector.yaml
  keybearer connectors new stripe --from-openapi spec3.json --only /v1/customers --only /v1/invoices

The definition goes to --out, else to standard output; what was left out and what validate says, to standard error.
Search the result for TODO: what only a person can decide.";

#[derive(Args)]
pub(in crate::cli) struct New {
    /// Slug of the new connector type: lower-case letters, digits and hyphens
    name: String,
    /// A vendor's OpenAPI 3.0 or 3.1 document, JSON or YAML, up to 20 MB
    #[arg(long, value_name = "FILE")]
    from_openapi: Option<PathBuf>,
    /// Take only these operations: a path prefix (/v1/contacts) or a tag; may be given several times
    #[arg(long, value_name = "PATTERN", requires = "from_openapi")]
    only: Vec<String>,
    /// Where to write the definition; an existing file is not overwritten
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(command: &New) -> anyhow::Result<()> {
    check_name(&command.name)?;
    if let Some(out) = &command.out {
        ensure!(!out.exists(), "{}: exists already; remove it or choose another --out", out.display());
    }
    let id = Random::system().uuid_v4();
    let names = Names { name: &command.name, definition_id: &id };
    let text = match &command.from_openapi {
        None => author::skeleton(names),
        Some(file) => converted(file, names, &command.only)?,
    };
    ensure!(
        text.len() <= MAX_SOURCE_BYTES,
        "the definition would have {} bytes, and at most {MAX_SOURCE_BYTES} are read; take parts of the document with --only",
        text.len()
    );
    let checked = validate::check(&text);
    let shown = command.out.as_deref().unwrap_or(Path::new("-"));
    match &command.out {
        None => std::io::stdout().write_all(text.as_bytes())?,
        Some(out) => {
            if let Some(folder) = out.parent() {
                std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            }
            std::fs::write(out, &text).with_context(|| out.display().to_string())?;
            validate::show(out, &checked);
        }
    }
    let todo = text.lines().filter(|line| line.trim_start().starts_with("# TODO")).count();
    tell(&format!("{todo} places are marked TODO"));
    if checked.is_good() {
        return Ok(());
    }
    if command.out.is_none() {
        for problem in checked.problems() {
            tell(&validate::line(shown, problem));
        }
    }
    bail!("{}: written, but it has mistakes", shown.display())
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        !name.is_empty()
            && name.len() <= 64
            && name.chars().all(valid)
            && !name.starts_with('-')
            && !name.ends_with('-'),
        "NAME {name:?} is no slug: 1 to 64 lower-case letters, digits and hyphens, such as acme-desk"
    );
    Ok(())
}

fn converted(file: &Path, names: Names<'_>, only: &[String]) -> anyhow::Result<String> {
    let size = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    ensure!(
        size <= author::MAX_BYTES as u64,
        "{}: {size} bytes; at most {} are read",
        file.display(),
        author::MAX_BYTES
    );
    let document = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let draft = author::from_openapi(&document, names, only)
        .map_err(|why| anyhow::anyhow!("{}: {why}", file.display()))?;
    if !draft.left_out.is_empty() {
        tell("left out or changed:");
        for line in draft.left_out.lines() {
            tell(&line);
        }
    }
    Ok(draft.text)
}

fn tell(line: &str) {
    // A reader of stderr that is gone cannot be told anything either.
    drop(writeln!(std::io::stderr(), "{line}"));
}
