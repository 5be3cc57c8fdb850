//! `keybearer audit verify` and `audit export`.
//!
//! Knows what an operator reads. Must not know how a chain is computed.

use super::say;
use crate::api::audit_entry;
use crate::app::App;
use crate::clock::{Clock, Random, rfc3339};
use crate::config::Config;
use crate::core::audit::{self, Verdict};
use crate::store::AuditFilter;
use clap::Subcommand;

const PAGE: i64 = 1000;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Walk the chain of each organization's audit log and name the first entry that is wrong or missing
    #[command(
        after_help = "Example: keybearer audit verify\nPrints `SEQ HASH` of each chain's end: noted elsewhere, it proves that the log was not rolled back.\nWith KEYBEARER_AUDIT_RETENTION it also says how many entries were pruned, and up to when."
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
        let verdict = audit::verify(&app.deps, &organization).await?;
        match verdict.fault {
            None => {
                let unlinked = app.deps.store.unchained_entries(&organization).await?;
                say(&good(&organization, &verdict, unlinked));
            }
            Some(fault) => {
                wrong += 1;
                say(&format!("problem  {organization}  {fault}"));
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(anyhow::anyhow!("{wrong} audit logs are not as they were written")) }
}

fn good(organization: &str, verdict: &Verdict, unlinked: i64) -> String {
    let head = verdict.head.as_deref().unwrap_or("-");
    let pruned = verdict.pruned.map_or_else(String::new, |pruned| {
        format!("  {} pruned, up to {}", pruned.entries, rfc3339(pruned.latest))
    });
    format!("ok       {organization}  {} {head}  {unlinked} not linked yet{pruned}", verdict.good)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::audit::Pruned;

    #[test]
    fn what_was_pruned_is_said_where_something_was() {
        let whole = Verdict { good: 6, pruned: None, head: Some("af01".to_owned()), fault: None };
        assert_eq!(good("acme", &whole, 2), "ok       acme  6 af01  2 not linked yet");
        let cut = Verdict { pruned: Some(Pruned { entries: 4, latest: 1_780_272_000_000 }), ..whole };
        assert_eq!(
            good("acme", &cut, 0),
            "ok       acme  6 af01  0 not linked yet  4 pruned, up to 2026-06-01T00:00:00Z"
        );
    }
}
