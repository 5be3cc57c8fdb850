//! `keybearer connectors …`: the catalogue, and work on definition files.
//!
//! Knows the arguments. Must not know how files are checked (`validate`), made (`new`) or tested (`vectors`).

mod new;
mod validate;
mod vectors;

use super::say;
use crate::config::Config;
use crate::core::catalog::Catalog;
use anyhow::Context;
use clap::Subcommand;
use keybearer_connector::document::Supplied;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Connectors {
    /// List connector types
    #[command(after_help = "Example: keybearer connectors list")]
    List,
    /// Show entities, actions and parameters of a connector type
    #[command(after_help = "Example: keybearer connectors describe hubspot")]
    Describe {
        /// Slug, display name or definition id
        name: String,
        /// Everything, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write a new definition: an empty one, or a vendor's OpenAPI document turned into one, to be pruned
    #[command(after_help = new::EXAMPLES)]
    New(new::New),
    /// Report every mistake in definition files, with its line
    #[command(after_help = validate::EXAMPLES)]
    Validate(validate::Validate),
    /// Run the test vectors beside definitions, without a network
    #[command(after_help = vectors::EXAMPLES)]
    Test(vectors::Test),
}

pub(super) fn run(
    command: Connectors,
    config: impl FnOnce() -> anyhow::Result<Config>,
) -> anyhow::Result<()> {
    match command {
        Connectors::List => list(&catalog(config)?),
        Connectors::Describe { name, json } => return describe(&catalog(config)?, &name, json),
        // Work on files needs no configuration, and must not fail for a bad one.
        Connectors::New(new) => return new::run(&new),
        Connectors::Validate(validate) => return validate::run(&validate),
        Connectors::Test(test) => return vectors::run(&test),
    }
    Ok(())
}

fn catalog(config: impl FnOnce() -> anyhow::Result<Config>) -> anyhow::Result<Catalog> {
    Ok(Catalog::load(config()?.connectors_dir.as_deref()))
}

fn list(catalog: &Catalog) {
    for kind in catalog.all() {
        let plan = kind.plan();
        let (operations, oauth) = plan.map_or((0, "mistakes"), |plan| {
            (plan.operations.len(), if plan.oauth().is_some() { "oauth" } else { "credentials" })
        });
        say(&format!(
            "{:<20} {:<24} {operations:>4} operations  {oauth:<12} {}",
            kind.info.slug, kind.info.display_name, kind.origin
        ));
    }
}

fn describe(catalog: &Catalog, name: &str, json: bool) -> anyhow::Result<()> {
    let kind = catalog
        .find(name)
        .with_context(|| format!("no connector type `{name}`; `keybearer connectors list` shows all"))?;
    if json {
        say(&serde_json::to_string_pretty(&crate::core::describe::entities(kind, None)?)?);
        return Ok(());
    }
    say(&format!("{} ({}), definition {}", kind.info.display_name, kind.info.slug, kind.info.definition_id));
    for line in crate::core::describe::lines(kind)? {
        say(&line);
    }
    let supplied = &kind.definition()?.supplied;
    if !supplied.is_empty() {
        say("Supplied by Keybearer, because the document does not say it:");
    }
    for Supplied { pointer, value } in supplied {
        say(&format!("  {pointer}: {value}"));
    }
    Ok(())
}

/// The files that an argument names: itself, or the definitions in a folder (`connector.yaml`, `*/connector.yaml`, `*.yaml`).
fn definitions(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let own = path.join("connector.yaml");
        let found = if own.is_file() { vec![own] } else { crate::core::catalog::definition_files(path) };
        anyhow::ensure!(!found.is_empty(), "{}: no connector.yaml in this folder", path.display());
        files.extend(found);
    }
    Ok(files)
}
