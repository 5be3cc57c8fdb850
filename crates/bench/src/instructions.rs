//! Instructions per request, by valgrind's callgrind: what time measurements on a busy machine cannot show.
//!
//! Knows how to run a server under callgrind and read its total. Two runs with different numbers of requests are
//! subtracted, so that start, warm-up and end cancel out.

use crate::children::Running;
use crate::keybearer::{Keybearer, Setting};
use crate::load;
use crate::proxy::Stack;
use crate::rounds::{self, SIZES, proxy_target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Instructions per request at one size.
#[derive(Debug)]
pub(crate) struct Instructions {
    pub(crate) label: &'static str,
    pub(crate) proxy: f64,
    /// The proxy on hyper-util's client.
    pub(crate) lean: f64,
    pub(crate) keybearer: f64,
}

const FEW: u32 = 300;
const MANY: u32 = 1_300;
/// One after the other on one connection: valgrind runs one thread at a time anyway.
const CONNECTIONS: u32 = 1;

/// Six runs for each size.
pub(crate) async fn count(binary: &Path) -> Result<Vec<Instructions>> {
    let found =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        bail!("--instructions needs valgrind (package `valgrind`)");
    }
    let (_upstream, upstream) = Running::role(&["upstream"], None)?;
    let mut counted = Vec::new();
    for (label, records, bytes) in SIZES {
        let size = (records, bytes);
        let reqwest = async |requests| proxy(upstream, Stack::Reqwest, size, requests).await;
        let hyper_util = async |requests| proxy(upstream, Stack::HyperUtil, size, requests).await;
        let keybearer = async |requests| keybearer(binary, upstream, size, requests).await;
        counted.push(Instructions {
            label,
            proxy: each(reqwest).await?,
            lean: each(hyper_util).await?,
            keybearer: each(keybearer).await?,
        });
    }
    Ok(counted)
}

/// Instructions of one request, from the totals of two numbers of them.
async fn each(total: impl AsyncFn(u32) -> Result<f64>) -> Result<f64> {
    Ok((total(MANY).await? - total(FEW).await?) / f64::from(MANY - FEW))
}

/// Records and bytes of an answer.
type Size = (usize, usize);

async fn proxy(upstream: SocketAddr, stack: Stack, (records, bytes): Size, requests: u32) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let (running, address) = rounds::proxy(upstream, stack, Some(&callgrind(folder.path())))?;
    load::run(&proxy_target(address, records, bytes), CONNECTIONS, requests).await?;
    running.stop()?;
    total(folder.path())
}

async fn keybearer(
    binary: &Path,
    upstream: SocketAddr,
    (records, bytes): Size,
    requests: u32,
) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let under = callgrind(folder.path());
    let server = Keybearer::start(binary, upstream, &Setting { log: None, under: Some(&under) }).await?;
    load::run(&server.target(records, bytes), CONNECTIONS, requests).await?;
    server.running.stop()?;
    total(folder.path())
}

fn callgrind(folder: &Path) -> [String; 4] {
    let output = format!("--callgrind-out-file={}", folder.join("callgrind").display());
    ["valgrind".to_owned(), "--quiet".to_owned(), "--tool=callgrind".to_owned(), output]
}

/// Instructions of the whole run.
fn total(folder: &Path) -> Result<f64> {
    let text = fs::read_to_string(folder.join("callgrind")).context("callgrind wrote nothing")?;
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    Ok(total.context("callgrind's file has no total")?.trim().parse()?)
}
