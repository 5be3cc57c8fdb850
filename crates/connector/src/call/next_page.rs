//! Follows the provider's link to the next page, where that link itself is the cursor.
//!
//! Knows which URLs are still the same operation. Must not know how a link is found. A cursor comes back from the
//! caller, so what stands in it is the caller's word: it must not lead to another operation of the provider.

use super::encode;
use super::request::resolve;
use super::target::Target;
use crate::plan::{NextCursor, Operation, PathTemplate};
use http::Method;
use url::Url;

/// The shortest locator of a stored result that may follow the operation's path. Ids and verbs (`7`, `me`, `delete`)
/// are shorter; Salesforce's have more than 20 characters.
const LOCATOR_MIN: usize = 16;

/// The URL of the next page: absolute, or relative to the base. None when it is not the operation itself: another
/// method than GET or HEAD, another origin, or another path.
///
/// The path must be the operation's own, below the base. Placeholders stand for any value there: the caller could have
/// given it as a parameter. A format (`.json`) or a slash may follow, and where the link comes from the body one
/// segment with the locator of a stored result (`/query/01gD0000002HU6KIAW-2000`).
pub(super) fn follow(operation: &Operation, target: &Target, link: &str) -> Option<Url> {
    if !matches!(operation.method, Method::GET | Method::HEAD) {
        return None;
    }
    let url = resolve(target, link)?;
    let path = url.path().strip_prefix(target.base.path().trim_end_matches('/'))?;
    let located = operation.paging.as_ref().is_some_and(|paging| matches!(paging.next, NextCursor::Url(_)));
    let fits = target.is_own_origin(&url)
        && url.fragment().is_none()
        && (is_path_of(&operation.path, path) || (located && is_locator_of(&operation.path, path)));
    fits.then_some(url)
}

/// The operation's path, and one more segment of unreserved characters.
fn is_locator_of(template: &PathTemplate, path: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    path.rsplit_once('/').is_some_and(|(before, locator)| {
        !before.ends_with('/')
            && locator.len() >= LOCATOR_MIN
            && locator.bytes().all(unreserved)
            && is_path_of(template, before)
    })
}

/// `/contacts`, `/contacts/`, `/contacts.json` for `/contacts`; a placeholder is one segment that leads nowhere else.
fn is_path_of(template: &PathTemplate, path: &str) -> bool {
    template.values_in(path).is_some_and(|values| !values.into_iter().any(encode::climbs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Environment, sample};
    use crate::plan::{Action, JsonPath, Paging};

    const QUERY: &str = "https://api.acme.example/services/data/v59.0";

    fn followed(next: NextCursor, path: &str, link: &str) -> Option<String> {
        let mut plan = sample::plan(Vec::new());
        QUERY.clone_into(&mut plan.server.url);
        let target = Target::new(&plan, &Environment::default()).unwrap();
        let mut operation = sample::operation(Action::List, Method::GET, path);
        operation.paging =
            Some(Paging { cursor_param: None, limit_param: None, next, has_more: None, default_limit: None });
        let url = follow(&operation, &target, link).map(|url| url.to_string());
        operation.method = Method::POST;
        assert_eq!(follow(&operation, &target, link), None, "POST {link}");
        url
    }

    fn body() -> NextCursor {
        NextCursor::Url(JsonPath::parse("$.next").unwrap())
    }

    #[test]
    fn the_operation_itself_is_followed() {
        for (path, link) in [
            ("/query", "/services/data/v59.0/query/01gD0000002HU6KIAW-2000"),
            ("/query/", "/services/data/v59.0/query/01gD0000002HU6KIAW-2000"),
            ("/query", "/services/data/v59.0/query?after=%2Fadmin"),
            ("/query", "query?after=1"),
            ("/query", "https://api.acme.example/services/data/v59.0/query.json?page=2"),
            ("/query.json", "https://api.acme.example/services/data/v59.0/query.json?page=2"),
            ("/accounts/{id}/calls", "/services/data/v59.0/accounts/AC1/calls?Page=1"),
            ("/projects/{id}/issues", "/services/data/v59.0/projects/a%2Fb/issues/?page=2"),
        ] {
            assert!(followed(body(), path, link).is_some(), "{path} {link}");
        }
        assert!(
            followed(NextCursor::Link("next".into()), "/query", "/services/data/v59.0/query?page=2")
                .is_some()
        );
        let locator = "/services/data/v59.0/query/01gD0000002HU6KIAW-2000";
        assert_eq!(followed(NextCursor::Link("next".into()), "/query", locator), None);
    }

    #[test]
    fn nothing_else_is() {
        for link in [
            "/admin/users/7/delete",
            "/services/data/v59.0/admin/users/7/delete",
            "/services/data/v59.0/query/7",
            "/services/data/v59.0/query/7/delete",
            "/services/data/v59.0/query/01gD0000002HU6KIAW-2000/delete",
            "/services/data/v59.0/query//01gD0000002HU6KIAW-2000",
            "/services/data/v59.0/query/../sobjects/0123456789abcdef",
            "/services/data/v59.0/query/%2e%2e/0123456789abcdef",
            "/services/data/v59.0/query/..%2f..%2fadmin%2fusers",
            "/services/data/v59.0/queryAll",
            "/services/data/v59.0/queryAll/01gD0000002HU6KIAW-2000",
            "/services/data/v59.0/query;x=/01gD0000002HU6KIAW",
            "/services/data/v60.0/query",
            "/query",
            "/",
            "",
            "?after=1",
            "https://evil.example/services/data/v59.0/query",
            "http://api.acme.example/services/data/v59.0/query",
            "https://u@api.acme.example/services/data/v59.0/query",
            "/services/data/v59.0/query#x",
            "/services/data/v59.0\\query",
        ] {
            assert_eq!(followed(body(), "/query", link), None, "{link}");
        }
        for link in [
            "accounts/../calls",
            "accounts/%2e%2e/calls",
            "accounts/..%2f..%2fadmin/calls",
            "accounts//calls",
        ] {
            assert_eq!(followed(body(), "/accounts/{id}/calls", link), None, "{link}");
        }
    }
}
