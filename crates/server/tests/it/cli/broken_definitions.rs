//! Bad files in `KEYBEARER_CONNECTORS_DIR`: told with file, line and reason, and never in the way of the others.

use super::{keybearer, stdout};
use std::path::Path;

/// A folder with one good definition and bad ones of each kind: no YAML, no name, mistakes, too large, too deep, a bomb.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let good = stdout(&keybearer(folder.path()).args(["connectors", "new", "acme"]).output().unwrap());
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let alias = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{alias}]\n");
    }
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("good.yaml", &good);
    write("broken.yaml", "openapi: 3.1.0\ninfo:\n  title: [\n");
    write("nameless.yaml", "openapi: 3.1.0\npaths: {}\n");
    write("slip.yaml", &good.replace("name: acme", "name: slip").replace("action: list", "action: lst"));
    write("bomb.yaml", &bomb);
    write("deep.yaml", &format!("info: {}{}\n", "[".repeat(200), "]".repeat(200)));
    write("large.yaml", &format!("# {}\n", "x".repeat(5 << 20)));
    folder
}

/// What must be told about each bad file.
const TOLD: [(&str, &str); 6] = [
    ("broken.yaml", "not valid YAML"),
    ("nameless.yaml", "lacks \"info\""),
    ("slip.yaml", "unknown action \"lst\""),
    ("bomb.yaml", "values with aliases expanded"),
    ("deep.yaml", "nested deeper than 64 levels"),
    ("large.yaml", "at most"),
];

#[test]
fn doctor_names_file_line_and_reason() {
    let (folder, data) = (folder(), tempfile::tempdir().unwrap());
    let output =
        keybearer(data.path()).env("KEYBEARER_CONNECTORS_DIR", folder.path()).arg("doctor").output().unwrap();
    assert!(!output.status.success());
    let told = stdout(&output);
    for (file, reason) in TOLD {
        let path = folder.path().join(file).display().to_string();
        let line = told.lines().find(|line| line.contains(&path)).unwrap_or_else(|| panic!("{file}\n{told}"));
        let (_, place) = line.split_once(&path).unwrap();
        let number = place.trim_start_matches(':').trim_start().split(':').next().unwrap();
        assert!(number.parse::<usize>().is_ok_and(|number| number > 0), "a line number in {line}");
        assert!(
            told.lines().any(|line| line.contains(&path) && line.contains(reason)),
            "{file}: {reason}\n{told}"
        );
    }
}

#[test]
fn the_others_are_there() {
    let (folder, data) = (folder(), tempfile::tempdir().unwrap());
    let list = |folder: &Path| {
        let mut command = keybearer(data.path());
        stdout(
            &command.env("KEYBEARER_CONNECTORS_DIR", folder).args(["connectors", "list"]).output().unwrap(),
        )
    };
    let shown = list(folder.path());
    assert!(shown.lines().any(|line| line.starts_with("acme ") && line.contains("3 operations")), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("hubspot ")), "{shown}");
}
