//! Matches a filled form against a definition's ways to authenticate.
//!
//! Knows required fields and mappings. Must not keep or print what was given.

use super::fault::ParamError;
use super::json;
use crate::plan::{AuthField, Credential, Plan, Scheme, SchemeKind};
use crate::spelling;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::{Map, Value};

/// No scheme fits, or several do. Lists the schemes and their fields, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MatchFault {
    /// What was wrong and what would be right.
    pub message: String,
    /// Single fields that are missing or wrong, when a scheme was named or only one exists. Pointers begin at the form.
    pub errors: Vec<ParamError>,
}

/// Keys that an OAuth 2 credential may bring even if the form does not show them (imported tokens).
const OAUTH_KEYS: [&str; 5] =
    ["access_token", "refresh_token", "client_id", "client_secret", "credentials_json"];
/// Beside the form: when an imported access token ends.
const BESIDE: &str = "expires_at";

/// Chooses the scheme (the named one, else the only one whose required fields are given) and maps the form to a credential.
pub fn match_scheme(
    plan: &Plan,
    auth_scheme: Option<&str>,
    given: &Map<String, Value>,
) -> Result<(String, Credential), MatchFault> {
    let scheme = match auth_scheme {
        Some(name) => plan.scheme(name).ok_or_else(|| MatchFault {
            message: spelling::unknown(
                "auth_scheme",
                name,
                plan.schemes.iter().map(|scheme| scheme.name.as_str()),
            ),
            errors: vec![],
        })?,
        None => choose(plan, given)?,
    };
    let errors = wrong_fields(scheme, given);
    if !errors.is_empty() {
        let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
        return Err(MatchFault { message: format!("{message}. {}", listed(plan)), errors });
    }
    Ok((scheme.name.clone(), map(scheme, given)))
}

fn choose<'a>(plan: &'a Plan, given: &Map<String, Value>) -> Result<&'a Scheme, MatchFault> {
    let fits: Vec<&Scheme> = plan.schemes.iter().filter(|scheme| is_complete(scheme, given)).collect();
    // One that knows every given field beats one that would ignore some.
    let knows_all = |scheme: &&Scheme| given.keys().all(|name| name == BESIDE || is_field(scheme, name));
    let whole: Vec<&Scheme> = fits.iter().copied().filter(knows_all).collect();
    match (fits.as_slice(), whole.as_slice(), plan.schemes.as_slice()) {
        ([only], _, _) | (_, [only], _) => Ok(only),
        ([], _, [only]) => Ok(only),
        ([], _, _) => Err(MatchFault {
            message: format!("the credentials fit no way to authenticate. {}", listed(plan)),
            errors: vec![],
        }),
        (several, _, _) => {
            let names = several.iter().map(|scheme| scheme.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(MatchFault {
                message: format!(
                    "the credentials fit several ways to authenticate; name one in \"auth_scheme\": {names}"
                ),
                errors: vec![],
            })
        }
    }
}

fn is_given(given: &Map<String, Value>, name: &str) -> bool {
    given.get(name).is_some_and(|value| !json::is_blank(value) && !matches!(value, Value::Array(_)))
}

fn is_complete(scheme: &Scheme, given: &Map<String, Value>) -> bool {
    scheme.fields.iter().filter(|field| field.required).all(|field| is_given(given, &field.name))
}

fn is_field(scheme: &Scheme, name: &str) -> bool {
    let oauth = matches!(scheme.kind, SchemeKind::Oauth2(_)) && OAUTH_KEYS.contains(&name);
    oauth || scheme.fields.iter().any(|field| field.name == name)
}

fn wrong_fields(scheme: &Scheme, given: &Map<String, Value>) -> Vec<ParamError> {
    let error = |name: &str, code, message: String| ParamError {
        pointer: format!("/{name}"),
        ..ParamError::new(name, code, message)
    };
    let missing = scheme.fields.iter().filter(|field| field.required && !is_given(given, &field.name));
    let missing = missing.map(|field| error(&field.name, "missing", format!("{:?} is required", field.name)));
    let unusable = given.iter().filter(|(name, value)| is_field(scheme, name) && is_unusable(name, value));
    missing
        .chain(
            unusable
                .map(|(name, _)| error(name, "type", format!("{name:?} must be text without line breaks"))),
        )
        .collect()
}

/// `credentials_json` may be given as the object itself, and holds line breaks.
fn is_unusable(name: &str, value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(_) => name != "credentials_json",
        Value::String(text) => name != "credentials_json" && text.chars().any(char::is_control),
        _ => false,
    }
}

