//! One operation on the page: who calls it, what it takes, what it answers, and a call to copy.
//!
//! Knows OpenAPI operations.

use super::curl;
use super::fields::{kind, limits, resolve, table};
use super::html::{Page, inline, prose};
use serde_json::Value;

/// An operation of the document.
pub(super) struct Operation<'a> {
    /// Method in upper case.
    pub(super) method: String,
    /// Path with placeholders.
    pub(super) path: &'a str,
    /// The operation object.
    pub(super) value: &'a Value,
}

impl<'a> Operation<'a> {
    /// All operations, in the order of the document.
    pub(super) fn all(document: &'a Value) -> Vec<Self> {
        let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, value)| Self { method: method.to_ascii_uppercase(), path, value })
        });
        operations.collect()
    }

    fn string(&self, key: &str) -> &'a str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its operation id, which is its anchor.
    pub(super) fn id(&self) -> &'a str {
        self.string("operationId")
    }

    /// One line.
    pub(super) fn summary(&self) -> &'a str {
        self.string("summary")
    }

    /// Its tag.
    pub(super) fn tag(&self) -> &'a str {
        self.value.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default()
    }

    /// `METHOD path` of the operation that this one is another name of.
    pub(super) fn alias_of(&self) -> Option<&'a str> {
        self.value.get("x-keybearer-alias-of").and_then(Value::as_str)
    }

    /// Its part of the page.
    pub(super) fn write(&self, page: &mut Page, document: &Value, all: &[Operation<'_>]) {
        page.raw("<article id=\"")
            .text(self.id())
            .raw("\"><h3>")
            .text(self.summary())
            .raw("</h3><p class=\"route\">");
        self.write_route(page);
        page.raw("<span class=\"who\">").text(self.who()).raw("</span></p>");
        page.raw(&prose(self.string("description")));
        let own = format!("{} {}", self.method, self.path);
        for alias in all.iter().filter(|operation| operation.alias_of() == Some(own.as_str())) {
            page.raw("<p class=\"route alias\" id=\"").text(alias.id()).raw("\">Alias: ");
            alias.write_route(page);
            page.raw("</p>");
        }
        self.write_parameters(page, document);
        if let Some(content) = self.value.pointer("/requestBody/content/application~1json") {
            page.raw("<h4>Body</h4>");
            table(page, document, content.get("schema").unwrap_or(&Value::Null), "request");
        }
        page.raw("<h4>Example</h4><pre><code>").text(&curl::example(self, document)).raw("</code></pre>");
        self.write_more_examples(page);
        self.write_answers(page, document);
        page.raw("</article>");
    }

    fn write_route(&self, page: &mut Page) {
        page.raw("<span class=\"method ")
            .text(&self.method.to_ascii_lowercase())
            .raw("\">")
            .text(&self.method);
        page.raw("</span> <code>").text(self.path).raw("</code> ");
    }

    fn who(&self) -> &'static str {
        match self.string("x-keybearer-access") {
            "application" => "application token",
            "scoped" => "scoped token",
            "either" => "application or scoped token",
            _ => "no token",
        }
    }

    fn write_parameters(&self, page: &mut Page, document: &Value) {
        let parameters = self.value.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let own: Vec<&Value> = parameters.filter(|parameter| parameter.get("name").is_some()).collect();
        if own.is_empty() {
            return;
        }
        page.raw("<h4>Parameters</h4><table><thead><tr><th>Name</th><th>Type</th><th>Meaning</th></tr></thead><tbody>");
        for parameter in own {
            let text = |key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
            let schema = parameter.get("schema").unwrap_or(&Value::Null);
            page.raw("<tr><td><code>")
                .text(text("name"))
                .raw("</code> <span class=\"place\">")
                .text(text("in"));
            page.raw("</span>");
            if parameter.get("required") == Some(&Value::Bool(true)) {
                page.raw(" <span class=\"need\">required</span>");
            }
            page.raw("</td><td>")
                .text(&kind(document, schema, false))
                .raw("</td><td>")
                .raw(&inline(text("description")));
            page.raw(" <span class=\"limits\">").text(&limits(schema)).raw("</span></td></tr>");
        }
        page.raw("</tbody></table>");
    }

    /// Bodies beside the one in the call.
    fn write_more_examples(&self, page: &mut Page) {
        let examples = self.value.pointer("/requestBody/content/application~1json/examples");
        for example in
            examples.and_then(Value::as_object).into_iter().flat_map(|examples| examples.values()).skip(1)
        {
            page.raw("<details><summary>Body: ");
            page.text(example.get("summary").and_then(Value::as_str).unwrap_or_default()).raw("</summary>");
            page.json(example.get("value").unwrap_or(&Value::Null)).raw("</details>");
        }
    }

    fn write_answers(&self, page: &mut Page, document: &Value) {
        let responses = self.value.get("responses").and_then(Value::as_object);
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for (status, response) in responses.into_iter().flatten() {
            let (response, _) = resolve(document, response);
            let codes = response.get("x-keybearer-error-codes").and_then(Value::as_array);
            match codes {
                Some(codes) => {
                    failed.extend(codes.iter().filter_map(Value::as_str).map(|code| (status, code)));
                }
                None => good.push((status, response)),
            }
        }
        page.raw("<h4>Answers</h4>");
        for (status, response) in good {
            let description = response.get("description").and_then(Value::as_str).unwrap_or_default();
            page.raw("<p class=\"answer\"><b>")
                .text(status)
                .raw("</b> ")
                .raw(&inline(description))
                .raw("</p>");
            for (media, content) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
                let schema = content.get("schema").unwrap_or(&Value::Null);
                if media != "application/json" {
                    page.raw("<p class=\"answer\">Body: <code>").text(media).raw("</code></p>");
                    continue;
                }
                table(page, document, schema, "response");
                if let Some(example) = curl::schema_example(document, schema) {
                    page.raw("<details><summary>Example answer</summary>").json(example).raw("</details>");
                }
            }
        }
        if failed.is_empty() {
            return;
        }
        page.raw("<details><summary>Errors</summary><table><tbody>");
        for (status, code) in failed {
            let meaning =
                document.pointer(&format!("/components/examples/{code}/summary")).and_then(Value::as_str);
            page.raw("<tr><td>")
                .text(status)
                .raw("</td><td><a href=\"#error-")
                .text(code)
                .raw("\"><code>")
                .text(code);
            page.raw("</code></a></td><td>").raw(&inline(meaning.unwrap_or_default())).raw("</td></tr>");
        }
        page.raw("</tbody></table></details>");
    }
}
