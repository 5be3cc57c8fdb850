//! The command line as a person uses it: the real binary, its output and exit code.

mod authoring;
mod broken_definitions;
mod doctor;
mod grants;
mod operator;
mod org;
mod worked_example;

use crate::support::stage::{MASTER_KEY, Stage};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The binary in a folder, with no settings but these.
fn keybearer(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keybearer"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KEYBEARER_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder);
    command
}

/// The binary on the database of a stage, beside its servers.
fn beside(stage: &Stage) -> Command {
    let folder = stage.database.directory.path();
    let mut command = keybearer(folder);
    command
        .env("KEYBEARER_DATABASE_URL", &stage.database.url)
        .env("KEYBEARER_DATA_DIR", folder)
        .env("KEYBEARER_MASTER_KEY", MASTER_KEY)
        .stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
