//! Fills the templates of a provider's endpoints, so that no value can change where they are.
//!
//! Knows URL templates and which values may stand in them. Must not know what is sent there.

use crate::call::Environment;
use crate::call::host::{is_host, is_label, is_plain};
use crate::plan::{Authority, Template};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

/// A definition and an environment that do not make a request. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OauthError(pub String);

/// The URL of an endpoint. `bounded` are the names that may choose its host ([`crate::plan::OauthPlan::bounded`]),
/// `more` further names, such as `client_id`.
pub(super) fn url(
    template: &Template,
    bounded: &[String],
    environment: &Environment,
    more: &[(&str, &str)],
) -> Result<Url, OauthError> {
    let authority = Authority::of(&template.source);
    if let Some(name) = authority.open_names().iter().find(|name| !bounded.contains(name)) {
        return Err(OauthError(format!(
            "the value of {name:?} would choose the host of the endpoint {:?}, and the definition does not limit it: \
             it needs an enum, a pattern or host suffixes",
            template.source
        )));
    }
    for name in template.names() {
        if let Some(value) = environment.text(&name) {
            check(&authority, &name, &value)?;
        }
    }
    let text = text(template, environment, more)?;
    let error = || {
        OauthError(format!(
            "the endpoint {:?} does not become an http or https URL with these values",
            template.source
        ))
    };
    let url = Url::parse(text.trim()).map_err(|_| error())?;
    // A URL parser skips slashes before the host: an absent host must not make the path one.
    let has_host = text.split_once("://").is_some_and(|(_, rest)| !rest.starts_with(['/', '\\']));
    let is_below = authority.names.is_empty()
        || authority
            .suffix
            .as_deref()
            .is_none_or(|suffix| url.host_str().is_some_and(|h| h.ends_with(suffix)));
    let mut bare = url.clone();
    bare.set_query(None);
    if is_plain(&bare) && url.fragment().is_none() && has_host && is_below { Ok(url) } else { Err(error()) }
}

/// A template as text.
pub(super) fn text(
    template: &Template,
    environment: &Environment,
    more: &[(&str, &str)],
) -> Result<String, OauthError> {
    let more: Vec<(&str, Value)> = more.iter().map(|(name, value)| (*name, Value::from(*value))).collect();
    let values = environment
        .0
        .iter()
        .map(|(name, value)| (name.as_str(), value))
        .chain(more.iter().map(|(name, value)| (*name, value)));
    template.render(values, Timestamp::UNIX_EPOCH).map_err(|error| {
        OauthError(format!("the definition's template {:?} cannot be rendered: {error}", template.source))
    })
}

/// A value may be one label. Where the definition limits the names that choose the host, it may be a host too, or a
/// whole origin where the URL begins with it.
fn check(authority: &Authority, name: &str, value: &str) -> Result<(), OauthError> {
    let chooses = authority.open_names().iter().any(|open| open == name);
    let is_origin = || chooses && authority.begins && Url::parse(value).is_ok_and(|url| is_plain(&url));
    let in_host = authority.names.iter().any(|other| other == name);
    if is_label(value) || ((chooses || !in_host) && is_host(value)) || is_origin() {
        return Ok(());
    }
    let what = if in_host && !chooses {
        "one part of a host name: letters, digits and hyphens"
    } else {
        "a host name or one part of it"
    };
    Err(OauthError(format!("{name:?} must be {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(source: &str, bounded: &[&str], shop: &str) -> Option<String> {
        let environment = Environment([("shop".to_owned(), json!(shop))].into_iter().collect());
        let bounded: Vec<String> = bounded.iter().map(|name| (*name).to_owned()).collect();
        url(&Template { source: source.to_owned(), lenient: true }, &bounded, &environment, &[])
            .ok()
            .map(|url| url.to_string())
    }

    #[test]
    fn values_cannot_move_an_endpoint() {
        let source = "https://{{shop}}.myshopify.com/admin/oauth/authorize";
        let at = |host: &str| Some(format!("https://{host}/admin/oauth/authorize"));
        assert_eq!(filled(source, &[], "acme"), at("acme.myshopify.com"));
        for evil in
            ["evil.com/", "evil.com#", "a.b", "x@evil.com:443/", "{{ client_id }}", "é", "https://evil.com"]
        {
            assert_eq!(filled(source, &[], evil), None, "{evil}");
            assert_eq!(filled(source, &["shop"], evil), None, "{evil}");
        }
        let sandbox = "https://{{ 'test' if shop in [true, 'true'] else 'login' }}.salesforce.com/a?b=c";
        assert_eq!(filled(sandbox, &[], "true").as_deref(), Some("https://test.salesforce.com/a?b=c"));
        // Even an expression that writes a slash stays below the domain.
        assert_eq!(filled("https://{{ shop ~ '/' }}.example.com/a", &[], "evil-com"), None);
    }

    #[test]
    fn only_limited_values_choose_the_host() {
        for (source, value) in [
            ("https://{{ shop }}/oauth", "evil.example"),
            ("https://{{ shop }}/oauth", "evil"),
            ("{{ shop }}/oauth", "https://evil.example"),
            ("https://{{ shop }}.com/oauth", "evil"),
            ("https://api.example.{{ shop }}/oauth", "evil"),
            ("https://api.example.com{{ shop }}/oauth", "evil"),
        ] {
            assert_eq!(filled(source, &[], value), None, "{source}");
            assert_eq!(filled(source, &["other"], value), None, "{source}");
        }
        let limited = |source: &str, value: &str| filled(source, &["shop"], value);
        assert_eq!(
            limited("https://{{ shop }}/oauth", "git.example.com:8443").as_deref(),
            Some("https://git.example.com:8443/oauth")
        );
        assert_eq!(
            limited("{{ shop }}/oauth", "https://na1.example.com").as_deref(),
            Some("https://na1.example.com/oauth")
        );
        // An absent host must not make the path one.
        assert_eq!(limited("https://{{ shop }}/oauth", ""), None);
        assert_eq!(limited("https://{{ other }}/oauth", "x"), None);
    }

    #[test]
    fn path_values_are_one_segment() {
        let source = "https://login.example.com/{{ shop }}/token";
        assert_eq!(
            filled(source, &[], "contoso.example").as_deref(),
            Some("https://login.example.com/contoso.example/token")
        );
        for evil in ["..", "a/b", "?x", "#", "https://evil.example"] {
            assert_eq!(filled(source, &[], evil), None, "{evil}");
        }
    }
}
