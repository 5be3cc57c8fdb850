//! Configuration: environment over `keybearer.toml` over defaults, read once, checked before anything starts.
//!
//! Knows every setting's name, default and accepted values. Must not know what the settings are for: it opens no
//! database and no key, it only says what was asked for.

mod source;
mod value;

pub use source::{ConfigError, Source};

use ipnet::IpNet;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything an operator can set. [`Config::read`] documents each name by reading it.
pub struct Config {
    /// `KEYBEARER_LISTEN`: address to listen on.
    pub listen: SocketAddr,
    /// `KEYBEARER_PUBLIC_URL`: base of every URL that the server hands out; no trailing slash.
    pub public_url: String,
    /// `KEYBEARER_DATA_DIR`: SQLite file and generated key.
    pub data_dir: PathBuf,
    /// `KEYBEARER_DATABASE_URL`: `sqlite:` (in the data directory), `sqlite:FILE` or `postgres://…`.
    pub database_url: SecretString,
    /// `KEYBEARER_MASTER_KEY` or the content of `KEYBEARER_MASTER_KEY_FILE`: 32 bytes, base64.
    pub master_key: Option<SecretString>,
    /// The file that it was read from, where it was.
    pub master_key_file: Option<PathBuf>,
    /// `KEYBEARER_BOOTSTRAP_CLIENT_ID` and `_CLIENT_SECRET`: credentials of organization `default`.
    pub bootstrap: Option<ClientCredentials>,
    /// `KEYBEARER_CONNECTORS_DIR`: definitions over the built-in ones.
    pub connectors_dir: Option<PathBuf>,
    /// `KEYBEARER_OAUTH_<TYPE>_CLIENT_ID` and `_CLIENT_SECRET`: instance-wide OAuth apps by type in lower case
    /// with `-` for `_` (`google-drive`).
    pub oauth_apps: BTreeMap<String, ClientCredentials>,
    /// `KEYBEARER_ALLOW_UPSTREAM_CIDRS`: private ranges that outbound calls may reach.
    pub allow_upstream_cidrs: Vec<IpNet>,
    /// `KEYBEARER_CORS_ORIGINS`: exact origins that a browser may call the API from.
    pub cors_origins: Vec<String>,
    /// `KEYBEARER_OAUTH_SESSION_TTL`: how long a consent may take.
    pub oauth_session_ttl: Duration,
    /// `KEYBEARER_SECRET_TTL`: how long a `secret_id` lives.
    pub secret_ttl: Duration,
    /// `KEYBEARER_CALLBACK_MODE`: what a callback hands to the application when `initiate` does not say.
    pub callback_mode: CallbackMode,
    /// `KEYBEARER_RATE_LIMIT`: calls a second of one organization; none: no limit.
    pub rate_limit: Option<u32>,
    /// `KEYBEARER_TOKEN_RATE_LIMIT`: calls a second with one token; none: no limit.
    pub token_rate_limit: Option<u32>,
    /// `KEYBEARER_MAX_CONCURRENT_CALLS`: operations of one organization at once in this process.
    pub max_concurrent_calls: u32,
    /// `KEYBEARER_TRUSTED_PROXIES`: ranges whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `KEYBEARER_HEADER_TIMEOUT`: for the head of a request, and for a connection without one.
    pub header_timeout: Duration,
    /// `KEYBEARER_BODY_TIMEOUT`: for the body of a request.
    pub body_timeout: Duration,
    /// `KEYBEARER_MAX_CONNECTIONS`: connections at once.
    pub max_connections: u32,
    /// `KEYBEARER_MAX_PENDING_CONSENTS`: consents of one organization that may be under way.
    pub max_pending_consents: u32,
    /// `KEYBEARER_MAX_PENDING_CONSENTS_PER_WORKSPACE`: consents of one workspace that may be under way.
    pub max_pending_consents_per_workspace: u32,
    /// `KEYBEARER_REFRESH_AHEAD`: access tokens in use are renewed shortly before they expire, idle grants every few days.
    pub refresh_ahead: bool,
    /// `KEYBEARER_AUDIT_EXECUTES`: which executes the audit log tells.
    pub audit_executes: AuditExecutes,
    /// `KEYBEARER_AUDIT_RETENTION`: entries of the audit log that are older are removed; none: they are kept for ever.
    pub audit_retention: Option<Duration>,
    /// `KEYBEARER_UPSTREAM_TIMEOUT`: for one call with all its tries.
    pub upstream_timeout: Duration,
    /// `KEYBEARER_MAX_RESPONSE_BYTES`: largest decoded answer of a provider.
    pub max_response_bytes: usize,
    /// `KEYBEARER_RETRY_BASE_DELAY`: base of the retry back-off.
    pub retry_base_delay: Duration,
    /// `KEYBEARER_LOG`: log filter.
    pub log: String,
    /// Settings that are named `KEYBEARER_…` and that no version of this server knows; the start warns of them.
    pub unknown: Vec<String>,
}

