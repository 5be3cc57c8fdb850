//! The server put together: configuration to dependencies, dependencies to a listening router, and the way down.
//!
//! Knows everything, and is known by the command line and the tests only.

use crate::api::{self, Edge};
use crate::clock::{Clock, Random};
use crate::config::{ClientCredentials, Config};
use crate::core::catalog::Catalog;
use crate::core::{Deps, Settings, tokens::Tokens};
use crate::egress::{Egress, Limits};
use crate::jobs;
use crate::listen::Bounded;
use crate::store::{Bootstrap, CredentialRow, KeyRow, OrganizationRow, Store};
use crate::vault::{Keyring, MasterKey, WrappedKey, digest};
use anyhow::Context;
use axum::ServiceExt;
use axum::serve::ListenerExt;
use keybearer_connector::document::Severity;
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

/// For a name, TCP and TLS of an upstream.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Running requests may take this long after a stop signal.
const DRAIN: Duration = Duration::from_secs(30);

/// A server that has not bound its address yet.
pub struct App {
    /// What the rules work with.
    pub deps: Arc<Deps>,
    cors_origins: Vec<String>,
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
        let master = master_key(&config, &store, &random).await?;
        let keyring = open_keyring(&store, &master, &clock, &random).await?;
        if let Some(credentials) = &config.bootstrap {
            bootstrap(&store, credentials, &clock, &random).await?;
        }
        let limits = Limits {
            timeout: config.upstream_timeout,
            connect_timeout: CONNECT_TIMEOUT.min(config.upstream_timeout),
            max_response_bytes: config.max_response_bytes,
            allow_cidrs: config.allow_upstream_cidrs.clone(),
        };
        let tokens = Tokens::new(keyring.signing_key());
        let deps = Deps {
            store,
            keyring,
            egress: Egress::new(limits)?,
            catalog: Arc::new(catalog),
            clock,
            random: random.clone(),
            settings: settings(&config),
            tokens,
            sign_ins: crate::core::sign_ins::SignIns::default(),
            ready: crate::core::call::ReadyCache::default(),
            gates: crate::core::call::gate::Gates::default(),
            refreshes: crate::core::grants::Refreshes::default(),
            rests: crate::core::grants::Rests::default(),
            feed: crate::core::feed::Feed::default(),
            dice: crate::core::Dice::new(&random),
            wake: Notify::new(),
            tasks: TaskTracker::new(),
        };
        Ok(Self { deps: Arc::new(deps), cors_origins: config.cors_origins })
    }

    /// The API, for serving and for tests in process.
    pub fn router(&self) -> Edge {
        api::router(&self.deps, &self.cors_origins)
    }

    /// Serves until `stop` is true, then lets running requests finish.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let loops = jobs::start(&self.deps, &stop).await?;
        self.compile_definitions();
        let router = self.router().into_make_service_with_connect_info::<SocketAddr>();
        let drained = stop.clone();
        // `tap_io` does nothing but let axum tell the peer's address of a listener that is not its own.
        let listener = Bounded::new(listener, self.deps.settings.upstream_timeout).tap_io(|_| {});
        let server = axum::serve(listener, router)
            .with_graceful_shutdown(async move { drop(stop.wait_for(|stop| *stop).await) });
        let mut deadline = drained;
        tokio::select! {
            served = server => served?,
            () = async {
                drop(deadline.wait_for(|stop| *stop).await);
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
        callback_mode: config.callback_mode,
        refresh_ahead: config.refresh_ahead,
        upstream_timeout: config.upstream_timeout,
        retry_base_delay: config.retry_base_delay,
        oauth_apps: config.oauth_apps.clone(),
    }
}

/// The key-encryption key: from the configuration, or generated once beside a SQLite file. A generated key is never
/// made anew while the database holds something sealed with another.
async fn master_key(config: &Config, store: &Store, random: &Random) -> anyhow::Result<MasterKey> {
    if let Some(text) = &config.master_key {
        return MasterKey::parse(text.expose_secret()).context("KEYBEARER_MASTER_KEY");
    }
    if config.is_postgres() {
        anyhow::bail!(
            "KEYBEARER_MASTER_KEY: required with PostgreSQL; 32 bytes in base64, the same on every replica; `openssl rand -base64 32` makes one"
        );
    }
    let path = config.data_dir.join("master.key");
    if !path.exists() && !store.list_keys().await?.is_empty() {
        anyhow::bail!(
            "KEYBEARER_MASTER_KEY: the database is sealed, and {} is gone; put the key file back or set the variable",
            path.display()
        );
    }
    Ok(MasterKey::load_or_generate(&path, random)?)
}

async fn open_keyring(
    store: &Store,
    master: &MasterKey,
    clock: &Clock,
    random: &Random,
) -> anyhow::Result<Keyring> {
    if store.list_keys().await?.is_empty() {
        let key = Keyring::new_key(master, random, clock)?;
        store
            .insert_first_key(&KeyRow { id: key.id, wrapped: key.wrapped, created_at: key.created_at })
            .await?;
    }
    let rows: Vec<WrappedKey> = store
        .list_keys()
        .await?
        .into_iter()
        .map(|row| WrappedKey { id: row.id, wrapped: row.wrapped, created_at: row.created_at })
        .collect();
    Keyring::unlock(master, &rows).context("KEYBEARER_MASTER_KEY: this key does not open the database; the start is refused so that nothing is lost")
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
        Bootstrap::OtherSecret { organization_id } => anyhow::bail!(
            "KEYBEARER_BOOTSTRAP_CLIENT_SECRET: not the secret that organization {organization_id} was created with; the bootstrap only creates, it does not change secrets"
        ),
    }
    Ok(())
}
