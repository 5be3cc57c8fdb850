//! What the bench prints.
//!
//! Knows words and columns. Must not know how numbers came about.

use crate::engine::Part;
use crate::flood::Floods;
use crate::instructions::Instructions;
use crate::rounds::{Comparison, Numbers, Plan};
use crate::statements::Statements;
use crate::stored::{self, Stored};
use crate::storm::Storm;
use anyhow::{Context, Result, bail};
use std::io::{Write, stderr, stdout};

/// A table for each size.
pub(crate) fn results(plan: &Plan, results: &[Comparison]) -> Result<()> {
    let mut out = stdout().lock();
    for comparison in results {
        let (Plan { connections, rounds, .. }, requests) = (plan, comparison.requests);
        let label = comparison.label;
        writeln!(
            out,
            "{label} answers: {connections} connections, {requests} requests a run, medians of {rounds}"
        )?;
        writeln!(
            out,
            "{:24} {:>12} {:>9} {:>9} {:>15}",
            "", "requests/s", "p50 ms", "p99 ms", "CPU us/request"
        )?;
        let (proxy, lean, keybearer) = (comparison.proxy, comparison.lean, comparison.keybearer);
        let rows = [("bare proxy", proxy), ("the same, on hyper-util", lean), ("keybearer", keybearer)];
        for (name, Numbers { throughput, p50, p99, cpu }) in rows {
            writeln!(out, "{name:24} {throughput:12.0} {p50:9.2} {p99:9.2} {cpu:15.1}")?;
        }
        for (name, base) in [("ratio to the bare proxy", proxy), ("ratio, on hyper-util", lean)] {
            let ratio = |of: fn(&Numbers) -> f64| of(&keybearer) / of(&base);
            let (throughput, cpu) = (ratio(|numbers| numbers.throughput), ratio(|numbers| numbers.cpu));
            let (p50, p99) = (ratio(|numbers| numbers.p50), ratio(|numbers| numbers.p99));
            writeln!(out, "{name:24} {throughput:12.2} {p50:9.2} {p99:9.2} {cpu:15.2}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Statements per execute, and which they were.
pub(crate) fn statements(counted: &Statements) -> Result<()> {
    let mut out = stdout().lock();
    let Statements { executes, all, texts } = counted;
    let each = f64::from(*all) / f64::from(*executes);
    writeln!(out, "database: {all} statements beside {executes} executes, {each:.3} each")?;
    for (text, number) in texts {
        writeln!(out, "{number:8}  {text}")?;
    }
    writeln!(out)?;
    // A statement in the way of each call would be 1 or more; what runs by the clock or in batches is far below.
    if each >= 0.1 {
        bail!("an execute causes database statements; it should cause none");
    }
    Ok(())
}

/// Instructions per request.
pub(crate) fn instructions(counted: &[Instructions]) -> Result<()> {
    let mut out = stdout().lock();
    for Instructions { label, proxy, lean, keybearer } in counted {
        let ratio = keybearer / proxy;
        writeln!(
            out,
            "instructions per request at {label}: proxy {proxy:.0} (on hyper-util {lean:.0}), keybearer \
             {keybearer:.0}, ratio {ratio:.2}"
        )?;
    }
    writeln!(out)?;
    Ok(())
}

/// The engine's parts, and whether each stays within its limit.
pub(crate) fn engine(plan: &Plan, parts: &[Part]) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "connector engine beside a plain parse: one thread, medians of {}", plan.rounds)?;
    writeln!(out, "{:32} {:>12} {:>12} {:>9}  beside", "", "engine us", "parse us", "ratio")?;
    for part in parts {
        let (ours, theirs) = (part.ours.as_secs_f64() * 1e6, part.theirs.as_secs_f64() * 1e6);
        writeln!(out, "{:32} {ours:12.1} {theirs:12.1} {:9.2}  {}", part.name, part.ratio(), part.parse)?;
    }
    writeln!(out)?;
    for part in parts {
        let Some(most) = part.at_most else { continue };
        let (name, ratio) = (&part.name, part.ratio());
        if ratio.is_nan() || ratio > most {
            bail!("to {name} takes {ratio:.2} times a parse of {}; at most {most} is wanted", part.parse);
        }
        writeln!(out, "gate: {ratio:.2} is within {most} ({name})")?;
    }
    Ok(())
}

/// CPU time with many stored connectors, in units of that with no more than are called.
const STORED: f64 = 1.1;
/// Bytes that a server may hold, however many connectors are stored.
const RESIDENT: u64 = 150_000_000;

/// Executes beside the number of stored connectors, and whether that number is felt. What is stored beside the
/// connectors that are called must cost nothing; calling a thousand instead of one costs the processor's caches.
pub(crate) fn stored(plan: &Plan, stored: &[Stored]) -> Result<()> {
    let mut out = stdout().lock();
    let Plan { connections, rounds, requests } = plan;
    let requests = requests / 2;
    writeln!(
        out,
        "stored connectors: {connections} connections, {requests} requests a run over {} of them, medians of {rounds}",
        stored::WORKING_SET
    )?;
    writeln!(
        out,
        "{:>10} {:>9} {:>9} {:>15} {:>9} {:>9} {:>12} {:>9}",
        "stored", "p50 ms", "p99 ms", "CPU us/request", "of one", "of called", "cold CPU us", "RSS MB"
    )?;
    let one = stored.first().context("nothing was measured")?.warm.cpu;
    let same = stored.iter().find(|stored| stored.number == stored::WORKING_SET);
    let called = same.context("no server stores just what is called")?.warm.cpu;
    for Stored { number, warm, cold, resident } in stored {
        let Numbers { p50, p99, cpu, .. } = warm;
        let cold = cold.map_or_else(|| "-".to_owned(), |cold| format!("{cold:.1}"));
        let (of_one, of_called, resident) = (cpu / one, cpu / called, megabytes(*resident));
        writeln!(
            out,
            "{number:10} {p50:9.2} {p99:9.2} {cpu:15.1} {of_one:9.2} {of_called:9.2} {cold:>12} {resident:9.0}"
        )?;
    }
    writeln!(out)?;
    for Stored { number, warm, resident, .. } in stored {
        let (ratio, resident) = (warm.cpu / called, *resident);
        if ratio.is_nan() || ratio > STORED {
            bail!(
                "with {number} connectors an execute takes {ratio:.2} times the CPU time; at most {STORED} is wanted"
            );
        }
        if resident >= RESIDENT {
            let (held, most) = (megabytes(resident), megabytes(RESIDENT));
            bail!("with {number} connectors the server holds {held:.0} MB; less than {most:.0} is wanted");
        }
    }
    writeln!(out, "gate: within {STORED} of the same calls, and below {:.0} MB\n", megabytes(RESIDENT))?;
    Ok(())
}

/// A storm, and whether one refresh was enough for it. (That all calls were answered is seen before.)
pub(crate) fn storm(storms: &[Storm], gate: bool) -> Result<()> {
    let mut out = stdout().lock();
    let median = storms.get(storms.len() / 2).context("nothing was measured")?;
    let Storm { calls, cpu, peak, before, elapsed, .. } = median;
    writeln!(
        out,
        "refresh storm: {calls} calls wait for one refresh, median of {}: all answered after {:.2} s, \
         {cpu:.1} us CPU a call, {:.0} MB at the peak ({:.0} before)",
        storms.len(),
        elapsed.as_secs_f64(),
        megabytes(*peak),
        megabytes(*before)
    )?;
    let most = storms.iter().map(|storm| storm.refreshes).max().unwrap_or(0);
    let least = storms.iter().map(|storm| storm.refreshes).min().unwrap_or(0);
    writeln!(out, "token requests of a storm: {least} to {most}\n")?;
    if gate && (least, most) != (1, 1) {
        bail!("{calls} calls caused {least} to {most} token requests; one is wanted");
    }
    Ok(())
}

/// Floods of bad credentials.
pub(crate) fn floods(measured: &Floods) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(
        out,
        "bad credentials: their cost alone, and good calls beside about 2,000 of them in a second"
    )?;
    writeln!(
        out,
        "{:22} {:>14} {:>9} {:>9} {:>9} {:>20}",
        "", "us CPU refused", "refused/s", "p50 ms", "p99 ms", "us CPU a good call"
    )?;
    let Numbers { p50, p99, cpu, .. } = measured.none;
    writeln!(out, "{:22} {:>14} {:>9} {p50:9.2} {p99:9.2} {cpu:20.1}", "no flood", "-", "-")?;
    for flood in &measured.floods {
        let Numbers { p50, p99, cpu, .. } = flood.beside;
        let (name, rate, refused) = (flood.name, flood.rate, flood.refused.cpu);
        writeln!(out, "{name:22} {refused:14.1} {rate:9.0} {p50:9.2} {p99:9.2} {cpu:20.1}")?;
    }
    for flood in &measured.floods {
        let ratio = |of: fn(&Numbers) -> f64| of(&flood.beside) / of(&measured.none);
        let (p50, p99, cpu) = (ratio(|run| run.p50), ratio(|run| run.p99), ratio(|run| run.cpu));
        writeln!(out, "ratio, {:15} {:>14} {:>9} {p50:9.2} {p99:9.2} {cpu:20.2}", flood.name, "", "")?;
    }
    writeln!(out)?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Fails when Keybearer is too much dearer than the proxy.
pub(crate) fn gate(results: &[Comparison], gates: &[f64]) -> Result<()> {
    let mut missed = Vec::new();
    for (Comparison { label, proxy, keybearer, .. }, gate) in results.iter().zip(gates) {
        let ratio = keybearer.cpu / proxy.cpu;
        if ratio <= *gate {
            writeln!(stdout().lock(), "gate: {ratio:.2} is within {gate} at {label}")?;
        } else {
            missed.push(format!(
                "CPU time per request at {label} is {ratio:.2} times the proxy's; at most {gate} is wanted"
            ));
        }
    }
    writeln!(stdout().lock())?;
    if missed.is_empty() { Ok(()) } else { bail!("{}", missed.join("; and ")) }
}

/// Says on stderr what went wrong.
pub(crate) fn complain(error: &anyhow::Error) {
    // Where stderr is closed, nobody can be told.
    let _ = writeln!(stderr().lock(), "keybearer-bench: {error:#}");
}
