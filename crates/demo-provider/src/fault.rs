//! Faults: what can be made to go wrong, where and how often, and the queue of those still to come.
//! It knows nothing of HTTP machinery; `play` carries faults out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// `POST /oauth/token`.
    Token,
    /// `POST /oauth/revoke`.
    Revoke,
    /// Everything under `/crm`, and `/userinfo`.
    Api,
}

/// What goes wrong. In JSON externally tagged: `{"hang":{"ms":500}}`, `"drop"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Another answer in place of the real one. With status 200 and an error body: a provider that hides its errors.
    Status {
        /// HTTP status, 200 to 599.
        status: u16,
        /// `Retry-After` as sent: seconds or an HTTP date.
        #[serde(default)]
        retry_after: Option<String>,
        /// JSON body; default: an error body in the endpoint's usual form.
        #[serde(default)]
        body: Option<Value>,
    },
    /// The real answer, this much later.
    Hang {
        /// Milliseconds.
        ms: u64,
    },
    /// The connection closes without an answer.
    Drop,
    /// The connection closes within the body of the real answer, after this many bytes of it.
    Cut {
        /// Bytes that still arrive.
        after: usize,
    },
    /// The real JSON answer, changed by a merge patch (RFC 7396): `{"expires_in":null}` takes the field away,
    /// `{"expires_in":"3600"}` or `-5` makes it odd.
    Merge {
        /// The patch.
        fields: Map<String, Value>,
    },
    /// A token answer without `refresh_token`; on a refresh, the token that was used stays good (RFC 6749 §6).
    NoRefreshToken,
    /// A token answer whose token really has only these scopes (space-separated), and says so (RFC 6749 §5.1).
    Scope {
        /// The scopes; unknown ones make the fault do nothing.
        scope: String,
    },
    /// The real JSON answer, form-encoded.
    FormEncoded,
    /// Status 200 with an HTML page.
    NotJson,
    /// A redirect of the call.
    Redirect {
        /// `Location`, as sent.
        to: String,
        /// 3xx status.
        #[serde(default = "temporary_redirect")]
        status: u16,
    },
}

fn temporary_redirect() -> u16 {
    307
}

fn once() -> u32 {
    1
}

/// One fault: strikes the next `times` matching requests. Faults queue; the oldest match goes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// How many requests it strikes. JSON default: 1.
    #[serde(default = "once")]
    pub times: u32,
    /// Only token calls with this `grant_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// Only requests whose method and path start so, such as `GET /crm/contacts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// For [`Effect::Status`], [`Effect::Hang`], [`Effect::Drop`], [`Effect::NotJson`] and [`Effect::Redirect`]:
    /// whether the request takes effect first (a refresh token rotates, a contact is created) and only then the
    /// answer is lost, replaced or late. The other effects always need the real answer. JSON default: no.
    #[serde(default)]
    pub processed: bool,
    /// What.
    pub effect: Effect,
}

impl Fault {
    /// A fault that strikes once, any request there, before the request takes effect.
    pub fn once(at: At, effect: Effect) -> Self {
        Self { at, times: 1, grant_type: None, request: None, processed: false, effect }
    }

    /// An answer with this status and the default body, once.
    pub fn status(at: At, status: u16) -> Self {
        Self::once(at, Effect::Status { status, retry_after: None, body: None })
    }

    /// The same, for the next `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same, only for refreshes.
    #[must_use]
    pub fn on_refresh(mut self) -> Self {
        self.grant_type = Some("refresh_token".to_owned());
        self
    }

    /// The same, only for requests whose `METHOD /path` starts so.
    #[must_use]
    pub fn on(mut self, request: impl Into<String>) -> Self {
        self.request = Some(request.into());
        self
    }

    /// The same, after the request has taken effect.
    #[must_use]
    pub fn after_processing(mut self) -> Self {
        self.processed = true;
        self
    }
}

/// Faults still to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub(crate) fn pending(&self) -> &[Fault] {
        &self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that strikes this request, if any. `request` is `METHOD /path`.
    pub(crate) fn take(&mut self, at: At, request: &str, grant_type: Option<&str>) -> Option<Fault> {
        let index = self.0.iter().position(|fault| {
            fault.at == at
                && fault.grant_type.as_deref().is_none_or(|wanted| Some(wanted) == grant_type)
                && fault.request.as_deref().is_none_or(|start| request.starts_with(start))
        })?;
        let fault = self.0.get_mut(index)?;
        let struck = fault.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.0.remove(index);
        }
        Some(struck)
    }
}
