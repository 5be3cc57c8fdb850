//! The two pages that a person sees: consent and error. Self-contained HTML, no scripts, everything escaped.
//! It knows how things look; it must not decide anything.

use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};
use url::Url;

use super::no_store;
use super::request::Pending;
use crate::person::Person;
use crate::secret::sha256_base64;

const STYLE: &str = include_str!("page.css");

/// The consent page for one waiting request.
pub(super) fn consent(application: &str, pending: &Pending, id: &str) -> Response {
    let application = escaped(application);
    let scopes = lines(
        pending
            .scopes
            .iter()
            .map(|scope| format!("<li><span>{}</span><code>{}</code></li>", scope.in_words(), scope.name())),
    );
    let people = lines(Person::ALL.into_iter().map(|person| {
        let profile = person.profile();
        let (name, email) = (escaped(profile.name), escaped(profile.email));
        format!("<option value=\"{}\">{name} ({email})</option>", person.slug())
    }));
    let target = Url::parse(&pending.back.redirect_uri);
    let target = escaped(&target.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization()));
    let id = escaped(id);
    let body = format!(
        r#"<h1>{application} wants to use your account</h1>
<p class="soft">Allow this only if you know the application and came from it.</p>
<h2 id="scopes">It will be able to</h2>
<ul aria-labelledby="scopes">
{scopes}
</ul>
<form method="post" action="/oauth/authorize/decision">
<input type="hidden" name="request" value="{id}">
<label for="user">Continue as</label>
<select id="user" name="user">
{people}
</select>
<div class="choice">
<button class="allow" type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny">Deny</button>
</div>
</form>
<footer class="soft">You will go back to {target}. This is a demo: the people and their data are made up, and nothing leaves this machine.</footer>"#
    );
    guarded(Html(document("consent", &format!("{application} wants access"), &body)))
}

/// A page for what cannot be sent back to the client.
pub(super) fn error(status: StatusCode, reason: &str) -> Response {
    let reason = escaped(reason);
    let body = format!("<h1>This request cannot go on</h1>\n<p>{reason}</p>");
    guarded((status, Html(document("bad", "Request refused", &body))))
}

fn document(class: &str, title: &str, content: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Harbour CRM</title>
<style>{STYLE}</style>
</head>
<body>
<main class="{class}">
<p class="brand"><i aria-hidden="true">H</i>Harbour CRM</p>
{content}
</main>
</body>
</html>
"#
    )
}

/// An answer to a browser with the headers that keep it from being framed, stored, sniffed or scripted.
///
/// There is no `form-action`: browsers apply it to the redirects after the form too, and those lead to the client.
pub(super) fn guarded(answer: impl IntoResponse) -> Response {
    let mut response = no_store(answer);
    let style = sha256_base64(STYLE.as_bytes());
    let policy =
        format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'");
    let headers = response.headers_mut();
    let mut set =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(X_FRAME_OPTIONS, "DENY");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `no-referrer` would turn the `Origin` of our own form into `null`.
    set(REFERRER_POLICY, "same-origin");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}