/// A client id with its secret.
#[derive(Clone)]
pub struct ClientCredentials {
    /// Public part.
    pub client_id: String,
    /// Secret part.
    pub client_secret: SecretString,
}

/// What the callback appends to the application's `redirect_url`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallbackMode {
    /// `secret_id`: the application redeems it for a connector.
    SecretId,
    /// `connector_id`: the server creates the connector itself.
    ConnectorId,
}

/// Which executes the audit log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditExecutes {
    /// Those that may change something at the provider, and those whose caller says why (`intent`).
    Changes,
    /// Every one.
    All,
}

impl AuditExecutes {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "changes" => Some(Self::Changes),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

impl CallbackMode {
    /// Its name in requests and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::SecretId => "secret_id",
            Self::ConnectorId => "connector_id",
        }
    }

    /// The mode of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "secret_id" => Some(Self::SecretId),
            "connector_id" => Some(Self::ConnectorId),
            _ => None,
        }
    }
}

impl Config {
    /// Reads all settings. The first bad one ends it, with its name and what is accepted.
    pub fn read(source: &mut Source) -> Result<Self, ConfigError> {
        let config = Self {
            listen: source.parsed(
                "LISTEN",
                "127.0.0.1:8000",
                "an address such as 127.0.0.1:8000",
                value::address,
            )?,
            public_url: source.parsed(
                "PUBLIC_URL",
                "http://localhost:8000",
                "an absolute http or https URL without query or fragment, such as https://keys.example.com",
                value::public_url,
            )?,
            data_dir: source.parsed("DATA_DIR", "./keybearer-data", "a directory", value::path)?,
            database_url: source.parsed(
                "DATABASE_URL",
                "sqlite:",
                "`sqlite:`, `sqlite:FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`",
                value::database_url,
            )?,
            master_key: source.secret("MASTER_KEY")?,
            master_key_file: source.optional("MASTER_KEY_FILE", "a file", value::path)?,
            bootstrap: bootstrap(source)?,
            connectors_dir: source.optional("CONNECTORS_DIR", "an existing directory", value::directory)?,
            oauth_apps: oauth_apps(source)?,
            allow_upstream_cidrs: source.parsed(
                "ALLOW_UPSTREAM_CIDRS",
                "",
                "address ranges separated by commas, such as 127.0.0.0/8,10.1.0.0/16",
                value::cidrs,
            )?,
            cors_origins: source.parsed(
                "CORS_ORIGINS",
                "",
                "exact origins separated by commas, such as https://app.example.com",
                value::origins,
            )?,
            oauth_session_ttl: source.parsed("OAUTH_SESSION_TTL", "10m", value::DURATION, value::positive)?,
            secret_ttl: source.parsed("SECRET_TTL", "10m", value::DURATION, value::positive)?,
            callback_mode: source.parsed(
                "CALLBACK_MODE",
                "secret_id",
                "`secret_id` or `connector_id`",
                CallbackMode::from_name,
            )?,
            rate_limit: source.parsed("RATE_LIMIT", "off", value::RATE, value::rate)?,
            token_rate_limit: source.parsed("TOKEN_RATE_LIMIT", "off", value::RATE, value::rate)?,
            max_concurrent_calls: source.parsed(
                "MAX_CONCURRENT_CALLS",
                "4096",
                value::COUNT,
                value::count,
            )?,
            trusted_proxies: source.parsed(
                "TRUSTED_PROXIES",
                "",
                "address ranges separated by commas, such as 127.0.0.0/8,10.1.0.0/16",
                value::cidrs,
            )?,
            header_timeout: source.parsed("HEADER_TIMEOUT", "75s", value::DURATION, value::positive)?,
            body_timeout: source.parsed("BODY_TIMEOUT", "60s", value::DURATION, value::positive)?,
            max_connections: source.parsed("MAX_CONNECTIONS", "10000", value::COUNT, value::count)?,
            max_pending_consents: source.parsed(
                "MAX_PENDING_CONSENTS",
                "25000",
                value::COUNT,
                value::count,
            )?,
            max_pending_consents_per_workspace: source.parsed(
                "MAX_PENDING_CONSENTS_PER_WORKSPACE",
                "1000",
                value::COUNT,
                value::count,
            )?,
            refresh_ahead: source.parsed("REFRESH_AHEAD", "on", "`on` or `off`", value::switch)?,
            audit_executes: source.parsed(
                "AUDIT_EXECUTES",
                "changes",
                "`changes` or `all`",
                AuditExecutes::from_name,
            )?,
            audit_retention: source.optional("AUDIT_RETENTION", value::RETENTION, value::retention)?,
            upstream_timeout: source.parsed("UPSTREAM_TIMEOUT", "30s", value::DURATION, value::positive)?,
            max_response_bytes: source.parsed(
                "MAX_RESPONSE_BYTES",
                "10485760",
                "a number of bytes from 1024 to 1073741824",
                value::response_bytes,
            )?,
            retry_base_delay: source.parsed("RETRY_BASE_DELAY", "200ms", value::DURATION, value::duration)?,
            log: source.parsed(
                "LOG",
                "info",
                "a filter such as info or keybearer=debug",
                value::log_filter,
            )?,
            unknown: Vec::new(),
        };
        let unknown = source.finish()?;
        Ok(Self { unknown, ..config })
    }

