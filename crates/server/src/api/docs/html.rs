//! Text to HTML, escaped.
//!
//! Knows the five characters that mean something in HTML, and the two marks of our prose: backticks and empty lines.

use serde_json::Value;

/// A page in the making.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Markup of our own.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A text, escaped; fit for content and for quoted attributes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&escape(text));
        self
    }

    /// A JSON value as a block.
    pub(super) fn json(&mut self, value: &Value) -> &mut Self {
        self.raw("<pre><code>").text(&format!("{value:#}")).raw("</code></pre>")
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A text in which nothing is markup.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// One line of prose: what stands between backticks becomes code. An odd backtick stays as it is.
pub(super) fn inline(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let whole = parts.len() % 2 == 1;
    let mut out = String::new();
    for (position, part) in parts.iter().enumerate() {
        match position {
            0 => out.push_str(&escape(part)),
            odd if odd % 2 == 1 && (whole || odd + 1 < parts.len()) => {
                out.push_str("<code>");
                out.push_str(&escape(part));
                out.push_str("</code>");
            }
            odd if odd % 2 == 1 => {
                out.push('`');
                out.push_str(&escape(part));
            }
            _ => out.push_str(&escape(part)),
        }
    }
    out
}

/// Prose: empty lines part paragraphs.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::new();
    for part in text.split("\n\n").filter(|part| !part.trim().is_empty()) {
        out.push_str("<p>");
        out.push_str(&inline(part));
        out.push_str("</p>");
    }
    out
}
