//! `keybearer doctor`: what is right, what is wrong, and what to do about it.

use super::say;
use crate::app::App;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::store::OrganizationRow;
use url::Url;

struct Findings {
    problems: u32,
}

impl Findings {
    fn good(what: &str) {
        say(&format!("ok       {what}"));
    }

    fn warn(what: &str) {
        say(&format!("warning  {what}"));
    }

    fn bad(&mut self, what: &str) {
        self.problems += 1;
        say(&format!("problem  {what}"));
    }
}

pub(super) async fn run(config: anyhow::Result<Config>) -> anyhow::Result<()> {
    let mut findings = Findings { problems: 0 };
    match config {
        Err(error) => findings.bad(&format!("configuration: {error:#}")),
        Ok(config) => examine(config, &mut findings).await,
    }
    match findings.problems {
        0 => Ok(()),
        count => Err(anyhow::anyhow!("{count} to fix")),
    }
}

async fn examine(config: Config, findings: &mut Findings) {
    Findings::good("configuration: every value is accepted");
    for name in &config.unknown {
        Findings::warn(&format!("configuration: {name} is not known and has no effect"));
    }
    public_url(&config);
    let database = if config.is_postgres() { "PostgreSQL" } else { "SQLite" };
    let clock = Clock::system();
    let app = match App::build(config, clock.clone(), Random::system()).await {
        Ok(app) => app,
        Err(error) => return findings.bad(&format!("start: {error:#}")),
    };
    Findings::good(&format!("database: {database} answers and is migrated"));
    Findings::good("keys: the master key opens the database");
    if app.deps.keyring.source().read().is_ok_and(|keys| !keys.is_single()) {
        Findings::warn(
            "keys: there are two master keys; finish with `keybearer keys rotate`, then remove the old one",
        );
    }
    database_clock(&app, &clock, findings).await;
    definitions(&app, findings);
    redirect_urls(&app, findings).await;
    app.deps.store.close().await;
}

fn public_url(config: &Config) {
    let url = &config.public_url;
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    if url.starts_with("https://") {
        Findings::good(&format!("public URL: {url}"));
    } else if local {
        Findings::warn(&format!(
            "public URL: {url} works on this machine only; set KEYBEARER_PUBLIC_URL for others"
        ));
    } else {
        Findings::warn(&format!(
            "public URL: {url} is not https; most providers refuse such callbacks, and codes travel in the clear"
        ));
    }
}

async fn database_clock(app: &App, clock: &Clock, findings: &mut Findings) {
    match app.deps.store.clock_ms().await {
        Ok(database) => {
            let skew = (database - clock.now_ms()).abs();
            if skew < 2000 {
                Findings::good(&format!("clock: {skew} ms from the database's"));
            } else {
                findings.bad(&format!("clock: {skew} ms from the database's; run a time service on both"));
            }
        }
        Err(error) => findings.bad(&format!("clock: the database does not say its time: {error}")),
    }
}

fn definitions(app: &App, findings: &mut Findings) {
    let catalog = &app.deps.catalog;
    for (path, reason) in catalog.unreadable() {
        findings.bad(&format!("definition {}:{reason}", path.display()));
    }
    let bad = catalog.compile_all();
    for (kind, problems) in &bad {
        for problem in *problems {
            findings.bad(&format!("definition {} at {}:{problem}", kind.info.slug, kind.origin));
        }
    }
    let good = catalog.all().count() - bad.len();
    Findings::good(&format!("definitions: {good} connector types can be used"));
}

async fn redirect_urls(app: &App, findings: &mut Findings) {
    let organizations = match app.deps.store.list_organizations().await {
        Ok(organizations) => organizations,
        Err(error) => return findings.bad(&format!("organizations: {error}")),
    };
    if organizations.is_empty() {
        Findings::warn("organizations: there is none; `keybearer org create NAME` makes one");
    }
    for organization in organizations {
        match app.deps.store.list_redirect_urls(&organization.id).await {
            Ok(urls) if urls.is_empty() => Findings::warn(&format!(
                "redirect URLs of `{}`: the list is empty, so every acceptable URL may receive a secret_id; `keybearer org redirect-urls add` fills it",
                organization.name
            )),
            Ok(urls) => {
                Findings::good(&format!("redirect URLs of `{}`: {} allowed", organization.name, urls.len()));
            }
            Err(error) => findings.bad(&format!("redirect URLs of `{}`: {error}", organization.name)),
        }
        binding(app, &organization, findings).await;
    }
}

async fn binding(app: &App, organization: &OrganizationRow, findings: &mut Findings) {
    let name = &organization.name;
    match app.deps.store.organization_settings(&organization.id).await {
        Ok(Some(settings)) if settings.require_binding => {
            Findings::good(&format!("session binding of `{name}`: required"));
        }
        Ok(_) => Findings::warn(&format!(
            "session binding of `{name}`: not required, so a user can finish a consent that somebody else started; \
             `keybearer org settings {} --require-binding on` once its application sends code_challenge",
            organization.id
        )),
        Err(error) => findings.bad(&format!("session binding of `{name}`: {error}")),
    }
}
