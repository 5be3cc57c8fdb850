//! The arrows of the design, held by reading the source: `api -> core -> store, vault, egress, connector`; never back,
//! never across. And no file grows beyond what one reads in one go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest file, in lines of code: no blank lines, no comments.
const LONGEST: usize = 400;

/// What each module of the server may name of `crate::…`; itself always.
const ARROWS: [(&str, &[&str]); 14] = [
    ("clock", &[]),
    ("config", &[]),
    ("store", &["clock"]),
    ("vault", &["clock"]),
    ("egress", &[]),
    ("core", &["store", "vault", "egress", "clock", "config"]),
    ("api", &["core", "store", "egress", "clock", "config"]),
    ("jobs", &["core", "store", "clock"]),
    ("observe", &["config", "clock"]),
    ("listener", &[]),
    ("app", &["api", "core", "jobs", "listener", "store", "vault", "egress", "clock", "config", "observe"]),
    ("cli", &["app", "api", "core", "jobs", "store", "vault", "egress", "clock", "config", "observe"]),
    ("lib", &[]),
    ("main", &[]),
];

fn source(krate: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(krate).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The text without comments. Strings stay: a path in one would be a strange thing to write.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// First segments after each `crate::`, inline paths and grouped imports included.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => names.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut part = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(word(std::mem::take(&mut part).trim())),
                        _ if depth == 0 => part.push(c),
                        _ => {}
                    }
                }
                names.push(word(part.trim()));
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The module of the crate that a file belongs to.
fn module(file: &Path, root: &Path) -> String {
    let first = file.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The part of a module that its own tests do not count in: what comes before `#[cfg(test)]`.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

#[test]
fn modules_of_the_server_know_only_what_stands_below_them() {
    let root = source("server");
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for file in rust_files(&root) {
        let module = module(&file, &root);
        let Some(allowed) = arrows.get(module.as_str()) else {
            wrong.push(format!("{}: no arrows are written down for module {module}", file.display()));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        let text =
            if file.components().any(|part| part.as_os_str() == "tests") { "" } else { without_tests(&text) };
        for name in named(&code(text)) {
            if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: `{module}` must not know `{name}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Inside `core`: `consent` and `call` use `grants`, all of them what stands below; `grants` uses neither.
#[test]
fn grants_know_neither_consent_nor_calls() {
    let root = source("server").join("core");
    for file in rust_files(&root.join("grants")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = code(without_tests(&text));
        for name in ["core::call", "core::consent", "super::super::call", "core::connectors"] {
            assert!(!text.contains(name), "{}: grants must not know {name}", file.display());
        }
    }
    for file in rust_files(&root.join("call")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = code(without_tests(&text));
        assert!(!text.contains("core::consent"), "{}: call must not know consent", file.display());
    }
}

#[test]
fn the_http_client_stays_in_egress_and_sql_in_the_store() {
    let root = source("server");
    let places = [
        ("client::legacy", "egress"),
        ("rustls", "egress"),
        ("sqlx", "store"),
        ("aws_lc_rs", "vault"),
        ("axum", "api"),
    ];
    let mut wrong = Vec::new();
    for file in rust_files(&root) {
        let module = module(&file, &root);
        let text = std::fs::read_to_string(&file).unwrap();
        let text = code(without_tests(&text));
        for (name, place) in places {
            let used = text.contains(&format!("{name}::"));
            let known = module == place
                || matches!(
                    (name, module.as_str()),
                    ("aws_lc_rs", "clock" | "egress")
                        | ("axum", "app" | "cli" | "listener")
                        | ("client::legacy", "cli")
                        | ("sqlx", "store")
                );
            if used && !known {
                wrong.push(format!("{}: `{module}` must not use {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_connector_crate_is_pure() {
    let mut wrong = Vec::new();
    for file in rust_files(&source("connector")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for name in [
            "tokio::",
            "reqwest::",
            "sqlx::",
            "std::net::",
            "std::fs::",
            "std::env::",
            "Instant::now",
            "SystemTime::now",
            "keybearer::",
        ] {
            if code(without_tests(&text)).contains(name)
                && !file.components().any(|part| part.as_os_str() == "tests")
            {
                wrong.push(format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_demo_provider_knows_nothing_of_us() {
    for file in rust_files(&source("demo-provider")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = code(&text);
        assert!(!text.contains("keybearer::") && !text.contains("keybearer_connector"), "{}", file.display());
    }
}

#[test]
fn no_file_is_longer_than_one_reads_in_one_go() {
    let mut long = Vec::new();
    for krate in ["server", "connector", "demo-provider", "bench"] {
        let mut files = rust_files(&source(krate));
        let tests = source(krate).join("../tests");
        if tests.is_dir() {
            files.extend(rust_files(&tests));
        }
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
            let lines = text.lines().filter(is_code).count();
            if lines > LONGEST {
                long.push(format!("{}: {lines} lines of code", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_reading_finds_paths_wherever_they_stand() {
    let text = "use crate::{a::b, c::{d, e}, f as g};\nfn x() { crate::h::i() } // crate::nope\nuse crate::j;\npub(in crate::k) fn y() {}";
    assert_eq!(named(&code(text)), ["a", "c", "f", "h", "j", "k"]);
}
