//! The `keybearer` binary: parse, dispatch, report.

use std::process::ExitCode;

fn main() -> ExitCode {
    keybearer::cli::run()
}
