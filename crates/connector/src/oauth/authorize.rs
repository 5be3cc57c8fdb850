//! The authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
//!
//! Knows its parameters and what providers add. Must not make state or verifiers.

use super::endpoint::{self, OauthError};
use crate::call::Environment;
use crate::plan::OauthPlan;
use url::Url;

/// What the consent link carries.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest<'a> {
    /// The OAuth app's id.
    pub client_id: &'a str,
    /// Where the provider sends the user back to.
    pub redirect_uri: &'a str,
    /// The state, opaque.
    pub state: &'a str,
    /// S256 challenge; sent only where the plan wants PKCE.
    pub code_challenge: Option<&'a str>,
    /// Scopes to ask for; none: the parameter is left out.
    pub scopes: &'a [String],
    /// Variables of the endpoint's URL, with their defaults ([`Environment::with_defaults`]).
    pub environment: &'a Environment,
}

/// The consent URL. Every core parameter stands exactly once: neither the endpoint's own query nor the definition's
/// further parameters can set one.
pub fn url(oauth: &OauthPlan, request: &AuthorizeRequest<'_>) -> Result<Url, OauthError> {
    let template = oauth
        .authorization_url
        .as_ref()
        .ok_or_else(|| OauthError("this connector has no consent flow".to_owned()))?;
    let more = [("client_id", request.client_id)];
    let mut url = endpoint::url(template, &oauth.bounded, request.environment, &more)?;
    let core = core(oauth, request);
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (name, value) in &oauth.authorize_params {
        let value = endpoint::text(value, request.environment, &more)?;
        pairs.retain(|(other, _)| other != name);
        pairs.push((name.clone(), value));
    }
    pairs.retain(|(name, value)| !is_reserved(oauth, &core, name) && !value.is_empty());
    let all = core
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    // A space as %20: some providers read `+` as itself.
    let query = crate::call::encode::form(all).replace('+', "%20");
    url.set_query(Some(&query));
    Ok(url)
}

fn core<'a>(oauth: &'a OauthPlan, request: &AuthorizeRequest<'_>) -> Vec<(&'a str, String)> {
    let mut core = vec![
        ("response_type", "code".to_owned()),
        (oauth.client_id_param.as_str(), request.client_id.to_owned()),
        ("redirect_uri", request.redirect_uri.to_owned()),
        ("state", request.state.to_owned()),
    ];
    if !request.scopes.is_empty() {
        core.push((&oauth.scope_param, request.scopes.join(&oauth.scope_separator)));
    }
    if let Some(challenge) = request.code_challenge.filter(|_| oauth.pkce) {
        core.push(("code_challenge", challenge.to_owned()));
        core.push(("code_challenge_method", "S256".to_owned()));
    }
    core
}

/// Names that only we set. `scope` may be a definition's own when no scope is asked for.
fn is_reserved(oauth: &OauthPlan, core: &[(&str, String)], name: &str) -> bool {
    core.iter().any(|(core, _)| *core == name)
        || name == oauth.client_id_param
        || matches!(
            name,
            "client_id"
                | "client_secret"
                | "redirect_uri"
                | "state"
                | "response_type"
                | "code_challenge"
                | "code_challenge_method"
                | "request"
                | "request_uri"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;

    #[test]
    fn core_parameters_stand_once_and_cannot_be_overridden() {
        let mut oauth = sample::oauth();
        oauth.authorization_url =
            Some(sample::template("https://acme.example/authorize?state=evil&tenant=1"));
        oauth.authorize_params = vec![
            ("prompt".into(), sample::template("consent")),
            ("redirect_uri".into(), sample::template("https://evil")),
            ("state".into(), sample::template("x")),
        ];
        let scopes = ["a.read".to_owned(), "b".to_owned()];
        let request = AuthorizeRequest {
            client_id: "id&x",
            redirect_uri: "http://localhost:8000/oauth/callback/acme",
            state: "s",
            code_challenge: Some("c"),
            scopes: &scopes,
            environment: &Environment::default(),
        };
        let url = url(&oauth, &request).unwrap();
        assert_eq!(
            url.as_str(),
            "https://acme.example/authorize?response_type=code&client_id=id%26x&redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Foauth%2Fcallback%2Facme&state=s&scope=a.read%20b&code_challenge=c&code_challenge_method=S256&tenant=1&prompt=consent"
        );
    }

    #[test]
    fn renamed_parameters_and_no_pkce() {
        let oauth = OauthPlan {
            client_id_param: "client_key".into(),
            scope_separator: ",".into(),
            pkce: false,
            ..sample::oauth()
        };
        let scopes = ["a".to_owned(), "b".to_owned()];
        let request = AuthorizeRequest {
            client_id: "i",
            redirect_uri: "https://r",
            state: "s",
            code_challenge: Some("c"),
            scopes: &scopes,
            environment: &Environment::default(),
        };
        assert_eq!(
            url(&oauth, &request).unwrap().query(),
            Some("response_type=code&client_key=i&redirect_uri=https%3A%2F%2Fr&state=s&scope=a%2Cb")
        );
    }
}
