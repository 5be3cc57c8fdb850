//! Idle grants: refreshed although nobody calls them, because many providers end a refresh token by disuse.
//!
//! Knows how long a refresh token is left alone. Must not know connectors, nor how a refresh goes (`refresh`).

use super::{GrantSecret, refresh};
use crate::core::Deps;
use crate::core::error::Result;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use std::time::Duration;

/// A refresh token rests so long: well below the shortest disuse limits of usual providers, which begin at ten days.
const REST: Duration = Duration::from_hours(5 * 24);
/// Where the provider tells the refresh token's life, it rests half of it, but never less than this.
const SHORTEST: Duration = Duration::from_mins(10);
/// Grants that are taken at once.
const BATCH: i64 = 64;
/// Refreshes that run at the same time in this process.
const AT_ONCE: usize = 8;

/// When a grant with these tokens is refreshed without a call, epoch milliseconds. None where no refresh token can die:
/// client credentials and service accounts. `dice` spreads grants that were made together.
pub(super) fn due(secret: &GrantSecret, told: Option<Duration>, now: i64, dice: u64) -> Option<i64> {
    secret.value("refresh_token")?;
    let rest = told.map_or(REST, |life| REST.min((life / 2).max(SHORTEST)));
    let rest = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
    // Up to a fifth earlier.
    let rest = rest - dice % (rest / 5);
    Some(now + i64::try_from(rest).unwrap_or(i64::MAX / 2))
}

/// Refreshes the grants that are due; how many. Replicas share them: each is taken by one.
pub async fn renew_due(deps: &Arc<Deps>) -> Result<usize> {
    let grants = deps.store.take_idle_grants(deps.clock.now_ms(), BATCH).await?;
    let taken = grants.len();
    stream::iter(grants)
        .for_each_concurrent(AT_ONCE, |grant| async move {
            if let Err(error) = refresh(deps, &grant.organization_id, &grant.id, grant.version).await {
                tracing::info!(grant = grant.id, %error, "an idle grant was not refreshed; it is tried again later");
            }
        })
        .await;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    const DAY: i64 = 86_400_000;

    fn with_refresh_token() -> GrantSecret {
        let mut secret = GrantSecret::default();
        secret.values.insert("refresh_token".to_owned(), SecretString::from("r"));
        secret
    }

    #[test]
    fn refresh_tokens_rest_for_four_to_five_days() {
        for dice in [0, 1, 12_345, u64::MAX] {
            let due = due(&with_refresh_token(), None, 0, dice).unwrap();
            assert!((4 * DAY..=5 * DAY).contains(&due), "{due}");
        }
    }

    #[test]
    fn a_short_life_is_halved_and_a_very_short_one_is_not() {
        let due = |hours: u64| due(&with_refresh_token(), Some(Duration::from_secs(hours * 3600)), 0, 0);
        assert_eq!(due(24), Some(DAY / 2));
        assert_eq!(due(24 * 365), Some(5 * DAY));
        assert_eq!(due(0), Some(600_000));
    }

    #[test]
    fn what_has_no_refresh_token_needs_none() {
        assert_eq!(due(&GrantSecret::default(), None, 0, 0), None);
    }
}
