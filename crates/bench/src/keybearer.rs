//! A real `keybearer serve` with one connector, ready to be loaded.
//!
//! Knows the public HTTP API and the environment variables. Must not know the inside.

use crate::children::Running;
use crate::client::{self, Connection};
use crate::definition;
use crate::load::Target;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The server, its folder, and how to call it.
pub(crate) struct Keybearer {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
    token: String,
    pub(crate) connector: String,
    /// What it wrote to stderr.
    pub(crate) log: PathBuf,
    /// Database and definitions; removed at the end.
    folder: TempDir,
}

/// How to start it.
#[derive(Debug, Default)]
pub(crate) struct Setting<'a> {
    /// `KEYBEARER_LOG`; none leaves the default.
    pub(crate) log: Option<&'a str>,
    /// A program and its arguments that the server runs under.
    pub(crate) under: Option<&'a [String]>,
}

/// Folders inside the server's own.
const DEFINITIONS: &str = "connectors";
const DATA: &str = "data";
pub(crate) const CLIENT_ID: &str = "bench-client";
const CLIENT_SECRET: &str = "bench-secret-of-an-ordinary-length-0123456789";
/// How long a start may take; under valgrind everything is fifty times slower.
const PATIENCE: Duration = Duration::from_mins(1);

impl Keybearer {
    /// Starts the server on SQLite in a folder of its own, and makes a connector of the bench's type.
    pub(crate) async fn start(binary: &Path, upstream: SocketAddr, setting: &Setting<'_>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let definitions = folder.path().join(DEFINITIONS);
        fs::create_dir(&definitions)?;
        fs::write(definitions.join("bench.yaml"), definition::document(upstream))?;
        fs::write(definitions.join("bench-oauth.yaml"), definition::oauth_document(upstream))?;
        let mut server = Self::launch(binary, folder, setting).await?;
        let token = json!({"token": "bench-token-of-an-ordinary-length"});
        server.connector = server.connect("bench-user", definition::NAME, &token).await?;
        Ok(server)
    }

    /// The same server after an end and another start, with another database content where `between` makes one. It is
    /// given the folder of the data and the connector.
    pub(crate) async fn again<F: Future<Output = Result<()>>>(
        self,
        binary: &Path,
        between: impl FnOnce(PathBuf, String) -> F,
    ) -> Result<Self> {
        let Self { running, connector, folder, .. } = self;
        running.stop()?;
        between(folder.path().join(DATA), connector.clone()).await?;
        let server = Self::launch(binary, folder, &Setting::default()).await?;
        Ok(Self { connector, ..server })
    }

    async fn launch(binary: &Path, folder: TempDir, setting: &Setting<'_>) -> Result<Self> {
        let log = folder.path().join("log");
        let address = free_address()?;
        let binary = fs::canonicalize(binary)?;
        let mut command = match setting.under {
            Some([program, rest @ ..]) => {
                let mut command = Command::new(program);
                command.args(rest).arg(&binary);
                command
            }
            _ => Command::new(&binary),
        };
        command
            .arg("serve")
            .current_dir(folder.path())
            .env("KEYBEARER_LISTEN", address.to_string())
            .env("KEYBEARER_PUBLIC_URL", format!("http://{address}"))
            .env("KEYBEARER_DATA_DIR", folder.path().join(DATA))
            .env("KEYBEARER_BOOTSTRAP_CLIENT_ID", CLIENT_ID)
            .env("KEYBEARER_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET)
            // The storm lets 10,000 calls of one organization wait at once; the defaults are below that.
            .env("KEYBEARER_MAX_CONCURRENT_CALLS", "20000")
            .env("KEYBEARER_MAX_CONNECTIONS", "20000")
            .env("KEYBEARER_ALLOW_UPSTREAM_CIDRS", "127.0.0.0/8")
            .env("KEYBEARER_CONNECTORS_DIR", folder.path().join(DEFINITIONS))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        if let Some(filter) = setting.log {
            command.env("KEYBEARER_LOG", filter);
        }
        let running = Running::start(&mut command)?;
        let mut server =
            Self { running, address, token: String::new(), connector: String::new(), log, folder };
        server.wait_until_healthy().await?;
        let keys = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET});
        server.token = server.field("/api/v1/account/applications/token", &keys, "access_token").await?;
        Ok(server)
    }

    async fn wait_until_healthy(&mut self) -> Result<()> {
        let request = client::request("GET", "/health", self.address, None, "");
        for _ in 0..PATIENCE.as_millis() / 50 {
            if let Ok(mut connection) = Connection::open(self.address).await
                && connection.exchange(&request).await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if !self.running.is_alive() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server did not start; it said:\n{}", fs::read_to_string(&self.log)?)
    }

    /// A connector of that type with those credentials; its id.
    pub(crate) async fn connect(&self, user: &str, kind: &str, credentials: &Value) -> Result<String> {
        let connector = json!({"external_user_id": user, "connector_type": kind, "credentials": credentials});
        self.field("/api/v1/integrations/connectors", &connector, "id").await
    }

    /// POSTs `body` and takes a text out of the answer.
    async fn field(&self, path: &str, body: &Value, name: &str) -> Result<String> {
        let bearer = Some(self.token.as_str()).filter(|token| !token.is_empty());
        let request = client::request("POST", path, self.address, bearer, &body.to_string());
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.exchange(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        let value: Value =
            serde_json::from_slice(answer.body).with_context(|| format!("{path} answered {text}"))?;
        let field = value.get(name).and_then(Value::as_str);
        field.map(str::to_owned).with_context(|| format!("{path} answered {} {text}", answer.status))
    }

    /// Executes of the connector that list `records` records; an answer holds at least `bytes` bytes.
    pub(crate) fn target(&self, records: usize, bytes: usize) -> Target {
        self.target_of(std::slice::from_ref(&self.connector), records, bytes)
    }

    /// The same, of all these connectors.
    pub(crate) fn target_of(&self, connectors: &[String], records: usize, bytes: usize) -> Target {
        let request = |connector: &String| self.execute(connector, &self.token, records);
        let requests = connectors.iter().map(request).collect();
        Target { address: self.address, requests, status: 200, at_least: bytes }
    }

    /// One execute as it goes over the wire.
    pub(crate) fn execute(&self, connector: &str, token: &str, records: usize) -> Vec<u8> {
        let path = format!("/api/v1/integrations/connectors/{connector}/execute");
        client::request("POST", &path, self.address, Some(token), &body(records))
    }

    /// The bearer that the bench uses.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// The body of an execute.
pub(crate) fn body(records: usize) -> String {
    json!({"entity": "contacts", "action": "list", "params": {"limit": records}}).to_string()
}

/// A port that nobody listens on just now.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
