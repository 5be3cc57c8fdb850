//! The steps of the demo, as the application takes them.
//!
//! Knows the API's calls. Must not reach into the server: everything goes over HTTP.

use super::shown::{Talk, short};
use super::{ACCESS_TTL, Stage, browser};
use crate::cli::say;
use anyhow::Context;
use http::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

const API: &str = "/api/v1";

/// The whole flow; returns the connector's id.
pub(super) async fn walk(stage: &Stage) -> anyhow::Result<String> {
    let talk = Talk::new();
    let walk = Walk { stage, talk: &talk };
    let token = walk.application_token().await?;
    walk.oauth_app(&token).await?;
    let consent_url = walk.initiate(&token).await?;
    let secret_id = walk.consent(&consent_url).await?;
    let connector = walk.create(&token, &secret_id).await?;
    let scoped = walk.scoped_token(&token).await?;
    walk.operations(&scoped, &connector).await?;
    walk.expiry(&scoped, &connector).await?;
    Ok(connector)
}

struct Walk<'a> {
    stage: &'a Stage,
    talk: &'a Talk,
}

impl Walk<'_> {
    async fn call(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        self.talk.call(method, &self.stage.server, &format!("{API}{path}"), bearer, body.as_ref()).await
    }

    async fn application_token(&self) -> anyhow::Result<String> {
        say("\n1. The application exchanges its credentials for a token");
        let body = json!({"client_id": self.stage.client_id, "client_secret": self.stage.client_secret.expose_secret()});
        let answer = self.call(Method::POST, "/account/applications/token", None, Some(body)).await?;
        text(&answer, "access_token")
    }

    async fn oauth_app(&self, token: &str) -> anyhow::Result<()> {
        say("\n2. It sets its own OAuth app at the CRM, so that users see its brand");
        self.call(Method::GET, "/oauth/credentials/spec?connector_type=harbour-crm", Some(token), None)
            .await?;
        let configuration = json!({
            "client_id": self.stage.provider_client_id,
            "client_secret": self.stage.provider_client_secret.expose_secret(),
        });
        let body = json!({"connector_type": "harbour-crm", "configuration": configuration});
        self.call(Method::PUT, "/oauth/credentials", Some(token), Some(body)).await?;
        Ok(())
    }

    async fn initiate(&self, token: &str) -> anyhow::Result<String> {
        say("\n3. A user presses “Connect Harbour CRM”; the application asks for the consent URL");
        let redirect_url = format!("{}/connected?user_id=user-1", self.stage.application);
        let body = json!({"external_user_id": "user-1", "connector_type": "harbour-crm", "redirect_url": redirect_url});
        let answer = self
            .call(Method::POST, "/integrations/connectors/oauth/initiate", Some(token), Some(body))
            .await?;
        text(&answer, "consent_url")
    }

    async fn consent(&self, consent_url: &str) -> anyhow::Result<String> {
        say("\n4. The user's browser goes to the CRM, agrees, and comes back to the application");
        let home = browser::agree(self.talk, consent_url, &self.stage.application).await?;
        let url = Url::parse(&home)?;
        let secret_id = url
            .query_pairs()
            .find(|(name, _)| name == "secret_id")
            .context("no secret_id came back")?
            .1
            .into_owned();
        say(&format!("  the application reads user_id and secret_id={}", short(&secret_id)));
        Ok(secret_id)
    }

    async fn create(&self, token: &str, secret_id: &str) -> anyhow::Result<String> {
        say("\n5. It redeems the secret_id, once, for a connector");
        let body = json!({"external_user_id": "user-1", "connector_type": "harbour-crm", "server_side_oauth_secret_id": secret_id});
        let answer = self.call(Method::POST, "/integrations/connectors", Some(token), Some(body)).await?;
        text(&answer, "id")
    }

    async fn scoped_token(&self, token: &str) -> anyhow::Result<String> {
        say("\n6. For its agent it takes a token that reaches this one user only");
        let answer = self
            .call(
                Method::POST,
                "/account/applications/scoped-token",
                Some(token),
                Some(json!({"workspace_name": "user-1"})),
            )
            .await?;
        text(&answer, "token")
    }

    async fn execute(
        &self,
        token: &str,
        connector: &str,
        entity: &str,
        action: &str,
        params: Value,
    ) -> anyhow::Result<Value> {
        let body = json!({"entity": entity, "action": action, "params": params});
        self.call(Method::POST, &format!("/connectors/sources/{connector}/execute"), Some(token), Some(body))
            .await
    }

    async fn operations(&self, token: &str, connector: &str) -> anyhow::Result<()> {
        say("\n7. The agent lists contacts, two a page");
        let first = self.execute(token, connector, "contacts", "list", json!({"limit": 2})).await?;
        let cursor =
            first.pointer("/connector_metadata/end_cursor").and_then(Value::as_str).context("no cursor")?;
        say("\n8. …goes on with the cursor");
        let second =
            self.execute(token, connector, "contacts", "list", json!({"limit": 2, "cursor": cursor})).await?;
        say("\n9. …gets one of them");
        let id = second.pointer("/result/0/id").and_then(Value::as_str).context("no contact")?;
        self.execute(token, connector, "contacts", "get", json!({"id": id})).await?;
        say("\n10. …and creates one");
        let contact = json!({"email": "grace@navy.example", "first_name": "Grace", "last_name": "Hopper"});
        self.execute(token, connector, "contacts", "create", contact).await?;
        Ok(())
    }

    async fn expiry(&self, token: &str, connector: &str) -> anyhow::Result<()> {
        let seconds = ACCESS_TTL.as_secs();
        say(&format!(
            "\n11. The CRM's access token lives {seconds} seconds. The demo waits for its end, then calls again"
        ));
        let before = self.stage.control.stats();
        tokio::time::sleep(ACCESS_TTL + Duration::from_millis(300)).await;
        self.execute(token, connector, "contacts", "list", json!({"q": "grace"})).await?;
        let after = self.stage.control.stats();
        let refreshes = refreshes(&after) - refreshes(&before);
        say(&format!(
            "  the CRM counted {refreshes} refresh; the refresh token was replaced and stored before it was used"
        ));
        anyhow::ensure!(refreshes == 1, "exactly one refresh was expected");
        Ok(())
    }
}

fn refreshes(stats: &keybearer_demo_provider::Stats) -> u64 {
    stats.refreshes
}

fn text(answer: &Value, name: &str) -> anyhow::Result<String> {
    answer
        .get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no `{name}` in the answer"))
}
