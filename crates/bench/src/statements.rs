//! Database statements per execute, as the server's own log counts them.
//!
//! Knows the log lines of the database driver. Must not know tables.
//!
//! Some statements run by the clock (the change feed, the batched call log) whether or not anyone calls. What a call
//! itself causes shows as a slope: twice as many calls, twice as many statements.

use crate::children::Running;
use crate::keybearer::{Keybearer, Setting};
use crate::load;
use crate::rounds::SMALL_BYTES;
use crate::upstream::SMALL;
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What was counted.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Executes between the two points.
    pub(crate) executes: u32,
    /// Statements between them, the ones of the clock included.
    pub(crate) all: u32,
    /// The statements by the beginning of their text, with their number.
    pub(crate) texts: BTreeMap<String, u32>,
}

const EXECUTES: u32 = 5_000;
const CONNECTIONS: u32 = 4;

/// A short run of a server that logs its statements.
pub(crate) async fn count(binary: &Path) -> Result<Statements> {
    let (_upstream, upstream) = Running::role(&["upstream"], None)?;
    let setting = Setting { log: Some("info,sqlx=debug"), under: None };
    let server = Keybearer::start(binary, upstream, &setting).await?;
    let target = server.target(SMALL, SMALL_BYTES);
    load::run(&target, CONNECTIONS, 200).await?;
    settle().await;
    let before = fs::read_to_string(&server.log)?;
    if statements(&before).count() == 0 {
        bail!("the server's log shows no database statement at all, so none can be counted");
    }
    load::run(&target, CONNECTIONS, EXECUTES).await?;
    settle().await;
    let after = fs::read_to_string(&server.log)?;
    let new = after.get(before.len()..).unwrap_or_default();
    let mut texts = BTreeMap::new();
    for text in statements(new) {
        *texts.entry(text).or_default() += 1;
    }
    Ok(Statements { executes: EXECUTES, all: texts.values().sum(), texts })
}

/// Until batches are written.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
}

/// The first words of each logged statement. The driver logs `summary="SELECT …"`, as a JSON member or as text.
fn statements(log: &str) -> impl Iterator<Item = String> {
    let summary = |line: &str| {
        let (_, rest) = line.split_once("\"summary\":\"").or_else(|| line.split_once(" summary=\""))?;
        let (text, _) = rest.split_once('"')?;
        Some(text.split_whitespace().take(5).collect::<Vec<_>>().join(" "))
    };
    log.lines().filter(|line| line.contains("sqlx::query")).filter_map(summary)
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn statements_are_found_in_either_format() {
        let log = r#"{"level":"DEBUG","fields":{"summary":"SELECT max(seq) FROM change …","db.statement":""},"target":"sqlx::query"}
2026-11-24T04:00:00Z DEBUG sqlx::query: summary="INSERT INTO call_log VALUES (?)" rows_affected=3
{"level":"INFO","fields":{"message":"summary"},"target":"keybearer::app"}"#;
        let found: Vec<_> = statements(log).collect();
        assert_eq!(found, ["SELECT max(seq) FROM change …", "INSERT INTO call_log VALUES (?)"]);
    }
}
