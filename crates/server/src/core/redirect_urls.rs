//! Where a user may be sent back to: the form of a `redirect_url`, and the organization's allow-list.
//!
//! Knows URLs. Must not know flows. The second hop of a consent must not be attacker-controlled
//! (RFC 9700 section 4.1), so what a URL parser would silently mend is refused here instead.

use crate::core::access::Caller;
use crate::core::error::{Error, FieldError, Kind, Result};
use crate::core::{Deps, audit};
use url::{Host, Url};

/// Longest accepted URL, in bytes.
const MAX: usize = 2048;
/// Longest allow-list.
const LIST_MAX: usize = 100;

/// Checks the form: absolute; https, or http on loopback; no userinfo, fragment, backslash, control or non-ASCII characters.
pub fn check_form(text: &str) -> std::result::Result<Url, &'static str> {
    if text.len() > MAX {
        return Err("must have at most 2048 bytes");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
        return Err("must consist of printable ASCII characters without spaces and backslashes");
    }
    // The parser mends `https:/host` and `https:host`; a browser and an application may read those differently.
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let rest = rest.ok_or("must start with https:// (or http:// on loopback)")?;
    if rest.starts_with('/') {
        return Err("must name a host after the two slashes");
    }
    let url = Url::parse(text).map_err(|_| "must be an absolute URL")?;
    if !url.username().is_empty() || url.password().is_some() || authority(rest).contains('@') {
        return Err("must not carry a user name or password");
    }
    if text.contains('#') {
        return Err("must not have a fragment");
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("must use https; http is accepted on loopback only");
    }
    if url.host_str().is_none_or(|host| host.ends_with('.')) {
        return Err("must name a host without a trailing dot");
    }
    Ok(url)
}

/// Checks form and allow-list for one organization.
pub async fn check(deps: &Deps, organization: &str, text: &str) -> Result<()> {
    let url = check_form(text).map_err(|why| Error::field("redirect_url", "invalid_value", why))?;
    let list = deps.store.list_redirect_urls(organization).await?;
    if list.is_empty()
        || list.iter().any(|allowed| Url::parse(allowed).is_ok_and(|allowed| same_target(&allowed, &url)))
    {
        return Ok(());
    }
    Err(Error::field(
        "redirect_url",
        "not_allowed",
        "is not on the organization's list of redirect URLs (scheme, host, port and path must match)",
    ))
}

/// The organization's allow-list.
pub async fn list(deps: &Deps, caller: &Caller) -> Result<Vec<String>> {
    Ok(deps.store.list_redirect_urls(caller.organization()).await?)
}

/// Replaces the allow-list.
pub async fn replace(deps: &Deps, caller: &Caller, urls: &[String]) -> Result<()> {
    check_list(urls)?;
    let store = deps.store.audited(audit::by_caller(deps, caller, "redirect_urls.put"));
    store.replace_redirect_urls(caller.organization(), urls, deps.clock.now_ms()).await?;
    Ok(())
}

/// Adds to an organization's allow-list what is not on it yet; the new list. For the operator.
pub async fn add(deps: &Deps, organization: &str, urls: &[String]) -> Result<Vec<String>> {
    check_list(urls)?;
    let mut too_long = false;
    let mut add = |mut list: Vec<String>| {
        for url in urls {
            if !list.contains(url) {
                list.push(url.clone());
            }
        }
        too_long = list.len() > LIST_MAX;
        (!too_long).then_some(list)
    };
    let store = deps.store.audited(audit::entry(deps, organization, "operator", "redirect_urls.add"));
    let list = store.edit_redirect_urls(organization, deps.clock.now_ms(), &mut add).await?;
    list.ok_or_else(|| if too_long { list_too_long() } else { Error::not_found() })
}

/// Takes from an organization's allow-list; the new list. One that is not on it is an error, and nothing is taken.
pub async fn remove(deps: &Deps, organization: &str, urls: &[String]) -> Result<Vec<String>> {
    let mut unknown = None;
    let mut remove = |list: Vec<String>| {
        unknown = urls.iter().find(|url| !list.contains(url));
        unknown.is_none().then(|| list.into_iter().filter(|url| !urls.contains(url)).collect())
    };
    let store = deps.store.audited(audit::entry(deps, organization, "operator", "redirect_urls.remove"));
    let list = store.edit_redirect_urls(organization, deps.clock.now_ms(), &mut remove).await?;
    list.ok_or_else(|| match unknown {
        Some(url) => Error::new(Kind::NotFound, format!("{url} is not on the list")),
        None => Error::not_found(),
    })
}

