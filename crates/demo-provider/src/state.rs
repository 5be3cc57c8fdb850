//! The one shared state behind the router and the control handle: settings and everything that changes, under one lock.
//! It holds the parts together and must not decide anything about them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crm::Crm;
use crate::fault::{At, Fault, Faults};
use crate::grants::Grants;
use crate::oauth::Pending;
use crate::record::Record;
use crate::settings::Settings;

pub(crate) type State = axum::extract::State<Arc<Shared>>;

pub(crate) struct Shared {
    /// As given at the start; the live list of redirect URIs stands in [`Inner`].
    pub(crate) settings: Settings,
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) pending: HashMap<String, Pending>,
    pub(crate) grants: Grants,
    pub(crate) crm: Crm,
    pub(crate) faults: Faults,
    pub(crate) record: Record,
}

impl Shared {
    pub(crate) fn new(settings: Settings) -> Self {
        let inner = Inner {
            redirect_uris: settings.redirect_uris.clone(),
            pending: HashMap::new(),
            grants: Grants::default(),
            crm: Crm::seeded(),
            faults: Faults::default(),
            record: Record::default(),
        };
        Self { settings, inner: Mutex::new(inner) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.settings.clock.now_ms()
    }
}

impl Inner {
    /// The fault that strikes this request, counted.
    pub(crate) fn strike(&mut self, at: At, request: &str, grant_type: Option<&str>) -> Option<Fault> {
        let fault = self.faults.take(at, request, grant_type)?;
        self.record.stats.faults += 1;
        Some(fault)
    }
}