    /// The key file that is generated where no key is configured.
    pub fn generated_key_file(&self) -> Option<PathBuf> {
        (self.master_key.is_none() && !self.is_postgres()).then(|| self.data_dir.join("master.key"))
    }

    /// True for a PostgreSQL database.
    pub fn is_postgres(&self) -> bool {
        use secrecy::ExposeSecret;
        self.database_url.expose_secret().starts_with("postgres")
    }
}

fn bootstrap(source: &mut Source) -> Result<Option<ClientCredentials>, ConfigError> {
    let client_id =
        source.optional("BOOTSTRAP_CLIENT_ID", "1 to 250 printable ASCII characters", value::client_id)?;
    let client_secret = source.secret("BOOTSTRAP_CLIENT_SECRET")?;
    match (client_id, client_secret) {
        (Some(client_id), Some(client_secret)) => {
            value::bootstrap_secret(&client_secret)
                .map_err(|accepted| ConfigError::bad("BOOTSTRAP_CLIENT_SECRET", accepted))?;
            Ok(Some(ClientCredentials { client_id, client_secret }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(ConfigError::bad("BOOTSTRAP_CLIENT_SECRET", "a secret: BOOTSTRAP_CLIENT_ID is set too"))
        }
        (None, Some(_)) => {
            Err(ConfigError::bad("BOOTSTRAP_CLIENT_ID", "an id: BOOTSTRAP_CLIENT_SECRET is set too"))
        }
    }
}

fn oauth_apps(source: &mut Source) -> Result<BTreeMap<String, ClientCredentials>, ConfigError> {
    let mut apps = BTreeMap::new();
    for name in source.oauth_types() {
        let id_key = format!("OAUTH_{name}_CLIENT_ID");
        let secret_key = format!("OAUTH_{name}_CLIENT_SECRET");
        let client_id = source.optional(
            &id_key,
            "the client id of an OAuth app, without control characters",
            value::visible,
        )?;
        let client_secret = source.secret(&secret_key)?;
        match (client_id, client_secret) {
            (Some(client_id), Some(client_secret)) => {
                let slug = name.to_ascii_lowercase().replace('_', "-");
                apps.insert(slug, ClientCredentials { client_id, client_secret });
            }
            (Some(_), None) => return Err(ConfigError::bad(&secret_key, "the secret of that OAuth app")),
            (None, Some(_)) => return Err(ConfigError::bad(&id_key, "the client id of that OAuth app")),
            (None, None) => {}
        }
    }
    Ok(apps)
}

#[cfg(test)]
mod tests;
