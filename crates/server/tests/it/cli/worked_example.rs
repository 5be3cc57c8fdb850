//! Runs the worked example of `docs/CONNECTORS.md` as it stands there: its files, its commands, its output.

use super::keybearer;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A marked block: `<!-- worked example: NAME -->`, then a fence.
struct Block {
    name: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CONNECTORS.md");
    let document = std::fs::read_to_string(file).unwrap();
    document
        .split("<!-- worked example: ")
        .skip(1)
        .map(|part| {
            let (name, rest) = part.split_once(" -->\n```").unwrap();
            let (_, rest) = rest.split_once('\n').unwrap();
            let (text, _) = rest.split_once("```\n").unwrap();
            Block { name: name.to_owned(), text: text.to_owned() }
        })
        .collect()
}

#[test]
fn the_commands_do_what_the_text_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut last: Option<String> = None;
    let mut ran = 0;
    for block in blocks() {
        match block.name.as_str() {
            "run" => {
                last = Some(run(folder.path(), &block.text));
                ran += 1;
            }
            "output" => assert_eq!(last.take().unwrap(), block.text),
            file => {
                let path = folder.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, block.text).unwrap();
            }
        }
    }
    assert_eq!(ran, 4);
    // The last commands show the connector as the server has it.
    let shown = last.unwrap();
    assert!(shown.starts_with("acme-notes ") && shown.contains("3 operations  oauth"), "{shown}");
    assert!(shown.contains("create    Write a note (needs text)"), "{shown}");
}

/// Runs commands in a shell that finds the binary; gives what they print.
fn run(folder: &Path, commands: &str) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_keybearer"));
    let programs = binary.parent().unwrap().display();
    let clean = keybearer(folder);
    let mut shell = Command::new("bash");
    for (name, value) in clean.get_envs() {
        if value.is_none() {
            shell.env_remove(name);
        }
    }
    // One stream, as on a screen.
    let commands = format!("exec 2>&1; PATH='{programs}':$PATH\n{commands}");
    let output = shell.args(["-euo", "pipefail", "-c", &commands]).current_dir(folder).output().unwrap();
    let told = super::stdout(&output);
    assert!(output.status.success(), "{commands}\n{told}");
    told
}
