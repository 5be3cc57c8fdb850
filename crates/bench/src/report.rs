//! What the bench prints.
//!
//! Knows words and columns. Must not know how numbers came about.

use crate::engine::Part;
use crate::instructions::Instructions;
use crate::rounds::{Comparison, Numbers, Plan};
use crate::statements::Statements;
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
            "{:12} {:>12} {:>9} {:>9} {:>15}",
            "", "requests/s", "p50 ms", "p99 ms", "CPU us/request"
        )?;
        let (proxy, keybearer) = (comparison.proxy, comparison.keybearer);
        for (name, Numbers { throughput, p50, p99, cpu }) in [("bare proxy", proxy), ("keybearer", keybearer)]
        {
            writeln!(out, "{name:12} {throughput:12.0} {p50:9.2} {p99:9.2} {cpu:15.1}")?;
        }
        let ratio = |of: fn(&Numbers) -> f64| of(&keybearer) / of(&proxy);
        let (throughput, cpu) = (ratio(|numbers| numbers.throughput), ratio(|numbers| numbers.cpu));
        let (p50, p99) = (ratio(|numbers| numbers.p50), ratio(|numbers| numbers.p99));
        writeln!(out, "{:12} {throughput:12.2} {p50:9.2} {p99:9.2} {cpu:15.2}\n", "ratio")?;
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
pub(crate) fn instructions(counted: &Instructions) -> Result<()> {
    let Instructions { proxy, keybearer } = counted;
    let ratio = keybearer / proxy;
    let mut out = stdout().lock();
    writeln!(
        out,
        "instructions per request at 2 kB: proxy {proxy:.0}, keybearer {keybearer:.0}, ratio {ratio:.2}\n"
    )?;
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

/// Fails when Keybearer is too much dearer than the proxy.
pub(crate) fn gate(results: &[Comparison], gate: Option<f64>) -> Result<()> {
    let Some(gate) = gate else { return Ok(()) };
    let small = results.first().context("nothing was measured")?;
    let ratio = small.keybearer.cpu / small.proxy.cpu;
    if ratio.is_nan() || ratio > gate {
        bail!(
            "CPU time per request at {} is {ratio:.2} times the proxy's; at most {gate} is wanted",
            small.label
        );
    }
    writeln!(stdout().lock(), "gate: {ratio:.2} is within {gate}")?;
    Ok(())
}

/// Says on stderr what went wrong.
pub(crate) fn complain(error: &anyhow::Error) {
    // Where stderr is closed, nobody can be told.
    let _ = writeln!(stderr().lock(), "keybearer-bench: {error:#}");
}
