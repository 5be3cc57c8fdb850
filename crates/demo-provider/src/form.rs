//! Parameters of a query or a form body, with the OAuth rules about them: no duplicates, empty counts as absent
//! (RFC 6749 §3.1, §3.2). It knows no parameter by name.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use url::form_urlencoded;

#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Parameters of a request body; the error says what is wrong with the body.
    pub(crate) fn of_body(headers: &HeaderMap, body: &[u8]) -> Result<Self, &'static str> {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err("the body must be application/x-www-form-urlencoded");
        }
        let form = Self(form_urlencoded::parse(body).into_owned().collect());
        if form.repeated().is_some() { Err("a parameter appears twice") } else { Ok(form) }
    }

    /// The parameter's value; `None` when it is absent or empty. The first one counts where it is repeated.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// A parameter name that appears more than once.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| self.repeats(name))
    }

    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(key, _)| key == name).count() > 1
    }
}
