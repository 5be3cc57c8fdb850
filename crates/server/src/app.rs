//! The server put together: configuration to dependencies, dependencies to a listening router, and the way down.
//!
//! Knows everything, and is known by the command line and the tests only.

use crate::api::{self, Edge};
use crate::clock::{Clock, Random};
use crate::config::{ClientCredentials, Config};
use crate::core::audit::Chain;
use crate::core::catalog::Catalog;
use crate::core::{Deps, Settings, keys, tokens::Tokens};
use crate::egress::{Egress, Limits};
use crate::jobs;
use crate::listener;
use crate::store::{Bootstrap, CredentialRow, KeyRow, OrganizationRow, Store};
use crate::vault::{Keyring, MasterKey, MasterKeys, MasterSource, digest};
use anyhow::Context;
use keybearer_connector::document::Severity;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

/// For a name, TCP and TLS of an upstream.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Running requests may take this long after a stop signal.
const DRAIN: Duration = Duration::from_secs(30);
/// What is wrong when the chain cannot be opened.
const AUDIT_KEY: &str = "the audit log's key cannot be opened";

/// A server that has not bound its address yet.
pub struct App {
    /// What the rules work with.
    pub deps: Arc<Deps>,
    cors_origins: Vec<String>,
    limits: listener::Limits,
}

impl App {
    /// Opens database and keys, migrates, loads definitions. Binds nothing.
    pub async fn build(config: Config, clock: Clock, random: Random) -> anyhow::Result<Self> {
        let catalog = Catalog::load(config.connectors_dir.as_deref());
        Self::with_catalog(config, clock, random, catalog).await
    }

    /// As [`App::build`], with definitions of the caller's choice.
    pub async fn with_catalog(
        config: Config,
        clock: Clock,
        random: Random,
        catalog: Catalog,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("KEYBEARER_DATA_DIR: cannot create {}", config.data_dir.display()))?;
        let store = Store::connect(config.database_url.expose_secret(), &config.data_dir).await?;
        store.migrate().await?;
        let source = master_source(&config, &store, &random).await?;
        let keyring = open_keyring(&store, source, &clock, &random).await?;
        if let Some(credentials) = &config.bootstrap {
            bootstrap(&store, credentials, &clock, &random).await?;
        }
        let chain = Chain::open(&store, &keyring, &clock, &random).await.context(AUDIT_KEY)?;
        let limits = Limits {
            timeout: config.upstream_timeout,
            // Before the call's own end, so that it is known that nothing was sent.
            connect_timeout: CONNECT_TIMEOUT.min(config.upstream_timeout.mul_f32(0.8)),
            max_response_bytes: config.max_response_bytes,
            allow_cidrs: config.allow_upstream_cidrs.clone(),
        };
        let deps = Deps {
            store,
            keyring,
            egress: Egress::new(limits)?,
            catalog: Arc::new(catalog),
            clock,
            random: random.clone(),
            settings: settings(&config),
            tokens: Tokens::default(),
            sign_ins: crate::core::sign_ins::SignIns::default(),
            rate_limits: crate::core::rate_limits::RateLimits::new(
                config.rate_limit,
                config.token_rate_limit,
            ),
            ready: crate::core::call::ReadyCache::default(),
            gates: crate::core::call::gate::Gates::default(),
            refreshes: crate::core::grants::Refreshes::default(),
            rests: crate::core::grants::Rests::default(),
            endpoints: crate::core::grants::Endpoints::default(),
            feed: crate::core::feed::Feed::default(),
            audit: crate::core::audit::Audit { queue: crate::core::audit::Queue::default(), chain },
            dice: crate::core::Dice::new(&random),
            wake: Notify::new(),
            tasks: TaskTracker::new(),
        };
        let limits = listener::Limits {
            header_timeout: config.header_timeout,
            body_timeout: config.body_timeout,
            max_connections: config.max_connections as usize,
        };
        Ok(Self { deps: Arc::new(deps), cors_origins: config.cors_origins, limits })
    }

    /// The API, for serving and for tests in process.
    pub fn router(&self) -> Edge {
        api::router(&self.deps, &self.cors_origins)
    }

    /// Serves until `stop` is true, then lets running requests finish.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let loops = jobs::start(&self.deps, &stop).await?;
        self.compile_definitions();
        tokio::select! {
            () = listener::serve(listener, self.router(), self.limits, stop.clone()) => {}
            () = async {
                drop(stop.wait_for(|stop| *stop).await);
                tokio::time::sleep(DRAIN).await;
            } => tracing::warn!("requests were still running at the end of the drain time"),
        }
        for running in loops {
            running.await?;
        }
        // A token call between its answer and the commit must not be cut: the old refresh token may be used up.
        self.deps.tasks.close();
        if tokio::time::timeout(DRAIN, self.deps.tasks.wait()).await.is_err() {
            tracing::warn!("token calls were still running at the end of the drain time");
        }
        // After the last request: its entry waits in memory.
        if let Err(error) = jobs::write_audit(&self.deps).await {
            tracing::error!(%error, "the last entries of the audit log were not written");
        }
        self.deps.store.close().await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Compiles definitions after the start, off the async threads, so that the first user does not find a mistake.
    fn compile_definitions(&self) {
        let catalog = Arc::clone(&self.deps.catalog);
        tokio::task::spawn_blocking(move || {
            for (path, reason) in catalog.unreadable() {
                tracing::warn!(path = %path.display(), reason, "a definition was left out");
            }
            for (kind, problems) in catalog.compile_all() {
                let problem = problems.iter().find(|problem| problem.severity == Severity::Error);
                tracing::warn!(
                    connector_type = kind.info.slug,
                    origin = kind.origin,
                    mistakes = problems.len(),
                    line = problem.map(|problem| problem.line),
                    first = problem.map(|problem| problem.message.as_str()),
                    "a definition has mistakes and cannot be used"
                );
            }
        });
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        public_url: config.public_url.clone(),
        oauth_session_ttl: config.oauth_session_ttl,
        secret_ttl: config.secret_ttl,
        pending_consents: crate::store::PendingLimit {
            organization: i64::from(config.max_pending_consents),
            workspace: i64::from(config.max_pending_consents_per_workspace),
        },
        trusted_proxies: config.trusted_proxies.clone(),
        max_concurrent_calls: config.max_concurrent_calls as usize,
        callback_mode: config.callback_mode,
        refresh_ahead: config.refresh_ahead,
        audit_executes: config.audit_executes,
        audit_retention: config.audit_retention,
        upstream_timeout: config.upstream_timeout,
        retry_base_delay: config.retry_base_delay,
        oauth_apps: config.oauth_apps.clone(),
    }
}

