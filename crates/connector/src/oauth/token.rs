//! Token requests: code exchange, refresh, client credentials, JWT bearer; and the answer's reader.
//!
//! Knows RFC 6749 sections 4.1.3, 4.4.2 and 6, and RFC 7523. Must not decide when to refresh, nor keep tokens.

use super::assertion;
use super::client::{self, ClientKeys, Parameters, TokenRequest};
use super::endpoint::{self, OauthError};
use crate::call::Environment;
use crate::plan::OauthPlan;
use http::header::{ACCEPT, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

pub use super::grant_error::TokenFault;
pub use super::token_answer::{TokenAnswer, read};

/// What a callback brought.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The authorization code.
    pub code: &'a SecretString,
    /// The same as in the authorization request.
    pub redirect_uri: &'a str,
    /// PKCE verifier; sent where the plan wants PKCE.
    pub code_verifier: Option<&'a SecretString>,
}

/// What renews an access token.
#[derive(Clone, Copy)]
pub struct Renewal<'a> {
    /// The newest refresh token; needed for grant type `refresh_token`.
    pub refresh_token: Option<&'a SecretString>,
    /// A service account's key file; needed for JWT bearer.
    pub credentials_json: Option<&'a SecretString>,
    /// Scopes to ask for; sent with client credentials and JWT bearer only.
    pub scopes: &'a [String],
    /// The time, for assertions.
    pub now: Timestamp,
}

/// The code exchange.
pub fn exchange(
    oauth: &OauthPlan,
    code: &Exchange<'_>,
    client: &ClientKeys<'_>,
    environment: &Environment,
) -> Result<TokenRequest, OauthError> {
    let template =
        oauth.token_url.as_ref().ok_or_else(|| OauthError("the definition has no token URL".to_owned()))?;
    let url = endpoint::url(template, &oauth.bounded, environment, &[("client_id", client.client_id)])?;
    let mut parameters = vec![
        ("grant_type".to_owned(), "authorization_code".to_owned()),
        ("code".to_owned(), code.code.expose_secret().to_owned()),
        ("redirect_uri".to_owned(), code.redirect_uri.to_owned()),
    ];
    if let Some(verifier) = code.code_verifier.filter(|_| oauth.pkce) {
        parameters.push(("code_verifier".to_owned(), verifier.expose_secret().to_owned()));
    }
    add_definition_parameters(oauth, client, environment, &mut parameters)?;
    client::post(oauth, url, parameters, oauth.token_body, Some((oauth.client_auth, client)))
}

/// The definition's own parameters; none can replace one of ours.
fn add_definition_parameters(
    oauth: &OauthPlan,
    client: &ClientKeys<'_>,
    environment: &Environment,
    parameters: &mut Parameters,
) -> Result<(), OauthError> {
    let secret = client.client_secret.map(ExposeSecret::expose_secret).unwrap_or_default();
    for (name, template) in &oauth.token_params {
        let taken = parameters.iter().any(|(other, _)| other == name)
            || *name == oauth.client_id_param
            || *name == oauth.client_secret_param;
        if !taken {
            let value = endpoint::text(
                template,
                environment,
                &[("client_id", client.client_id), ("client_secret", secret)],
            )?;
            parameters.push((name.clone(), value));
        }
    }
    Ok(())
}

/// The renewal that the plan describes, by its grant type. It accepts any content type, as the published executor does:
/// an answer is read as JSON or a form whatever it says of itself.
pub fn refresh(
    oauth: &OauthPlan,
    renewal: &Renewal<'_>,
    client: &ClientKeys<'_>,
    environment: &Environment,
) -> Result<TokenRequest, OauthError> {
    let mut request = by_grant_type(oauth, renewal, client, environment)?;
    request.request.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    Ok(request)
}

