//! Keys while they are in use: opening what was sealed, taking up new data keys, and exchanging the operator's key.
//!
//! Knows the order of the exchange. Must not know how anything is sealed (`vault`) or stored (`store`).
//!
//! The exchange makes a data key that the new master key wraps, seals every row anew under it, and wraps the older data
//! keys by the new master key last. Each step looks at what is stored, so a run that was killed is taken up by the next
//! one, and servers go on all the while ([ADR 0016](../../../../docs/adr/0016-key-rotation.md)).

use crate::core::Deps;
use crate::core::error::{Error, Result};
use crate::core::{audit, consent, grants, idempotency, oauth_apps};
use crate::store::{KeyRow, SealedColumn, SealedRow, Store};
use crate::vault::{Place, SealedError, WrappedKey};
use secrecy::{ExposeSecret, SecretSlice};
use std::time::Duration;

/// Rows that are exchanged together.
const BATCH: i64 = 200;
/// Between two passes: every process has read the change feed and seals with the new key by then.
const SETTLE: Duration = Duration::from_secs(2);

/// What an exchange did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Id of the data key that seals now.
    pub data_key: String,
    /// Rows that were sealed anew.
    pub resealed: u64,
    /// Data keys that were wrapped anew.
    pub rewrapped: u64,
    /// Table and id of rows that no key opens: they were damaged or moved before, and stay as they are.
    pub unreadable: Vec<String>,
}

/// All data keys as they are stored.
pub async fn stored(store: &Store) -> Result<Vec<WrappedKey>> {
    let rows = store.list_keys().await?;
    Ok(rows
        .into_iter()
        .map(|row| WrappedKey { id: row.id, wrapped: row.wrapped, created_at: row.created_at })
        .collect())
}

/// Takes up data keys that another process stored.
pub async fn reload(deps: &Deps) -> Result<()> {
    let rows = stored(&deps.store).await?;
    deps.keyring.reload(&rows).map_err(Error::internal)
}

/// Opens sealed bytes, also under a data key that this process has not seen yet.
pub async fn open(deps: &Deps, place: &Place<'_>, sealed: &[u8]) -> Result<SecretSlice<u8>> {
    match deps.keyring.open(place, sealed) {
        Err(SealedError::UnknownKey) => {
            Box::pin(reload(deps)).await?;
            deps.keyring.open(place, sealed).map_err(Error::internal)
        }
        opened => opened.map_err(Error::internal),
    }
}

/// Makes the current master key the only one that anything depends on. `say` is told how far it is.
pub async fn rotate(deps: &Deps, say: &mut (dyn FnMut(String) + Send)) -> Result<Rotated> {
    reload(deps).await?;
    if !deps.keyring.is_rotated() {
        insert_key(deps).await?;
    }
    let mut rotated = Rotated { data_key: deps.keyring.newest(), ..Rotated::default() };
    say(format!("data key {} seals from now on", rotated.data_key));
    // Servers seal with the older key until they have heard of the new one, so a pass that found something is followed
    // by another.
    loop {
        let moved = reseal_all(deps, &mut rotated, say).await?;
        rotated.resealed += moved;
        if moved == 0 {
            break;
        }
        tokio::time::sleep(SETTLE).await;
    }
    rotated.rewrapped = rewrap(deps).await?;
    say(format!("data keys wrapped by the new master key: {} anew", rotated.rewrapped));
    Ok(rotated)
}

async fn insert_key(deps: &Deps) -> Result<()> {
    let masters = deps.keyring.source().read().map_err(Error::internal)?;
    let newest = deps.store.list_keys().await?.last().map_or(0, |row| row.created_at);
    // The newest seals, whatever this machine's clock says.
    let created_at = deps.clock.now_ms().max(newest + 1);
    let key = crate::vault::Keyring::new_key(&masters, &deps.random, created_at).map_err(Error::internal)?;
    let row = KeyRow { id: key.id, wrapped: key.wrapped, created_at };
    deps.store.insert_key(&row, deps.clock.now_ms()).await?;
    reload(deps).await
}

/// One pass over everything sealed; how many rows it sealed anew.
async fn reseal_all(deps: &Deps, rotated: &mut Rotated, say: &mut (dyn FnMut(String) + Send)) -> Result<u64> {
    let prefix = deps.keyring.prefix();
    let mut moved = 0;
    rotated.unreadable.clear();
    for column in SealedColumn::ALL {
        let total = deps.store.count_sealed_otherwise(column, &prefix).await?;
        let (mut after, mut done) = (String::new(), 0);
        loop {
            let rows = deps.store.sealed_otherwise(column, &prefix, &after, BATCH).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            let found = rows.len();
            let exchanges = reseal(deps, column, rows, rotated).await?;
            moved += deps.store.exchange_sealed(column, &exchanges, deps.clock.now_ms()).await?;
            done += found;
            say(format!("{}: {done} of {total} sealed anew", name(column)));
        }
    }
    Ok(moved)
}

async fn reseal(
    deps: &Deps,
    column: SealedColumn,
    rows: Vec<SealedRow>,
    rotated: &mut Rotated,
) -> Result<Vec<(SealedRow, Vec<u8>)>> {
    let mut exchanges = Vec::with_capacity(rows.len());
    for row in rows {
        let place = Place {
            purpose: purpose(column),
            organization: &row.organization_id,
            row: &row.row,
            version: row.version,
        };
        match open(deps, &place, &row.sealed).await {
            Ok(bytes) => {
                let sealed = deps.keyring.seal(&place, bytes.expose_secret(), &deps.random);
                exchanges.push((row, sealed.map_err(Error::internal)?));
            }
            Err(_) => rotated.unreadable.push(format!("{} {}", name(column), row.id)),
        }
    }
    Ok(exchanges)
}

/// Wraps all data keys by the current master key. Older ones stay: a server that slept may still need one.
async fn rewrap(deps: &Deps) -> Result<u64> {
    let mut rewrapped = 0;
    for row in stored(&deps.store).await? {
        let new = deps.keyring.rewrapped(&row, &deps.random).map_err(Error::internal)?;
        if let Some(new) = new
            && deps.store.rewrap_key(&row.id, &row.wrapped, &new.wrapped).await?
        {
            rewrapped += 1;
        }
    }
    reload(deps).await?;
    Ok(rewrapped)
}

fn purpose(column: SealedColumn) -> &'static str {
    match column {
        SealedColumn::Grants => grants::PURPOSE,
        SealedColumn::OauthApps => oauth_apps::PURPOSE,
        SealedColumn::Flows => consent::VERIFIER,
        SealedColumn::IdempotencyRequests => idempotency::REQUEST,
        SealedColumn::IdempotencyAnswers => idempotency::ANSWER,
        SealedColumn::AuditKeys => audit::chain::PURPOSE,
    }
}

fn name(column: SealedColumn) -> &'static str {
    match column {
        SealedColumn::Grants => "grants",
        SealedColumn::OauthApps => "OAuth apps",
        SealedColumn::Flows => "flows",
        SealedColumn::IdempotencyRequests => "requests with an idempotency key",
        SealedColumn::IdempotencyAnswers => "answers with an idempotency key",
        SealedColumn::AuditKeys => "keys of the audit log",
    }
}
