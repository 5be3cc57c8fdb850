//! Fills the templates of a provider's endpoints, so that no value can change where they are.
//!
//! Knows URL templates and which values may stand in them. Must not know what is sent there.

use crate::call::Environment;
use crate::call::host::{is_host, is_label, is_plain};
use crate::plan::Template;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

/// A definition and an environment that do not make a request. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OauthError(pub String);

/// The URL of an endpoint. `more` are further names, such as `client_id`.
pub(super) fn url(
    template: &Template,
    environment: &Environment,
    more: &[(&str, &str)],
) -> Result<Url, OauthError> {
    for name in template.names() {
        if let Some(value) = environment.text(&name) {
            check(template, &name, &value)?;
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
    let mut bare = url.clone();
    bare.set_query(None);
    if is_plain(&bare) && url.fragment().is_none() { Ok(url) } else { Err(error()) }
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

/// A value may be one label, or a host name where no label follows, or a whole origin where the URL begins with it.
fn check(template: &Template, name: &str, value: &str) -> Result<(), OauthError> {
    let begins = template.source.trim_start().trim_start_matches("{{").trim_start().starts_with(name);
    if begins && Url::parse(value).is_ok_and(|url| is_plain(&url)) {
        return Ok(());
    }
    let label_only = template.source.split("}}").skip(1).any(|after| after.starts_with('.'));
    if is_label(value) || (!label_only && is_host(value)) || matches!(value, "true" | "false") {
        return Ok(());
    }
    let what = if label_only {
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

    fn filled(source: &str, shop: &str) -> Option<String> {
        let environment = Environment([("shop".to_owned(), json!(shop))].into_iter().collect());
        url(&Template { source: source.to_owned(), lenient: true }, &environment, &[])
            .ok()
            .map(|url| url.to_string())
    }

    #[test]
    fn values_cannot_move_an_endpoint() {
        let source = "https://{{shop}}.myshopify.com/admin/oauth/authorize";
        assert_eq!(
            filled(source, "acme").as_deref(),
            Some("https://acme.myshopify.com/admin/oauth/authorize")
        );
        for evil in ["evil.com/", "evil.com#", "a.b", "x@evil.com:443/", "{{ client_id }}", "é"] {
            assert_eq!(filled(source, evil), None, "{evil}");
        }
        assert_eq!(
            filled("https://{{ shop }}/oauth", "git.example.com:8443").as_deref(),
            Some("https://git.example.com:8443/oauth")
        );
        assert_eq!(
            filled("{{ shop }}/oauth", "https://na1.example.com").as_deref(),
            Some("https://na1.example.com/oauth")
        );
        assert_eq!(
            filled(
                "https://{{ 'test' if shop in [true, 'true'] else 'login' }}.salesforce.com/a?b=c",
                "true"
            )
            .as_deref(),
            Some("https://test.salesforce.com/a?b=c")
        );
    }
}
