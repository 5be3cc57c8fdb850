//! Everything that a test on the whole server needs, running on loopback: the server on a fresh database, the demo
//! provider, two programmable upstreams, and a clock that the test moves.
//!
//! Knows how the server is built. Must not know what tests check, except what holds after each of them: no secret that
//! was handed out stands in the database, in an error or in the log.

use super::databases::{Database, databases};
use super::http::{Http, Reply};
use super::provider::Peer;
use super::secrets::Secrets;
use super::upstream::Upstream;
use axum::ServiceExt;
use http::Method;
use keybearer::app::App;
use keybearer::clock::{Clock, Random};
use keybearer::config::{Config, Source};
use keybearer::core::Deps;
use keybearer::core::catalog::Catalog;
use keybearer::store::{CredentialRow, OrganizationRow};
use keybearer::vault::digest;
use keybearer_demo_provider::Settings;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// When a manual clock starts: 2026-06-01T00:00:00Z.
pub(crate) const START_MS: i64 = 1_780_272_000_000;
pub(crate) const MASTER_KEY: &str = "S2V5YmVhcmVyIHRlc3QgbWFzdGVyIGtleSwgMzIgYi4=";

/// What differs from the usual stage.
#[derive(Clone)]
pub(crate) struct Setup {
    settings: Vec<(&'static str, String)>,
    definitions: Vec<String>,
    provider: fn(&mut Settings),
    real_time: bool,
}

/// The running stage.
pub(crate) struct Stage {
    /// `http://127.0.0.1:PORT` of the server.
    pub(crate) base: String,
    pub(crate) http: Http,
    pub(crate) database: Database,
    pub(crate) deps: Arc<Deps>,
    pub(crate) clock: Clock,
    pub(crate) peer: Peer,
    pub(crate) upstream: Upstream,
    /// A second origin; only `work-bench` lists it as a host.
    pub(crate) other: Upstream,
    /// The organization that most tests act for.
    pub(crate) organization: Organization,
    /// With an application token of it.
    pub(crate) app: Client,
    pub(crate) secrets: Secrets,
    setup: Setup,
    log_start: usize,
    served: JoinHandle<()>,
    loops: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

/// An organization with its credential.
#[derive(Clone)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) credential_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

/// Calls the API with one token.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: Http,
    pub(crate) base: String,
    pub(crate) token: String,
}

/// A second server on the first one's database; tokens of the first are good there.
pub(crate) struct Restarted {
    pub(crate) base: String,
    pub(crate) app: Client,
    pub(crate) deps: Arc<Deps>,
}

/// A server on sockets of its own.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
}

/// Runs a test on a usual stage, once for each database.
pub(crate) async fn each(test: impl AsyncFn(&Stage)) {
    Setup::new().each(test).await;
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self { settings: Vec::new(), definitions: Vec::new(), provider: |_| {}, real_time: false }
    }

    /// Sets `KEYBEARER_<name>`.
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// One more definition, with `{{PROVIDER}}`, `{{UPSTREAM}}` and `{{OTHER_HOST}}` to be replaced.
    pub(crate) fn definition(mut self, source: impl Into<String>) -> Self {
        self.definitions.push(source.into());
        self
    }

    /// Changes the demo provider's settings.
    pub(crate) fn provider(mut self, change: fn(&mut Settings)) -> Self {
        self.provider = change;
        self
    }

    /// The machine's clock instead of a manual one.
    pub(crate) fn real_time(mut self) -> Self {
        self.real_time = true;
        self
    }

    pub(crate) async fn each(self, test: impl AsyncFn(&Stage)) {
        for database in databases().await {
            println!("on {:?}", database.store.kind());
            let stage = Stage::start(&self, database).await;
            test(&stage).await;
            stage.finish().await;
        }
    }
}

