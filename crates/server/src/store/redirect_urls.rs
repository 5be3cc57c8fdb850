//! Where users of an organization may be sent back to.
//!
//! Knows the list and its order. Must not know which URLs are good.

use super::Store;
use super::changes::Change;
use super::error::Result;
use super::organizations;
use super::sql::values;
use super::work::Work;

const LIST: &str = "SELECT url FROM redirect_urls WHERE organization_id = $1 ORDER BY position";

impl Store {
    /// The redirect allow-list, in the order it was given.
    pub async fn list_redirect_urls(&self, organization: &str) -> Result<Vec<String>> {
        self.rows(LIST, values![organization]).await
    }

    /// Replaces the redirect allow-list.
    pub async fn replace_redirect_urls(&self, organization: &str, urls: &[String], now: i64) -> Result<()> {
        let mut work = self.begin().await?;
        // Two replacements at the same time must not mix.
        organizations::lock(&mut work, organization).await?;
        write(&mut work, organization, urls).await?;
        work.commit(now).await
    }

    /// Changes the redirect allow-list by what `edit` makes of it; the new one. None, and nothing changed, when `edit`
    /// gives none or the organization is gone.
    pub async fn edit_redirect_urls(
        &self,
        organization: &str,
        now: i64,
        edit: &mut (dyn FnMut(Vec<String>) -> Option<Vec<String>> + Send),
    ) -> Result<Option<Vec<String>>> {
        let mut work = self.begin().await?;
        if !organizations::lock(&mut work, organization).await? {
            return Ok(None);
        }
        let Some(urls) = edit(work.rows(LIST, values![organization]).await?) else {
            work.undo().await?;
            return Ok(None);
        };
        write(&mut work, organization, &urls).await?;
        work.commit(now).await?;
        Ok(Some(urls))
    }
}

async fn write(work: &mut Work, organization: &str, urls: &[String]) -> Result<()> {
    work.execute("DELETE FROM redirect_urls WHERE organization_id = $1", values![organization]).await?;
    for (position, url) in (0_i64..).zip(urls) {
        let text = "INSERT INTO redirect_urls (organization_id, position, url) VALUES ($1, $2, $3)";
        work.execute(text, values![organization, position, url]).await?;
    }
    work.changed(Change::RedirectUrls { organization: organization.to_owned() });
    Ok(())
}