/// Mapped keys, then fields that only headers use.
fn map(scheme: &Scheme, given: &Map<String, Value>) -> Credential {
    let mut values = IndexMap::new();
    for (key, template) in &scheme.mapping {
        if let Some(text) = fill(template, scheme, given) {
            values.insert(key.clone(), SecretString::from(text));
        }
    }
    for (name, value) in given {
        let free = is_field(scheme, name) && !values.contains_key(name);
        if free && is_given(given, name) {
            values.insert(name.clone(), SecretString::from(json::text(value)));
        }
    }
    Credential { values }
}

/// `${field}` replaced; none when a field is absent, so that an optional key is left out.
fn fill(template: &str, scheme: &Scheme, given: &Map<String, Value>) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("${").and_then(|(before, inside)| Some((before, inside.split_once('}')?)))
    {
        text.push_str(before);
        let value = given
            .get(name)
            .filter(|_| is_given(given, name) && scheme.fields.iter().any(|field| field.name == name));
        text.push_str(&json::text(value?));
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// Every scheme with its fields.
fn listed(plan: &Plan) -> String {
    let schemes = plan.schemes.iter().map(|scheme| {
        let names = |required: bool| {
            scheme
                .fields
                .iter()
                .filter(move |field: &&AuthField| field.required == required)
                .map(|field| field.name.clone())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let parts: Vec<String> = [("required", names(true)), ("optional", names(false))]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {names}"))
            .collect();
        if parts.is_empty() {
            format!("{} (no fields)", scheme.name)
        } else {
            format!("{} ({})", scheme.name, parts.join("; "))
        }
    });
    format!("Accepted: {}", schemes.collect::<Vec<_>>().join(", or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::sample;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn field(name: &str, required: bool) -> AuthField {
        AuthField {
            name: name.into(),
            required,
            secret: true,
            title: None,
            description: None,
            format: None,
            pattern: None,
        }
    }

    fn scheme(name: &str, kind: SchemeKind, fields: &[(&str, bool)], mapping: &[(&str, &str)]) -> Scheme {
        Scheme {
            name: name.into(),
            kind,
            fields: fields.iter().map(|(name, required)| field(name, *required)).collect(),
            mapping: mapping
                .iter()
                .map(|(key, template)| ((*key).to_owned(), (*template).to_owned()))
                .collect(),
            headers: vec![],
        }
    }

    fn plan() -> Plan {
        let mut plan = sample::plan(Vec::new());
        plan.schemes = vec![
            scheme("pat", SchemeKind::Bearer, &[("access_token", true)], &[("token", "${access_token}")]),
            scheme(
                "oauth",
                SchemeKind::Oauth2(Box::new(sample::oauth())),
                &[
                    ("access_token", true),
                    ("refresh_token", true),
                    ("client_id", true),
                    ("client_secret", true),
                ],
                &[("access_token", "${access_token}"), ("refresh_token", "${refresh_token}")],
            ),
            scheme(
                "basic",
                SchemeKind::Basic,
                &[("email", true), ("api_token", true), ("site", false)],
                &[("username", "${email}/token"), ("password", "${api_token}"), ("extra", "${site}")],
            ),
        ];
        plan
    }

    fn matched(name: Option<&str>, given: &Value) -> Result<(String, Vec<String>), String> {
        let (name, credential) =
            match_scheme(&plan(), name, given.as_object().unwrap()).map_err(|fault| fault.message)?;
        Ok((
            name,
            credential.values.iter().map(|(key, value)| format!("{key}={}", value.expose_secret())).collect(),
        ))
    }

    #[test]
    fn the_one_that_fits_is_chosen_and_mapped() {
        let (name, values) = matched(None, &json!({"email": "a@b", "api_token": "t"})).unwrap();
        assert_eq!(
            (name.as_str(), values.join(" ").as_str()),
            ("basic", "username=a@b/token password=t email=a@b api_token=t")
        );
        assert_eq!(matched(None, &json!({"access_token": "t"})).unwrap().0, "pat");
        let all = json!({"access_token": "t", "refresh_token": "r", "client_id": "i", "client_secret": "s", "expires_at": "x"});
        assert_eq!(matched(None, &all).unwrap().0, "oauth");
    }

    #[test]
    fn faults_list_the_schemes_and_no_value() {
        let message = matched(None, &json!({"email": "secret-mail"})).unwrap_err();
        assert!(
            message.contains("basic (required: email, api_token; optional: site)")
                && !message.contains("secret-mail"),
            "{message}"
        );
        let mut plan = plan();
        plan.schemes = vec![
            scheme("oauth", SchemeKind::Bearer, &[("access_token", false)], &[]),
            scheme("none", SchemeKind::Bearer, &[], &[]),
        ];
        assert_eq!(listed(&plan), "Accepted: oauth (optional: access_token), or none (no fields)");
        assert!(matched(Some("basik"), &json!({})).unwrap_err().contains("did you mean \"basic\""));
        assert!(
            matched(Some("basic"), &json!({"email": "a", "api_token": "x\ny"}))
                .unwrap_err()
                .contains("line breaks")
        );
    }
}