impl Stage {
    async fn start(setup: &Setup, database: Database) -> Self {
        super::log::keep();
        let log_start = super::log::end();
        let clock = if setup.real_time { Clock::system() } else { Clock::manual(START_MS) };
        let secrets = Secrets::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (upstream, other) = (Upstream::start().await, Upstream::start().await);
        let peer = start_peer(setup, &base, &clock, &secrets).await;
        let catalog = catalog(setup, &peer, &upstream, &other);
        let config = config(setup, &database, &base);
        let app = App::with_catalog(config, clock.clone(), Random::system(), catalog).await.unwrap();
        let deps = Arc::clone(&app.deps);
        let router = app.router().into_make_service_with_connect_info::<SocketAddr>();
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = Http::new();
        let organization = create_organization(&deps, &secrets, "first").await;
        let app = Client { http: http.clone(), base: base.clone(), token: String::new() };
        let mut stage = Self {
            base,
            http,
            database,
            deps,
            clock,
            peer,
            upstream,
            other,
            organization,
            app,
            secrets,
            setup: setup.clone(),
            log_start,
            served,
            loops: Mutex::default(),
            stop: watch::channel(false).0,
        };
        stage.app = stage.sign_in(&stage.organization).await;
        stage
    }

    /// A new organization.
    pub(crate) async fn organization(&self, name: &str) -> Organization {
        create_organization(&self.deps, &self.secrets, name).await
    }

    /// An application token for an organization.
    pub(crate) async fn sign_in(&self, organization: &Organization) -> Client {
        let anonymous = self.anonymous();
        let body = json!({"client_id": organization.client_id, "client_secret": organization.client_secret});
        let reply = anonymous.post("/account/applications/token", &body).await.ok();
        self.as_bearer(reply["access_token"].as_str().unwrap())
    }

    /// A scoped token for a workspace of the caller's organization.
    pub(crate) async fn scoped(&self, caller: &Client, workspace: &str) -> Client {
        let body = json!({"workspace_name": workspace});
        let reply = caller.post("/account/applications/scoped-token", &body).await.ok();
        self.as_bearer(reply["token"].as_str().unwrap())
    }

    /// Calls with that token, which is kept as a secret.
    pub(crate) fn as_bearer(&self, token: &str) -> Client {
        self.secrets.keep(token);
        Client { token: token.to_owned(), ..self.anonymous() }
    }

    /// Calls without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client { http: self.http.clone(), base: self.base.clone(), token: String::new() }
    }

    /// Starts the loops beside the requests; they sweep and run due jobs at once.
    pub(crate) async fn start_jobs(&self) {
        let loops = keybearer::jobs::start(&self.deps, &self.stop.subscribe()).await.unwrap();
        self.loops.lock().unwrap().extend(loops);
    }

    /// The same for another server on this database.
    pub(crate) async fn start_jobs_of(&self, other: &Restarted) {
        let loops = keybearer::jobs::start(&other.deps, &self.stop.subscribe()).await.unwrap();
        self.loops.lock().unwrap().extend(loops);
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The same installation, started again on the same database with other definitions.
    pub(crate) async fn restarted(&self, catalog: Catalog) -> Restarted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let config = config(&Setup::new(), &self.database, &base);
        let app = App::with_catalog(config, self.clock.clone(), Random::system(), catalog).await.unwrap();
        let deps = Arc::clone(&app.deps);
        let router = app.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let token = self.app.token.clone();
        Restarted { app: Client { http: self.http.clone(), base: base.clone(), token }, base, deps }
    }

    /// A second server beside this one on the same database, with the same definitions.
    pub(crate) async fn replica(&self) -> Restarted {
        self.restarted(catalog(&self.setup, &self.peer, &self.upstream, &self.other)).await
    }

    /// Another server on this database, as `keybearer serve` runs it, with settings of its own.
    pub(crate) async fn served(&self, setup: &Setup) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = config(setup, &self.database, &format!("http://{address}"));
        let catalog = Catalog::load(None).with(
            "test",
            &include_str!("definitions/plain.yaml")
                .replace("{{UPSTREAM}}", &self.upstream.url)
                .replace("{{OTHER_HOST}}", self.other.host()),
        );
        let app = App::with_catalog(config, self.clock.clone(), Random::system(), catalog).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(app.serve(listener, stopped));
        Served { address, stop, running }
    }

    /// Waits for something that a background loop does.
    pub(crate) async fn until(&self, what: &str, mut done: impl AsyncFnMut() -> bool) {
        for _ in 0..1200 {
            if done().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what}: not within a minute");
    }

    /// Stops everything, then looks for secrets where none may be.
    async fn finish(self) {
        self.stop.send_replace(true);
        for running in self.loops.into_inner().unwrap() {
            running.await.unwrap();
        }
        self.served.abort();
        self.secrets.keep_all(self.peer.issued());
        self.secrets.assert_not_in("an error body", &self.http.failed());
        self.secrets.assert_not_in("the log", &[super::log::since(self.log_start)]);
        self.secrets.assert_not_stored(&self.database).await;
        self.deps.store.close().await;
        self.database.store.close().await;
    }
}

