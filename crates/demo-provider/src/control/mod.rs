//! The handle that tests and demos hold beside the HTTP surface: faults, log, counters, expiry.
//! It knows the state and changes it directly; it must not issue tokens or answer for the API.

mod http;

pub(crate) use http::routes;

use std::fmt;
use std::sync::Arc;

use crate::fault::Fault;
use crate::record::{Area, Seen, Stats};
use crate::state::Shared;

/// Control over a running provider, in process; the same is served under `/_control` unless switched off.
///
/// | over HTTP | body | answer |
/// |---|---|---|
/// | `GET /_control/stats` | | 200 [`Stats`] |
/// | `GET /_control/log` | | 200 `{"requests":[`[`Seen`]`…]}`, oldest first |
/// | `GET /_control/faults` | | 200 `{"faults":[`[`Fault`]`…]}` still to come |
/// | `POST /_control/faults` | one [`Fault`] | 204; 400 `{"message"}` when it makes no sense |
/// | `DELETE /_control/faults` | | 204 |
/// | `POST /_control/reset` | | 204; clears faults, log and counters |
/// | `POST /_control/expire` | | 200 `{"expired":n}` |
/// | `POST /_control/revoke` | | 200 `{"revoked":n}` |
/// | `POST /_control/redirect-uris` | `{"redirect_uri":"…"}` | 204 |
///
/// Requests with an `Origin` header (from a web page) are refused with 403.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Queues a fault.
    pub fn inject(&self, fault: Fault) {
        self.shared.lock().faults.push(fault);
    }

    /// Faults that have not struck as often as they should, oldest first.
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.shared.lock().faults.pending().to_vec()
    }

    /// Forgets the faults still to come.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.shared.lock().record.stats.clone()
    }

    /// The newest 10,000 requests, oldest first; requests to `/_control` are not among them.
    pub fn log(&self) -> Vec<Seen> {
        self.shared.lock().record.seen()
    }

    /// The requests that the API saw (`/crm/…`, `/userinfo`), oldest first.
    pub fn api_log(&self) -> Vec<Seen> {
        self.log().into_iter().filter(|seen| seen.area == Area::Api).collect()
    }

    /// Clears faults, log and counters; grants and data stay.
    pub fn reset(&self) {
        let mut inner = self.shared.lock();
        inner.faults.clear();
        inner.record.clear();
    }

    /// Expires every access token now; refresh tokens stay good. Answers how many were still good.
    pub fn expire_access_tokens(&self) -> usize {
        let now_ms = self.shared.now_ms();
        self.shared.lock().grants.expire_access(now_ms)
    }

    /// Ends every grant, as if each user had removed the application: tokens 401, refreshes `invalid_grant`.
    /// Answers how many were alive.
    pub fn revoke_grants(&self) -> usize {
        self.shared.lock().grants.end_all()
    }

    /// Registers one more redirect URI, compared exactly.
    pub fn allow_redirect_uri(&self, redirect_uri: impl Into<String>) {
        self.shared.lock().redirect_uris.push(redirect_uri.into());
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Control")
    }
}
