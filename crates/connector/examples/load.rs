//! Loads definitions and prints their problems: `cargo run -p keybearer-connector --example load -- FILE…`.
//!
//! `--additions FILE` merges built-in values for published documents; `--paging` shows how each list pages.

use keybearer_connector::document::{Additions, load};
use keybearer_connector::plan::{Action, NextCursor, Operation};
use std::io::Write;
use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (mut additions, mut shows_paging) = (Additions::none(), false);
    let mut failed = 0;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--paging" => shows_paging = true,
            "--additions" => {
                let text = std::fs::read_to_string(arguments.next().unwrap_or_default())?;
                additions =
                    Additions::parse(&text).map_err(|all| std::io::Error::other(format!("{all:?}")))?;
            }
            file => failed += usize::from(!show(&mut out, file, &additions, shows_paging)?),
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints one file's problems and numbers. False where it cannot be used.
fn show(
    out: &mut impl Write,
    file: &str,
    additions: &Additions,
    shows_paging: bool,
) -> std::io::Result<bool> {
    let definition = match load(&std::fs::read_to_string(file)?, additions) {
        Ok(definition) => definition,
        Err(problems) => {
            for problem in &problems {
                writeln!(out, "{file}:{problem}")?;
            }
            return Ok(false);
        }
    };
    for problem in &definition.warnings {
        writeln!(out, "{file}:{problem}")?;
    }
    let plan = &definition.plan;
    let paging = plan.operations.iter().filter(|operation| operation.paging.is_some()).count();
    let (name, count) = (&plan.info.slug, plan.operations.len());
    writeln!(out, "{name}: {count} operations, {paging} page, {} schemes", plan.schemes.len())?;
    let lists = plan.operations.iter().filter(|operation| operation.action == Action::List);
    for operation in lists.filter(|_| shows_paging) {
        writeln!(out, "{name} {}.list {}", operation.entity, paging_of(operation))?;
    }
    Ok(true)
}

/// `cursor_param limit_param source`, `-` for none.
fn paging_of(operation: &Operation) -> String {
    let Some(paging) = &operation.paging else { return "does not page".to_owned() };
    let next = match &paging.next {
        NextCursor::Path(path) => path.to_string(),
        NextCursor::Url(path) => format!("url {path}"),
        NextCursor::Link(relation) => format!("@link.{relation}"),
        NextCursor::Offset => "offset".to_owned(),
        NextCursor::Page { first } => format!("page from {first}"),
    };
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    let more = paging.has_more.as_ref().map(|path| format!(" while {path}")).unwrap_or_default();
    format!("{} {} {next}{more}", name(&paging.cursor_param), name(&paging.limit_param))
}
