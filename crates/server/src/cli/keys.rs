//! `keybearer keys rotate`.

use super::say;
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::core::keys;
use crate::vault::{MasterKeys, MasterSource};
use clap::Subcommand;
use std::io::Write;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Keys {
    /// Exchange the master key while servers run; run it again after an interruption
    ///
    /// With a generated key file a new key is put in front of the old one there. A key from the environment or from
    /// KEYBEARER_MASTER_KEY_FILE is the operator's: put a new key in front of the old one, parted by a line or a blank, for
    /// every server, then run this. Everything is sealed anew under the first key; afterwards the old one can be
    /// removed.
    #[command(
        after_help = "Example: keybearer keys rotate\nExample: KEYBEARER_MASTER_KEY=\"$NEW_KEY $OLD_KEY\" keybearer keys rotate"
    )]
    Rotate,
}

pub(super) async fn run(command: Keys, config: Config) -> anyhow::Result<()> {
    match command {
        Keys::Rotate => rotate(config).await,
    }
}

async fn rotate(config: Config) -> anyhow::Result<()> {
    let random = Random::system();
    let generated = config.generated_key_file();
    let app = App::build(config, Clock::system(), random.clone()).await?;
    let source = app.deps.keyring.source().clone();
    if source.read()?.is_single() {
        begin(&source, generated.as_ref(), &random)?;
    }
    let masters = source.read()?;
    let old: Vec<String> = masters.all().skip(1).map(crate::vault::MasterKey::fingerprint).collect();
    tell(&format!("from master key {} to {}", old.join(", "), masters.current().fingerprint()));
    let rotated = keys::rotate(&app.deps, &mut |line| tell(&line)).await.map_err(told)?;
    app.deps.store.close().await;
    say(&format!(
        "Everything is under master key {}: {} rows sealed anew, {} data keys wrapped anew.",
        masters.current().fingerprint(),
        rotated.resealed,
        rotated.rewrapped
    ));
    say(&format!(
        "The old key ({}) is no longer needed, except for backups from before: {}",
        old.join(", "),
        match &generated {
            Some(path) => format!("keep it with those, and remove its line from {}.", path.display()),
            None => "keep it with those, and take it out of every server's setting.".to_owned(),
        }
    ));
    match rotated.unreadable.as_slice() {
        [] => Ok(()),
        rows => anyhow::bail!(
            "{} rows were damaged or moved before and open under no key; they were left as they are: {}",
            rows.len(),
            rows.iter().take(20).cloned().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// One key only: a new one comes in front of it, where that is ours to do.
fn begin(source: &MasterSource, generated: Option<&PathBuf>, random: &Random) -> anyhow::Result<()> {
    match (source, generated) {
        (MasterSource::File(path), Some(generated)) if path == generated => {
            MasterKeys::put_new_first(path, random)?;
            tell(&format!("a new key stands first in {}", path.display()));
            Ok(())
        }
        _ => anyhow::bail!(
            "KEYBEARER_MASTER_KEY holds one key, and this command cannot change it for your servers. Make a new one \
             (`openssl rand -base64 32`), put it in front of the old one, parted by a blank or a line \
             (KEYBEARER_MASTER_KEY=\"NEW OLD\"), restart the servers with that one after the other, then run this again"
        ),
    }
}

fn told(error: crate::core::error::Error) -> anyhow::Error {
    let cause = error.source.as_ref().map(ToString::to_string);
    let error = anyhow::Error::from(error);
    match cause {
        Some(cause) => error.context(cause),
        None => error,
    }
    .context("the exchange is not finished; run `keybearer keys rotate` again")
}

/// Progress, for whoever watches.
fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "keys: {line}"));
}
