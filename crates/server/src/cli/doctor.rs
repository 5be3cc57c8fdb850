//! `keybearer doctor`: what is right, what is wrong, and what to do about it.
//!
//! Knows what an operator has to hear. Only looks: it makes no file, no table and no key, and must not use what does.

use super::say;
use crate::app;
use crate::clock::Clock;
use crate::config::Config;
use crate::core::catalog::Catalog;
use crate::core::grants::machine::SENDS;
use crate::store::{OrganizationRow, Store, Tables};
use secrecy::ExposeSecret;
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
    match Store::look(config.database_url.expose_secret(), &config.data_dir).await {
        Ok(Some(store)) => {
            database(&config, &store, findings).await;
            store.close().await;
        }
        Ok(None) => {
            Findings::warn("database: there is none yet; `keybearer serve` makes it");
            if let Err(error) = app::existing_keys(&config) {
                findings.bad(&format!("keys: {error:#}"));
            }
        }
        Err(error) => findings.bad(&format!("database: {error}")),
    }
    definitions(&Catalog::load(config.connectors_dir.as_deref()), findings);
}

async fn database(config: &Config, store: &Store, findings: &mut Findings) {
    let name = if config.is_postgres() { "PostgreSQL" } else { "SQLite" };
    let tables = match store.tables().await {
        Ok(tables) => tables,
        Err(error) => return findings.bad(&format!("database: {error}")),
    };
    match tables {
        Tables::Ready => Findings::good(&format!("database: {name} answers and is migrated")),
        Tables::Missing => {
            Findings::warn(&format!(
                "database: {name} answers and is empty; `keybearer serve` makes the tables"
            ));
        }
        Tables::Older => Findings::warn(&format!(
            "database: {name} answers with tables of an earlier version; `keybearer serve` migrates them. Back it up first, then look again for what is not checked now"
        )),
    }
    database_clock(store, &Clock::system(), findings).await;
    if tables == Tables::Ready {
        keys(config, store, findings).await;
        bootstrap(config, store, findings).await;
        redirect_urls(store, findings).await;
    } else if let Err(error) = app::existing_keys(config) {
        findings.bad(&format!("keys: {error:#}"));
    }
}

async fn keys(config: &Config, store: &Store, findings: &mut Findings) {
    let keyring = match app::stored_keyring(config, store).await {
        Ok(Some(keyring)) => keyring,
        Ok(None) => {
            return Findings::warn("keys: nothing is sealed yet; `keybearer serve` makes the first data key");
        }
        Err(error) => return findings.bad(&format!("keys: {error:#}")),
    };
    Findings::good("keys: the master key opens the database");
    if keyring.source().read().is_ok_and(|keys| !keys.is_single()) {
        Findings::warn(
            "keys: there are two master keys; finish with `keybearer keys rotate`, then remove the old one",
        );
    }
}

async fn bootstrap(config: &Config, store: &Store, findings: &mut Findings) {
    let Some(credentials) = &config.bootstrap else { return };
    match app::bootstrap_is_there(store, credentials).await {
        Ok(true) => {}
        Ok(false) => {
            Findings::warn("bootstrap: the organization is not there yet; `keybearer serve` makes it");
        }
        Err(error) => findings.bad(&format!("bootstrap: {error:#}")),
    }
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

async fn database_clock(store: &Store, clock: &Clock, findings: &mut Findings) {
    match store.clock_ms().await {
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

fn definitions(catalog: &Catalog, findings: &mut Findings) {
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

async fn redirect_urls(store: &Store, findings: &mut Findings) {
    let organizations = match store.list_organizations().await {
        Ok(organizations) => organizations,
        Err(error) => return findings.bad(&format!("organizations: {error}")),
    };
    if organizations.is_empty() {
        Findings::warn("organizations: there is none; `keybearer org create NAME` makes one");
    }
    for organization in organizations {
        match store.list_redirect_urls(&organization.id).await {
            Ok(urls) if urls.is_empty() => Findings::warn(&format!(
                "redirect URLs of `{}`: the list is empty, so every acceptable URL may receive a secret_id; `keybearer org redirect-urls add` fills it",
                organization.name
            )),
            Ok(urls) => {
                Findings::good(&format!("redirect URLs of `{}`: {} allowed", organization.name, urls.len()));
            }
            Err(error) => findings.bad(&format!("redirect URLs of `{}`: {error}", organization.name)),
        }
        binding(store, &organization, findings).await;
        unanswered(store, &organization, findings).await;
    }
}

async fn unanswered(store: &Store, organization: &OrganizationRow, findings: &mut Findings) {
    let name = &organization.name;
    match store.count_unanswered(&organization.id, SENDS).await {
        Ok(0) => {}
        Ok(count) => Findings::warn(&format!(
            "renewals of `{name}`: {count} connectors are not renewed any more, because the provider left their refresh unanswered twice; \
             `keybearer grants unanswered --organization {}` lists them",
            organization.id
        )),
        Err(error) => findings.bad(&format!("renewals of `{name}`: {error}")),
    }
}

async fn binding(store: &Store, organization: &OrganizationRow, findings: &mut Findings) {
    let name = &organization.name;
    match store.organization_settings(&organization.id).await {
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