/// The key-encryption keys: from the configuration, or generated once beside a SQLite file. A generated key is never
/// made anew while the database holds something sealed with another.
async fn master_source(config: &Config, store: &Store, random: &Random) -> anyhow::Result<MasterSource> {
    let source = existing_keys(config)?;
    let Some(path) = config.generated_key_file() else { return Ok(source) };
    if !store.list_keys().await?.is_empty() {
        key_is_there(config)?;
    }
    MasterKey::load_or_generate(&path, random)?;
    Ok(source)
}

/// Refuses where the database is sealed with a generated key whose file is gone.
fn key_is_there(config: &Config) -> anyhow::Result<()> {
    match config.generated_key_file() {
        Some(path) if !path.exists() => anyhow::bail!(
            "KEYBEARER_MASTER_KEY: the database is sealed, and {} is gone; put the key file back or set the variable",
            path.display()
        ),
        _ => Ok(()),
    }
}

/// Where the key-encryption keys are. Makes none.
pub fn existing_keys(config: &Config) -> anyhow::Result<MasterSource> {
    if let Some(text) = &config.master_key {
        MasterKeys::parse(text.expose_secret()).context("KEYBEARER_MASTER_KEY")?;
        let text = || MasterSource::Text(text.clone());
        return Ok(config.master_key_file.clone().map_or_else(text, MasterSource::File));
    }
    match config.generated_key_file() {
        Some(path) => Ok(MasterSource::File(path)),
        None => anyhow::bail!(
            "KEYBEARER_MASTER_KEY: required with PostgreSQL; 32 bytes in base64, the same on every replica; `openssl rand -base64 32` makes one"
        ),
    }
}

async fn open_keyring(
    store: &Store,
    source: MasterSource,
    clock: &Clock,
    random: &Random,
) -> anyhow::Result<Keyring> {
    if store.list_keys().await?.is_empty() {
        let key = Keyring::new_key(&source.read()?, random, clock.now_ms())?;
        store
            .insert_first_key(&KeyRow { id: key.id, wrapped: key.wrapped, created_at: key.created_at })
            .await?;
    }
    unlock(source, store).await
}

async fn unlock(source: MasterSource, store: &Store) -> anyhow::Result<Keyring> {
    let rows = keys::stored(store).await?;
    Keyring::unlock(source, &rows).context("KEYBEARER_MASTER_KEY: this key does not open the database; the start is refused so that nothing is lost")
}

/// Opens the keys of a database that is there; none where nothing was ever sealed. Makes none.
pub async fn stored_keyring(config: &Config, store: &Store) -> anyhow::Result<Option<Keyring>> {
    let source = existing_keys(config)?;
    if store.list_keys().await?.is_empty() {
        return Ok(None);
    }
    key_is_there(config)?;
    let keyring = unlock(source, store).await?;
    Chain::stored(store, &keyring).await.context(AUDIT_KEY)?;
    Ok(Some(keyring))
}

async fn bootstrap(
    store: &Store,
    credentials: &ClientCredentials,
    clock: &Clock,
    random: &Random,
) -> anyhow::Result<()> {
    let now = clock.now_ms();
    let organization =
        OrganizationRow { id: random.uuid_v7(clock), name: "default".to_owned(), created_at: now };
    let credential = CredentialRow {
        id: random.uuid_v7(clock),
        organization_id: organization.id.clone(),
        client_id: credentials.client_id.clone(),
        secret_hash: digest("client_secret", credentials.client_secret.expose_secret()).to_vec(),
        created_at: now,
        removed_at: None,
    };
    match store.bootstrap_organization(&organization, &credential).await? {
        Bootstrap::Created => {
            tracing::info!(organization_id = organization.id, "organization `default` created");
        }
        Bootstrap::Present { .. } => {}
        Bootstrap::OtherSecret { organization_id } => return Err(other_secret(&organization_id)),
    }
    Ok(())
}

/// Refuses bootstrap credentials that are there with another secret. Makes none; false where they are not there.
pub async fn bootstrap_is_there(store: &Store, credentials: &ClientCredentials) -> anyhow::Result<bool> {
    let Some(known) = store.credential_by_client_id(&credentials.client_id).await? else {
        return Ok(false);
    };
    let same = known.secret_hash == digest("client_secret", credentials.client_secret.expose_secret());
    if same { Ok(true) } else { Err(other_secret(&known.organization_id)) }
}

fn other_secret(organization_id: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "KEYBEARER_BOOTSTRAP_CLIENT_SECRET: not the secret that organization {organization_id} was created with; the bootstrap only creates, it does not change secrets"
    )
}
