//! `keybearer doctor` looks, and leaves everything as it was.

use super::{keybearer, stderr, stdout};
use std::path::Path;
use std::process::Output;

fn doctor(folder: &Path) -> Output {
    keybearer(folder).arg("doctor").output().unwrap()
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.push((path.display().to_string(), Vec::new()));
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_fresh_folder_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(folder.path());
    let told = stdout(&output);
    assert!(output.status.success(), "{told}{}", stderr(&output));
    assert!(told.contains("warning  database: there is none yet; `keybearer serve` makes it"), "{told}");
    assert!(told.contains("ok       definitions: "), "{told}");
    assert_eq!(files(folder.path()), []);
}

#[test]
fn an_installation_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    assert!(keybearer(folder.path()).args(["org", "create", "acme"]).output().unwrap().status.success());
    let before = files(folder.path());
    let output = doctor(folder.path());
    let told = stdout(&output);
    assert!(output.status.success(), "{told}{}", stderr(&output));
    for line in [
        "ok       database: SQLite answers and is migrated",
        "ok       keys: the master key opens the database",
        "warning  redirect URLs of `acme`: the list is empty",
        "warning  session binding of `acme`: not required",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(files(folder.path()) == before, "files were changed");
}

#[test]
fn an_empty_database_is_told_from_a_missing_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("keybearer-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("keybearer.db"), "").unwrap();
    let before = files(folder.path());
    let told = stdout(&doctor(folder.path()));
    assert!(told.contains("warning  database: SQLite answers and is empty"), "{told}");
    assert!(files(folder.path()) == before, "files were changed");
    std::fs::write(data.join("keybearer.db"), "not a database, ".repeat(100)).unwrap();
    let output = doctor(folder.path());
    assert!(
        !output.status.success() && stdout(&output).contains("problem  database: "),
        "{}",
        stdout(&output)
    );
}

#[test]
fn what_would_stop_the_start_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    assert!(keybearer(folder.path()).args(["org", "create", "acme"]).output().unwrap().status.success());
    let key = folder.path().join("keybearer-data/master.key");
    std::fs::rename(&key, folder.path().join("elsewhere")).unwrap();
    let output = doctor(folder.path());
    let told = stdout(&output);
    assert!(!output.status.success() && told.contains("problem  keys: KEYBEARER_MASTER_KEY: "), "{told}");
    assert!(told.contains("is gone") && !key.exists(), "{told}");
    std::fs::rename(folder.path().join("elsewhere"), &key).unwrap();

    let secrets = ["the first secret", "the second secret"];
    let with = |secret: &str, command: &[&str]| {
        let mut run = keybearer(folder.path());
        run.env("KEYBEARER_BOOTSTRAP_CLIENT_ID", "app").env("KEYBEARER_BOOTSTRAP_CLIENT_SECRET", secret);
        run.args(command).output().unwrap()
    };
    let told = stdout(&with(secrets[0], &["doctor"]));
    assert!(told.contains("warning  bootstrap: the organization is not there yet"), "{told}");
    assert!(with(secrets[0], &["org", "list"]).status.success());
    assert!(!stdout(&with(secrets[0], &["doctor"])).contains("bootstrap"));
    let output = with(secrets[1], &["doctor"]);
    let told = stdout(&output);
    assert!(!output.status.success() && told.contains("problem  bootstrap: "), "{told}");
    assert!(!told.contains(secrets[1]), "{told}");
}
