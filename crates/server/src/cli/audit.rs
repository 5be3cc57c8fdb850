//! `keybearer audit verify` and `audit export`.
//!
//! Knows what an operator reads. Must not know how a chain is computed.

use super::say;
use crate::api::audit_entry;
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::core::audit::{self, chain};
use crate::store::AuditFilter;
use clap::Subcommand;

const PAGE: i64 = 1000;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Walk the chain of each organization's audit log and name the first entry that is wrong or missing
    #[command(
        after_help = "Example: keybearer audit verify\nPrints `SEQ HASH` of each chain's end: noted elsewhere, it proves that the log was not rolled back."
    )]
    Verify {
        /// Only this organization
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
    },
    /// Write the audit log of an organization as JSON lines
    #[command(
        after_help = "Example: keybearer audit export --organization 0198c6a2-7f10-7c55-8a05-3f2a4be0a001 > audit.jsonl"
    )]
    Export {
        /// The organization
        #[arg(long, value_name = "ID")]
        organization: String,
    },
}

pub(super) async fn run(command: Audit, config: Config) -> anyhow::Result<()> {
    let app = App::build(config, Clock::system(), Random::system()).await?;
    let done = match command {
        Audit::Verify { organization } => verify(&app, organization).await,
        Audit::Export { organization } => export(&app, &organization).await,
    };
    app.deps.store.close().await;
    done
}

async fn verify(app: &App, only: Option<String>) -> anyhow::Result<()> {
    let all = match only {
        Some(id) => vec![id],
        None => app.deps.store.audited_organizations().await?,
    };
    let mut wrong = 0;
    for organization in all {
        let verdict = chain::verify(&app.deps, &organization).await?;
        match verdict.fault {
            None => say(&format!(
                "ok       {organization}  {} {}  {} not linked yet",
                verdict.good,
                verdict.head.as_deref().unwrap_or("-"),
                app.deps.store.unchained_entries(&organization).await?
            )),
            Some(fault) => {
                wrong += 1;
                say(&format!("problem  {organization}  {fault}"));
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(anyhow::anyhow!("{wrong} audit logs are not as they were written")) }
}

async fn export(app: &App, organization: &str) -> anyhow::Result<()> {
    let mut filter = AuditFilter { limit: PAGE, ..AuditFilter::default() };
    loop {
        let rows = audit::list_of(&app.deps, organization, &filter).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        filter.after = Some((last.at, last.id.clone()));
        for row in &rows {
            say(&audit_entry(row).to_string());
        }
    }
}
