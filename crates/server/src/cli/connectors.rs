//! `keybearer connectors list|describe|validate`.

use super::say;
use crate::config::Config;
use crate::core::catalog::{self, Catalog};
use anyhow::Context;
use clap::Subcommand;
use keybearer_connector::document::{Problem, Severity, Supplied};
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
    /// Report every mistake in definition files, with its line
    #[command(after_help = "Example: keybearer connectors validate connectors/acme/connector.yaml")]
    Validate {
        /// Definition files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) fn run(command: Connectors, config: &Config) -> anyhow::Result<()> {
    let catalog = || Catalog::load(config.connectors_dir.as_deref());
    match command {
        Connectors::List => {
            for kind in catalog().all() {
                let plan = kind.plan();
                let (operations, oauth) = plan.map_or((0, "mistakes"), |plan| {
                    (plan.operations.len(), if plan.oauth().is_some() { "oauth" } else { "credentials" })
                });
                say(&format!(
                    "{:<20} {:<24} {operations:>4} operations  {oauth:<12} {}",
                    kind.info.slug, kind.info.display_name, kind.origin
                ));
            }
            Ok(())
        }
        Connectors::Describe { name, json } => describe(&catalog(), &name, json),
        Connectors::Validate { files } => validate(&files),
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

fn validate(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut bad = 0;
    for file in files {
        let source = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let (problems, operations) = match catalog::compile(&source) {
            Ok(definition) => (definition.warnings.clone(), Some(definition.plan.operations.len())),
            Err(problems) => (problems, None),
        };
        for problem in &problems {
            say(&shown(file, problem));
        }
        match operations {
            Some(count) => say(&format!("{}: good, {count} operations", file.display())),
            None => bad += 1,
        }
    }
    if bad == 0 { Ok(()) } else { Err(anyhow::anyhow!("{bad} of {} files have mistakes", files.len())) }
}

fn shown(file: &std::path::Path, problem: &Problem) -> String {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let hint = problem.suggestion.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}:{}:{}: {severity}: {}{hint}", file.display(), problem.line, problem.column, problem.message)
}
