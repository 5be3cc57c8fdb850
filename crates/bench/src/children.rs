//! Processes that the bench starts: address, CPU time, memory, end.
//!
//! Knows `/proc` and process ids. Must not know what the processes do.

use anyhow::{Context, Result, anyhow};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running process; it ends with this value.
pub(crate) struct Running {
    child: Child,
}

/// Ticks of `/proc/<pid>/stat` in a second. Linux shows user space 100 on every architecture.
const TICKS: u64 = 100;

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child =
            command.spawn().with_context(|| format!("starting {}", command.get_program().display()))?;
        Ok(Self { child })
    }

    /// Starts this program again in another role and waits for the address that it announces.
    pub(crate) fn role(arguments: &[&str], under: Option<&[String]>) -> Result<(Self, SocketAddr)> {
        let own = std::env::current_exe()?;
        let mut command = match under {
            Some([program, rest @ ..]) => {
                let mut command = Command::new(program);
                command.args(rest).arg(own);
                command
            }
            _ => Command::new(own),
        };
        let mut running = Self::start(command.args(arguments).stdout(Stdio::piped()))?;
        let output = running.child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address =
            line.trim().parse().with_context(|| format!("`{}` said {line:?}", arguments.join(" ")))?;
        Ok((running, address))
    }

    /// CPU time of the process so far, user and system, all threads. In steps of 10 ms.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let path = format!("/proc/{}/stat", self.child.id());
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{path} (the bench needs Linux)"))?;
        // proc_pid_stat(5): the name in parentheses may contain spaces; after it come state (3rd) … utime (14th), stime.
        let fields = text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
        let mut times =
            fields.ok_or_else(|| anyhow!("{path} is unreadable"))?.skip(11).take(2).map(str::parse::<u64>);
        let user = times.next().context("no utime")??;
        let system = times.next().context("no stime")??;
        Ok(Duration::from_millis((user + system) * 1000 / TICKS))
    }

    /// Memory that the process holds now, in bytes (`VmRSS`).
    pub(crate) fn resident(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that it has held (`VmHWM`), in bytes, since the start or the last [`Self::forget_peak`].
    pub(crate) fn peak(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// Lets the peak begin at what is held now (proc(5), `clear_refs`).
    pub(crate) fn forget_peak(&self) -> Result<()> {
        let path = format!("/proc/{}/clear_refs", self.child.id());
        std::fs::write(&path, "5").with_context(|| path)
    }

    fn status(&self, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: u64 = kilobytes.with_context(|| format!("{path} has no {name}"))?.parse()?;
        Ok(kilobytes * 1024)
    }

    /// True until the process ends.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status().context("running `kill`")?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left to do about it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells the parent where this process listens.
pub(crate) fn announce(address: SocketAddr) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{address}")?;
    Ok(output.flush()?)
}
