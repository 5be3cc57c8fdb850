//! `keybearer grants unanswered` and `grants resend`.
//!
//! Knows which connectors an operator means. Must not know when a refresh token may be sent.

use super::{say, tell};
use crate::app::App;
use crate::clock::{Clock, Random, rfc3339};
use crate::config::Config;
use crate::core::grants;
use crate::store::{ConnectorView, UnansweredFilter};
use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

const PAGE: i64 = 1000;

#[derive(Subcommand)]
pub(super) enum Grants {
    /// List connectors whose last renewal the provider left unanswered, as JSON lines
    ///
    /// With `"unanswered": 1` the refresh token is sent once more when the token endpoint answers again. With 2 it is not
    /// sent any more, because a third send could be taken for theft: the user connects again, or `grants resend` decides.
    #[command(
        after_help = "Example: keybearer grants unanswered --organization 0198c6a2-7f10-7c55-8a05-3f2a4be0a001"
    )]
    Unanswered {
        #[command(flatten)]
        which: Which,
    },
    /// Let the refresh tokens of such connectors be sent once more, at their next use
    ///
    /// For after an outage of the provider, when it is known that it did not act on what it left unanswered, or that it
    /// tolerates a repeat. A provider that did act may end the grant, which then has to be connected again. Each is sent
    /// when its token endpoint answers a question without a token.
    #[command(
        group = ArgGroup::new("chosen").required(true).multiple(true).args(["all", "connector", "connector_type"]),
        after_help = "Example: keybearer grants resend --organization 0198c6a2-7f10-7c55-8a05-3f2a4be0a001 --connector-type hubspot"
    )]
    Resend {
        #[command(flatten)]
        which: Which,
        /// All connectors of the organization
        #[arg(long, conflicts_with_all = ["connector", "connector_type"])]
        all: bool,
        /// As if the tokens had never been sent, also those that wait for that question: each is sent at the next use, and once
        /// more. For an endpoint that answers token requests only
        #[arg(long)]
        anew: bool,
    },
}

#[derive(Args)]
pub(super) struct Which {
    /// The organization
    #[arg(long, value_name = "ID")]
    organization: String,
    /// Only connectors of this type
    #[arg(long, value_name = "SLUG")]
    connector_type: Option<String>,
    /// Only this connector
    #[arg(long, value_name = "ID")]
    connector: Option<String>,
}

/// What is done with each that is found.
#[derive(Clone, Copy)]
enum Work {
    List,
    Resend { anew: bool },
}

pub(super) async fn run(command: Grants, config: Config) -> anyhow::Result<()> {
    let app = App::build(config, Clock::system(), Random::system()).await?;
    let done = match command {
        Grants::Unanswered { which } => each(&app, which, Work::List).await,
        Grants::Resend { which, anew, .. } => each(&app, which, Work::Resend { anew }).await,
    };
    app.deps.store.close().await;
    done
}

async fn each(app: &App, which: Which, work: Work) -> anyhow::Result<()> {
    let deps = &app.deps;
    let Which { organization, connector_type, connector } = which;
    if deps.store.organization(&organization).await?.is_none() {
        anyhow::bail!("--organization: there is none of that id; `keybearer org list` shows them");
    }
    let connector_type = match connector_type {
        None => None,
        Some(name) => match deps.catalog.find(&name) {
            Some(kind) => Some(kind.info.slug.clone()),
            None => {
                anyhow::bail!(
                    "--connector-type: `{name}` is not known; `keybearer connectors list` shows them"
                )
            }
        },
    };
    let mut filter =
        UnansweredFilter { connector_type, connector_id: connector, limit: PAGE, after: String::new() };
    let mut count = 0_u64;
    loop {
        let views = grants::unanswered(deps, &organization, &filter).await?;
        let Some(last) = views.last() else { break };
        filter.after.clone_from(&last.connector.id);
        for view in &views {
            let done = match work {
                Work::List => true,
                Work::Resend { anew } => grants::resend(deps, view, anew).await?,
            };
            if done {
                count += 1;
                say(&line(view));
            }
        }
    }
    tell(&match work {
        Work::List => format!("renewals left unanswered: {count}"),
        Work::Resend { .. } => {
            format!("refresh tokens to be sent once more, at the next use of their connectors: {count}")
        }
    });
    if count == 0 && filter.connector_id.is_some() {
        tell(
            "There is no such connector, or its renewal waits for nobody: `grants unanswered` lists those that do.",
        );
    }
    Ok(())
}

fn line(view: &ConnectorView) -> String {
    json!({
        "id": view.connector.id,
        "connector_type": view.connector.connector_type,
        "workspace_name": view.workspace_name,
        "unanswered": view.grant.unknown_sends,
        "since": rfc3339(view.grant.updated_at),
    })
    .to_string()
}
