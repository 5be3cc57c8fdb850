//! `GET /docs`: the document of `/openapi.json` as a page for people.
//!
//! Knows how a page is put together from the document. Must not know operations: what is not in the document is not on
//! the page. One page, no script, nothing loaded from elsewhere; every text is escaped.

mod curl;
mod fields;
mod html;
mod operation;
#[cfg(test)]
mod tests;

use super::{Answer, openapi, pages};
use axum::response::{Html, IntoResponse};
use html::{Page, prose};
use operation::Operation;
use serde_json::Value;
use std::sync::OnceLock;

/// Read this description as a page
///
/// For people; rendered by the server, without scripts.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "Pages",
    operation_id = "getDocs",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(super) async fn page() -> Answer {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(|| render(openapi::document()));
    Ok((pages::headers(), Html(page.as_str())).into_response())
}

/// The whole page.
fn render(document: &Value) -> String {
    let operations = Operation::all(document);
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mut page = Page::default();
    page.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
        .text(text("/info/title"));
    page.raw(" API</title><style>").raw(include_str!("docs/style.css")).raw("</style></head><body>");
    contents(&mut page, document, &operations);
    page.raw("<main><header><h1>").text(text("/info/title")).raw(" API <small>").text(text("/info/version"));
    page.raw("</small></h1>").raw(&prose(text("/info/description")));
    page.raw("<p>The document behind this page: <a href=\"/openapi.json\">/openapi.json</a> (OpenAPI ");
    page.text(text("/openapi"))
        .raw(").</p><p>In the examples, <code>$KEYBEARER_URL</code> is the address of this server, ");
    page.raw(
        "such as <code>http://localhost:8000</code>, and <code>$TOKEN</code> a bearer token.</p></header>",
    );
    for tag in tags(document) {
        let name = tag.get("name").and_then(Value::as_str).unwrap_or_default();
        page.raw("<section class=\"tag\"><h2 id=\"").text(&anchor(name)).raw("\">").text(name).raw("</h2>");
        page.raw(&prose(tag.get("description").and_then(Value::as_str).unwrap_or_default()));
        for operation in
            operations.iter().filter(|operation| operation.tag() == name && operation.alias_of().is_none())
        {
            operation.write(&mut page, document, &operations);
        }
        page.raw("</section>");
    }
    errors(&mut page, document);
    page.raw("</main></body></html>");
    page.finish()
}

/// Table of contents, by tag.
fn contents(page: &mut Page, document: &Value, operations: &[Operation<'_>]) {
    page.raw("<nav><p class=\"brand\">Keybearer</p>");
    for tag in tags(document) {
        let name = tag.get("name").and_then(Value::as_str).unwrap_or_default();
        page.raw("<p><a href=\"#").text(&anchor(name)).raw("\">").text(name).raw("</a></p><ul>");
        for operation in
            operations.iter().filter(|operation| operation.tag() == name && operation.alias_of().is_none())
        {
            page.raw("<li><a href=\"#")
                .text(operation.id())
                .raw("\">")
                .text(operation.summary())
                .raw("</a></li>");
        }
        page.raw("</ul>");
    }
    page.raw("<p><a href=\"#errors\">Errors</a></p></nav>");
}

/// Every error code with its meaning and a body.
fn errors(page: &mut Page, document: &Value) {
    page.raw("<section class=\"tag\"><h2 id=\"errors\">Errors</h2><p>Every failure has this body; programs act on ");
    page.raw("<code>error_code</code>.</p>");
    if let Some(schema) = document.pointer("/components/schemas/ErrorBody") {
        fields::table(page, document, schema, "response");
    }
    let examples = document.pointer("/components/examples").and_then(Value::as_object);
    for (code, example) in examples.into_iter().flatten() {
        page.raw("<details id=\"error-").text(code).raw("\"><summary><code>").text(code).raw("</code> ");
        page.raw(&html::inline(example.get("summary").and_then(Value::as_str).unwrap_or_default()))
            .raw("</summary>");
        page.json(example.get("value").unwrap_or(&Value::Null)).raw("</details>");
    }
    page.raw("</section>");
}

fn tags(document: &Value) -> impl Iterator<Item = &Value> {
    document.get("tags").and_then(Value::as_array).into_iter().flatten()
}

fn anchor(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    format!("tag-{}", plain.collect::<String>())
}
