//! Loads definitions and prints their problems: `cargo run -p keybearer-connector --example load -- FILE…`.

use keybearer_connector::document::{Additions, load};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut failed = 0;
    for file in std::env::args().skip(1) {
        let source = std::fs::read_to_string(&file)?;
        match load(&source, &Additions::none()) {
            Ok(definition) => {
                for problem in &definition.warnings {
                    writeln!(out, "{file}:{problem}")?;
                }
                let plan = &definition.plan;
                let paging = plan.operations.iter().filter(|operation| operation.paging.is_some()).count();
                let (name, count) = (&plan.info.slug, plan.operations.len());
                writeln!(out, "{name}: {count} operations, {paging} page, {} schemes", plan.schemes.len())?;
            }
            Err(problems) => {
                failed += 1;
                for problem in &problems {
                    writeln!(out, "{file}:{problem}")?;
                }
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
