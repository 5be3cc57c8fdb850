//! `keybearer backup DIR`.

use super::say;
use crate::app;
use crate::clock::Random;
use crate::config::Config;
use crate::store::Store;
use crate::vault::{WrappedKey, openers};
use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Name of the copy: a server finds it there when the folder is its data folder.
const FILE: &str = "keybearer.db";

#[derive(Args)]
pub(super) struct Backup {
    /// Folder of the copy; made when absent. A copy that is there is never written over
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) async fn run(command: Backup, config: Config) -> anyhow::Result<()> {
    if config.is_postgres() {
        anyhow::bail!(
            "this installation is on PostgreSQL, which has its own tools: `pg_dump --format=custom --file=keybearer.dump DATABASE_URL`, and `pg_restore` to bring it back"
        );
    }
    let Backup { directory } = command;
    let target = directory.join(FILE);
    let taken = || {
        anyhow::anyhow!("{} is there already and is not written over; name another folder", target.display())
    };
    if target.exists() {
        return Err(taken());
    }
    let masters = app::existing_keys(&config)?.read().context("KEYBEARER_MASTER_KEY")?;
    make_private(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let draft = directory.join(format!(".{FILE}-{}", Random::system().uuid_v4()));
    let made = async {
        // Made before SQLite writes into it, so that nobody else may ever read it.
        private_file(&draft).with_context(|| format!("cannot write into {}", directory.display()))?;
        let keys = Store::back_up(config.database_url.expose_secret(), &config.data_dir, &draft).await?;
        let keys: Vec<WrappedKey> = keys
            .into_iter()
            .map(|row| WrappedKey { id: row.id, wrapped: row.wrapped, created_at: row.created_at })
            .collect();
        let openers = openers(&masters, &keys)
            .context("KEYBEARER_MASTER_KEY: this key does not open the database, so the copy could not be checked and was not kept")?;
        let bytes = persist(&draft)?;
        // A link fails where the name is taken; a rename would replace the other copy.
        match fs::hard_link(&draft, &target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(taken()),
            Err(error) => return Err(error.into()),
        }
        fs::File::open(&directory)?.sync_all()?;
        Ok::<_, anyhow::Error>((bytes, openers))
    }
    .await;
    // Whatever became of it; where it is not there, nothing has to go.
    drop(fs::remove_file(&draft));
    let (bytes, openers) = made?;
    say(&format!("{}: {bytes} bytes, checked", target.display()));
    say(&format!(
        "It opens with master key {}, which is not in it: keep the key elsewhere.",
        openers.join(" and ")
    ));
    Ok(())
}

fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn private_file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Onto the disk; its length.
fn persist(path: &Path) -> io::Result<u64> {
    let file = fs::File::open(path)?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}