impl Client {
    pub(crate) fn call(&self, method: Method, path: &str) -> super::http::Call {
        let call = self.http.call(method, format!("{}/api/v1{path}", self.base));
        if self.token.is_empty() { call } else { call.bearer(&self.token) }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        checked(self.call(Method::GET, path).send().await)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        checked(self.call(Method::POST, path).json(body).send().await)
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        checked(self.call(Method::PUT, path).json(body).send().await)
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        checked(self.call(Method::DELETE, path).send().await)
    }
}

/// What holds of every answer.
fn checked(reply: Reply) -> Reply {
    assert!(reply.headers.contains_key("x-request-id"), "{}", reply.asked);
    if reply.status.as_u16() >= 400 {
        reply.error();
    }
    reply
}

fn catalog(setup: &Setup, peer: &Peer, upstream: &Upstream, other: &Upstream) -> Catalog {
    let replace = |text: &str| {
        text.replace("{{PROVIDER}}", &peer.url)
            .replace("{{UPSTREAM}}", &upstream.url)
            .replace("{{OTHER_HOST}}", other.host())
    };
    let mut catalog = Catalog::load(None);
    for source in [
        include_str!("definitions/harbour.yaml"),
        include_str!("definitions/workbench.yaml"),
        include_str!("definitions/plain.yaml"),
    ]
    .into_iter()
    .chain(setup.definitions.iter().map(String::as_str))
    {
        catalog = catalog.with("test", &replace(source));
    }
    assert!(catalog.unreadable().is_empty(), "{:?}", catalog.unreadable());
    catalog
}

async fn start_peer(setup: &Setup, server: &str, clock: &Clock, secrets: &Secrets) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut settings = Settings::new(url, "harbour client", "harbour:secret%1+2 é&=");
    settings.redirect_uris.push(format!("{server}/oauth/callback/harbour-crm"));
    settings.redirect_uris.push(format!("{server}/api/v1/integrations/connectors/oauth/callback"));
    let clock = clock.clone();
    settings.clock =
        keybearer_demo_provider::Clock::new(move || u64::try_from(clock.now_ms()).unwrap_or_default());
    (setup.provider)(&mut settings);
    secrets.keep(&settings.client_secret);
    Peer::start(settings, listener)
}

fn config(setup: &Setup, database: &Database, base: &str) -> Config {
    let usual = [
        ("DATABASE_URL", database.url.clone()),
        ("DATA_DIR", database.directory.path().display().to_string()),
        ("MASTER_KEY", MASTER_KEY.to_owned()),
        ("PUBLIC_URL", base.to_owned()),
        ("ALLOW_UPSTREAM_CIDRS", "127.0.0.0/8".to_owned()),
        ("REFRESH_AHEAD", "off".to_owned()),
        ("AUDIT_EXECUTES", "all".to_owned()),
        ("RETRY_BASE_DELAY", "0ms".to_owned()),
        ("UPSTREAM_TIMEOUT", "10s".to_owned()),
    ];
    let settings = usual.into_iter().chain(setup.settings.iter().cloned());
    let settings = settings.map(|(name, value)| (format!("KEYBEARER_{name}"), value));
    let empty = database.directory.path().join("keybearer.toml");
    std::fs::write(&empty, "").unwrap();
    Config::read(&mut Source::new(settings, Some(&empty)).unwrap()).unwrap()
}

async fn create_organization(deps: &Deps, secrets: &Secrets, name: &str) -> Organization {
    let (random, clock) = (&deps.random, &deps.clock);
    let made = Organization {
        id: random.uuid_v7(clock),
        credential_id: random.uuid_v7(clock),
        client_id: random.uuid_v4(),
        client_secret: secrets.fresh("cs"),
    };
    let now = clock.now_ms();
    let organization = OrganizationRow { id: made.id.clone(), name: name.to_owned(), created_at: now };
    let credential = CredentialRow {
        id: made.credential_id.clone(),
        organization_id: made.id.clone(),
        client_id: made.client_id.clone(),
        secret_hash: digest("client_secret", &made.client_secret).to_vec(),
        created_at: now,
        removed_at: None,
    };
    deps.store.create_organization(&organization, &credential).await.unwrap();
    made
}