fn check_list(urls: &[String]) -> Result<()> {
    // Not looked at one by one: the answer must stay short, whatever was sent.
    if urls.len() > LIST_MAX {
        return Err(list_too_long());
    }
    let mut wrong = Vec::new();
    for (position, url) in urls.iter().enumerate() {
        if let Err(why) = check_form(url) {
            wrong.push(FieldError {
                field: format!("data.{position}"),
                message: why.to_owned(),
                code: "invalid_value",
            });
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong)) }
}

fn list_too_long() -> Error {
    Error::field("data", "too_long", "must have at most 100 URLs")
}

/// The URL with parameters appended. Its own query stays byte for byte, except that `dropped` names are taken out.
pub fn append(redirect_url: &str, dropped: &[&str], pairs: &[(&str, &str)]) -> String {
    let (base, query) = redirect_url.split_once('?').unwrap_or((redirect_url, ""));
    let mut parts: Vec<String> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .filter(|part| {
            let name = url::form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name);
            !name.is_some_and(|name| dropped.contains(&name.as_ref()))
        })
        .map(str::to_owned)
        .collect();
    for (name, value) in pairs {
        parts.push(url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish());
    }
    format!("{base}?{}", parts.join("&"))
}

fn same_target(allowed: &Url, url: &Url) -> bool {
    allowed.origin() == url.origin() && allowed.path() == url.path()
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls_pass() {
        for url in [
            "https://app.example.com/cb",
            "https://app.example.com",
            "https://app.example.com:8443/cb?user_id=1&x=%26",
            "http://localhost:3000/callback",
            "http://127.0.0.1:9/cb",
            "http://[::1]:9/cb",
        ] {
            assert!(check_form(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn hostile_urls_are_refused() {
        for url in [
            "",
            " ",
            "app.example.com/cb",
            "/cb",
            "//evil.example/cb",
            "https:/evil.example",
            "https:evil.example",
            "https:///evil.example",
            "https:/\\evil.example",
            "https:\\\\evil.example",
            "https://app.example.com\\@evil.example",
            "https://app.example.com@evil.example/cb",
            "https://user:pass@app.example.com/cb",
            "https://@app.example.com/",
            "https://app.example.com/cb#fragment",
            "https://app.example.com/cb#",
            "http://app.example.com/cb",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://10.0.0.1/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example.com",
            "file:///etc/passwd",
            "https://app.example.com/\r\nSet-Cookie: a=b",
            "https://app.example.com/\tx",
            "https://app.example.com/\u{0}",
            "https://app.example.com/ü",
            "https://аpp.example.com/",
            " https://app.example.com/",
            "HTTPS://app.example.com/",
            "https://app.example.com./cb",
            "https://",
            "https://?x",
            "custom-scheme://app/cb",
        ] {
            assert!(check_form(url).is_err(), "accepted {url:?}");
        }
        assert!(check_form(&format!("https://app.example.com/{}", "a".repeat(2048))).is_err());
    }

    #[test]
    fn appending_keeps_the_query_and_drops_old_answers() {
        let table = [
            ("https://a.example/cb", "https://a.example/cb?secret_id=S"),
            ("https://a.example/cb?", "https://a.example/cb?secret_id=S"),
            ("https://a.example/cb?user_id=7&x=%26", "https://a.example/cb?user_id=7&x=%26&secret_id=S"),
            ("https://a.example/cb?secret_id=evil&x=1", "https://a.example/cb?x=1&secret_id=S"),
            ("https://a.example/cb?secret%5Fid=evil", "https://a.example/cb?secret_id=S"),
            ("https://a.example/cb?flag&b=+1", "https://a.example/cb?flag&b=+1&secret_id=S"),
        ];
        for (before, after) in table {
            assert_eq!(append(before, &["secret_id"], &[("secret_id", "S")]), after);
        }
    }

    #[test]
    fn the_list_compares_all_but_the_query() {
        let allowed = Url::parse("https://a.example/cb").unwrap();
        assert!(same_target(&allowed, &Url::parse("https://a.example:443/cb?x=1").unwrap()));
        for other in [
            "https://a.example/cb/",
            "https://a.example/CB",
            "http://a.example/cb",
            "https://a.example:444/cb",
            "https://b.example/cb",
        ] {
            assert!(!same_target(&allowed, &Url::parse(other).unwrap()), "{other}");
        }
    }
}
