//! The user's browser in the demo: opens the consent page, presses Allow, follows redirects.
//!
//! Knows HTML forms as far as a consent page needs. Must not know Keybearer.

use super::shown::Talk;
use crate::cli::say;
use anyhow::Context;
use http::{Method, header};
use url::Url;

/// Walks from a consent URL through the form to the redirect that leaves for `home`, and returns that URL.
pub(super) async fn agree(talk: &Talk, consent_url: &str, home: &str) -> anyhow::Result<String> {
    say(&format!("  browser opens {}", without_query(consent_url)));
    let page = talk.send(Method::GET, consent_url, &[], String::new()).await?;
    let title = between(&page.text, "<h1>", "</h1>").unwrap_or_default();
    say(&format!("  the page asks: “{title}”; the user is Alice and presses Allow"));
    let form = form(&page.text, consent_url)?;
    let headers = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned())];
    let mut reply = talk.send(Method::POST, &form.action, &headers, form.body).await?;
    let mut from = form.action;
    for _ in 0..5 {
        let next = Url::parse(&from)?.join(reply.location()?)?.to_string();
        say(&format!("  {} to {}", reply.status, without_query(&next)));
        if next.starts_with(home) {
            return Ok(next);
        }
        reply = talk.send(Method::GET, &next, &[], String::new()).await?;
        from = next;
    }
    anyhow::bail!("too many redirects")
}

struct Form {
    action: String,
    body: String,
}

/// The page's one form: hidden inputs as they are, the first choice of each select, and Allow.
fn form(html: &str, page: &str) -> anyhow::Result<Form> {
    let action = between(html, "action=\"", "\"").context("the page has no form")?;
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    for input in html.split("<input ").skip(1) {
        let (name, value) = (between(input, "name=\"", "\""), between(input, "value=\"", "\""));
        if let (Some(name), Some(value)) = (name, value) {
            body.append_pair(&name, &value);
        }
    }
    for select in html.split("<select ").skip(1) {
        let (name, value) = (between(select, "name=\"", "\""), between(select, "<option value=\"", "\""));
        if let (Some(name), Some(value)) = (name, value) {
            body.append_pair(&name, &value);
        }
    }
    body.append_pair("decision", "allow");
    Ok(Form { action: Url::parse(page)?.join(&action)?.to_string(), body: body.finish() })
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    let (found, _) = rest.split_once(end)?;
    Some(found.replace("&amp;", "&").replace("&quot;", "\"").replace("&#39;", "'"))
}

/// A URL as it may be printed: codes and states stay out.
fn without_query(url: &str) -> String {
    url.split_once('?').map_or_else(|| url.to_owned(), |(base, _)| format!("{base}?…"))
}