fn by_grant_type(
    oauth: &OauthPlan,
    renewal: &Renewal<'_>,
    client: &ClientKeys<'_>,
    environment: &Environment,
) -> Result<TokenRequest, OauthError> {
    let plan = oauth.refresh.as_ref().ok_or_else(|| {
        OauthError("the definition does not say how this connector's token is renewed".to_owned())
    })?;
    let url = endpoint::url(&plan.url, &oauth.bounded, environment, &[("client_id", client.client_id)])?;
    let scope = || (oauth.scope_param.clone(), renewal.scopes.join(&oauth.scope_separator));
    let mut parameters = vec![("grant_type".to_owned(), plan.grant_type.clone())];
    match plan.grant_type.as_str() {
        "refresh_token" => {
            let token =
                renewal.refresh_token.ok_or_else(|| OauthError("there is no refresh token".to_owned()))?;
            parameters.push(("refresh_token".to_owned(), token.expose_secret().to_owned()));
        }
        "client_credentials" => parameters.extend(Some(scope()).filter(|(_, scopes)| !scopes.is_empty())),
        assertion::JWT_BEARER => {
            let key = renewal
                .credentials_json
                .ok_or_else(|| OauthError("there is no service account key".to_owned()))?;
            parameters.push((
                "assertion".to_owned(),
                assertion::sign(key, url.as_str(), &renewal.scopes.join(" "), renewal.now)?,
            ));
            // The assertion is the proof: no client authentication beside it (RFC 7523 section 3.1).
            return client::post(oauth, url, parameters, plan.body, None);
        }
        other => return Err(OauthError(format!("the grant type {other:?} is not supported"))),
    }
    client::post(oauth, url, parameters, plan.body, Some((plan.client_auth, client)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;
    use crate::plan::{ClientAuth, Refresh, TokenBody};
    use base64::Engine;
    use bytes::Bytes;

    fn sent(request: TokenRequest) -> (String, String, String) {
        let TokenRequest { request, attachment } = request;
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("r3fresh") && !shown.contains("c0de"),
            "{shown}"
        );
        let (mut url, mut headers, mut body) = (request.url, request.headers, Bytes::new());
        attachment.apply(&mut url, &mut headers, &mut body);
        let authorization =
            headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        (url.to_string(), authorization, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn a_renewal_accepts_any_content_type() {
        let (token, secret) = (SecretString::from("r3fresh"), SecretString::from("s3cret"));
        let oauth = OauthPlan {
            refresh: Some(Refresh {
                url: sample::template("https://acme.example/token"),
                grant_type: "refresh_token".into(),
                client_auth: ClientAuth::Body,
                body: TokenBody::Form,
            }),
            ..sample::oauth()
        };
        let renewal = Renewal {
            refresh_token: Some(&token),
            credentials_json: None,
            scopes: &[],
            now: Timestamp::UNIX_EPOCH,
        };
        let client = ClientKeys { client_id: "id", client_secret: Some(&secret) };
        let request = refresh(&oauth, &renewal, &client, &Environment::default()).unwrap();
        assert_eq!(request.request.headers.get(ACCEPT).unwrap(), "*/*");
    }

    #[test]
    fn an_exchange_with_pkce_in_the_body() {
        let (code, verifier, secret) =
            (SecretString::from("c0de"), SecretString::from("v"), SecretString::from("s3cret"));
        let exchange_of =
            Exchange { code: &code, redirect_uri: "https://k/cb", code_verifier: Some(&verifier) };
        let oauth = OauthPlan {
            token_params: vec![
                ("audience".into(), sample::template("x {{ client_id }}")),
                ("code".into(), sample::template("evil")),
            ],
            ..sample::oauth()
        };
        let request = exchange(
            &oauth,
            &exchange_of,
            &ClientKeys { client_id: "id", client_secret: Some(&secret) },
            &Environment::default(),
        )
        .unwrap();
        let (url, _, body) = sent(request);
        assert_eq!(url, "https://acme.example/token");
        assert_eq!(
            body,
            "grant_type=authorization_code&code=c0de&redirect_uri=https%3A%2F%2Fk%2Fcb&code_verifier=v&audience=x+id&client_id=id&client_secret=s3cret"
        );
    }

    #[test]
    fn basic_keys_are_form_encoded_first_and_json_bodies_work() {
        let (code, secret) = (SecretString::from("c0de"), SecretString::from("a:b%c+d \u{e9}"));
        let exchange_of = Exchange { code: &code, redirect_uri: "u", code_verifier: None };
        let oauth =
            OauthPlan { client_auth: ClientAuth::Basic, token_body: TokenBody::Json, ..sample::oauth() };
        let (_, authorization, body) = sent(
            exchange(
                &oauth,
                &exchange_of,
                &ClientKeys { client_id: "i d", client_secret: Some(&secret) },
                &Environment::default(),
            )
            .unwrap(),
        );
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(authorization.trim_start_matches("Basic "))
            .unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap(), "i+d:a%3Ab%25c%2Bd+%C3%A9");
        assert_eq!(body, r#"{"grant_type":"authorization_code","code":"c0de","redirect_uri":"u"}"#);
    }

    #[test]
    fn renewals_by_grant_type() {
        let (token, secret) = (SecretString::from("r3fresh"), SecretString::from("s3cret"));
        let client = ClientKeys { client_id: "id", client_secret: Some(&secret) };
        let scopes = ["a".to_owned()];
        let renewal = Renewal {
            refresh_token: Some(&token),
            credentials_json: None,
            scopes: &scopes,
            now: Timestamp::UNIX_EPOCH,
        };
        let (_, _, body) =
            sent(refresh(&sample::oauth(), &renewal, &client, &Environment::default()).unwrap());
        assert_eq!(body, "grant_type=refresh_token&refresh_token=r3fresh&client_id=id&client_secret=s3cret");
        let mut oauth = sample::oauth();
        oauth.refresh = Some(Refresh {
            grant_type: "client_credentials".into(),
            client_auth: ClientAuth::Basic,
            ..oauth.refresh.unwrap()
        });
        let (_, authorization, body) =
            sent(refresh(&oauth, &renewal, &client, &Environment::default()).unwrap());
        assert_eq!(
            (body.as_str(), authorization.is_empty()),
            ("grant_type=client_credentials&scope=a", false)
        );
        assert!(
            refresh(
                &sample::oauth(),
                &Renewal { refresh_token: None, ..renewal },
                &client,
                &Environment::default()
            )
            .is_err()
        );
    }
}
