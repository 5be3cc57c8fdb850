//! What an embedder decides about the provider: its one registered client, lifetimes, clock and randomness.
//! Plain data with defaults; it knows nothing of requests.

use std::fmt;
use std::time::Duration;

use crate::sources::{Clock, Random};

/// Everything that [`crate::Provider::new`] needs. Make one with [`Settings::new`] and change its fields.
#[derive(Clone)]
pub struct Settings {
    /// Base URL of this provider without a trailing slash, such as `http://127.0.0.1:9000`.
    /// It is the `issuer` (RFC 8414 §2) and the `iss` of authorization responses (RFC 9207).
    pub issuer: String,
    /// Id of the one registered client (RFC 6749 §2.2).
    pub client_id: String,
    /// Its secret, accepted by HTTP Basic and in the body (RFC 6749 §2.3.1).
    pub client_secret: String,
    /// Registered redirect URIs, compared exactly, as strings. Default: none.
    pub redirect_uris: Vec<String>,
    /// The client's name on the consent page. Default: `Demo application`.
    pub application_name: String,
    /// Life of access tokens; `expires_in` is its whole seconds. Default: one hour.
    pub access_ttl: Duration,
    /// Life of authorization codes. Default: 60 seconds.
    pub code_ttl: Duration,
    /// How long a consent page may stay unanswered. Default: 10 minutes.
    pub consent_ttl: Duration,
    /// Whether authorization responses carry `iss` (RFC 9207). Default: yes.
    pub send_iss: bool,
    /// Whether `/_control/…` is served. The in-process [`crate::Control`] works either way. Default: yes.
    pub expose_control: bool,
    /// Source of time. Default: the machine's clock.
    pub clock: Clock,
    /// Source of random bytes. Default: the machine's entropy.
    pub random: Random,
}

impl Settings {
    /// Settings with the defaults named at each field.
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            redirect_uris: Vec::new(),
            application_name: "Demo application".to_owned(),
            access_ttl: Duration::from_hours(1),
            code_ttl: Duration::from_mins(1),
            consent_ttl: Duration::from_mins(10),
            send_iss: true,
            expose_control: true,
            clock: Clock::system(),
            random: Random::system(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("redirect_uris", &self.redirect_uris)
            .finish_non_exhaustive()
    }
}

/// A duration in milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
