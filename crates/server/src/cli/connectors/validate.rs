//! `keybearer connectors validate`.
//!
//! Knows how mistakes are shown, to people and to programs. Must not know what is a mistake (`document`).

use super::super::say;
use crate::core::catalog;
use clap::Args;
use keybearer_connector::document::{Problem, Severity};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) const EXAMPLES: &str = "Examples:
  keybearer connectors validate acme/connector.yaml
  keybearer connectors validate connectors/            every definition in a folder
  keybearer connectors validate --json acme.yaml       for editors and CI

A line is FILE:LINE:COLUMN: error|warning: what is wrong; what would be right.
Exit code 1 when a file has errors; warnings alone do not fail.";

#[derive(Args)]
pub(in crate::cli) struct Validate {
    /// Definition files, or folders of them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// One JSON document instead of lines: [{file, valid, operations, problems}]
    #[arg(long)]
    json: bool,
}

/// What was found in one file.
pub(super) struct Checked {
    problems: Vec<Problem>,
    /// How many operations; none: the definition cannot be used.
    operations: Option<usize>,
}

pub(super) fn run(command: &Validate) -> anyhow::Result<()> {
    let files = super::definitions(&command.files)?;
    let checked: Vec<(PathBuf, Checked)> =
        files.into_iter().map(|file| (file.clone(), check_file(&file))).collect();
    if command.json {
        let all: Vec<Value> = checked.iter().map(|(file, checked)| as_json(file, checked)).collect();
        say(&serde_json::to_string_pretty(&all)?);
    } else {
        for (file, checked) in &checked {
            show(file, checked);
        }
    }
    let bad = checked.iter().filter(|(_, checked)| checked.operations.is_none()).count();
    anyhow::ensure!(bad == 0, "{bad} of {} files have mistakes", checked.len());
    Ok(())
}

/// A file that cannot be read has that one mistake: it does not keep the others from being checked.
fn check_file(file: &Path) -> Checked {
    match std::fs::read_to_string(file) {
        Ok(source) => check(&source),
        Err(error) => {
            let message = format!("cannot be read: {error}");
            let problem = Problem {
                severity: Severity::Error,
                line: 1,
                column: 1,
                pointer: String::new(),
                message,
                suggestion: None,
            };
            Checked { problems: vec![problem], operations: None }
        }
    }
}

/// Checks the text of a definition.
pub(super) fn check(source: &str) -> Checked {
    match catalog::compile(source) {
        Ok(definition) => {
            Checked { problems: definition.warnings, operations: Some(definition.plan.operations.len()) }
        }
        Err(problems) => Checked { problems, operations: None },
    }
}

/// Writes the lines of one file.
pub(super) fn show(file: &Path, checked: &Checked) {
    for problem in &checked.problems {
        say(&line(file, problem));
    }
    if let Some(count) = checked.operations {
        say(&format!("{}: good, {count} operations", file.display()));
    }
}

/// `FILE:LINE:COLUMN: error: what is wrong; what would be right`.
pub(super) fn line(file: &Path, problem: &Problem) -> String {
    let Problem { line, column, severity, message, suggestion, .. } = problem;
    let hint = suggestion.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}:{line}:{column}: {}: {message}{hint}", file.display(), severity.name())
}

impl Checked {
    /// The definition can be used.
    pub(super) fn is_good(&self) -> bool {
        self.operations.is_some()
    }

    /// Its mistakes.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn as_json(file: &Path, checked: &Checked) -> Value {
    let problems: Vec<Value> = checked
        .problems
        .iter()
        .map(|problem| {
            json!({
                "severity": problem.severity.name(),
                "line": problem.line,
                "column": problem.column,
                "pointer": problem.pointer,
                "message": problem.message,
                "suggestion": problem.suggestion,
            })
        })
        .collect();
    json!({
        "file": file.display().to_string(),
        "valid": checked.operations.is_some(),
        "operations": checked.operations,
        "problems": problems,
    })
}
