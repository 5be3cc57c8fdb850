//! JSON paths of the subset that definitions use: names, `[n]`, `[*]`.
//!
//! Knows the path's steps. Must not know what the matched value is for.

/// A compiled path: `$.results[0].items[*].id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    /// Steps from the root; empty is `$`.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Member of that name.
    Name(String),
    /// Element at that index.
    Index(usize),
    /// Every element of an array or every value of an object.
    Every,
}

impl JsonPath {
    /// Reads a path. Errors say what is not part of the subset.
    ///
    /// Accepted: `$`, `.name` (letters, digits, `_`, `-`), `['any name']`, `[n]`, `[*]`, `.*`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(mut rest) = text.strip_prefix('$') else {
            return Err(format!("the path {text:?} must start with $"));
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest).map_err(|why| format!("{why} in the path {text:?}"))?;
            steps.push(step);
            rest = after;
        }
        Ok(Self { steps })
    }

    /// The last member name, if the path has one.
    pub fn last_name(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Reads one step; gives it and what comes after.
fn step(rest: &str) -> Result<(Step, &str), &'static str> {
    if rest.starts_with("..") {
        return Err("recursive descent (..) is not supported");
    }
    if let Some(after) = rest.strip_prefix(".*") {
        return Ok((Step::Every, after));
    }
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        if name.is_empty() {
            return Err("a name is missing after the dot");
        }
        return Ok((Step::Name(name.to_owned()), after));
    }
    let Some(inside) = rest.strip_prefix('[') else {
        return Err("a step must start with . or [");
    };
    if let Some(quote) = inside.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let quoted = inside.get(1..).unwrap_or_default();
        let Some((name, after)) = quoted.split_once(quote) else {
            return Err("a quote is not closed");
        };
        let after = after.strip_prefix(']').ok_or("only one quoted name may stand in brackets")?;
        return Ok((Step::Name(name.to_owned()), after));
    }
    let Some((selector, after)) = inside.split_once(']') else {
        return Err("a bracket is not closed");
    };
    if selector == "*" {
        return Ok((Step::Every, after));
    }
    if selector.contains(['?', ':', ',']) {
        return Err("filters, slices and unions are not supported");
    }
    match selector.parse() {
        Ok(index) => Ok((Step::Index(index), after)),
        Err(_) => Err("an index must be a whole number from 0, or *"),
    }
}

impl std::fmt::Display for JsonPath {
    /// The path as `parse` reads it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("$")?;
        for step in &self.steps {
            match step {
                Step::Name(name)
                    if !name.is_empty()
                        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') =>
                {
                    write!(f, ".{name}")?;
                }
                Step::Name(name) if name.contains('\'') => write!(f, "[\"{name}\"]")?,
                Step::Name(name) => write!(f, "['{name}']")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_subset() {
        let path = JsonPath::parse("$.results[0].items[*].id").unwrap();
        let name = |text: &str| Step::Name(text.to_owned());
        assert_eq!(path.steps, [name("results"), Step::Index(0), name("items"), Step::Every, name("id")]);
        assert_eq!(JsonPath::parse("$").unwrap().steps, []);
        assert_eq!(JsonPath::parse("$['@odata.nextLink']").unwrap().steps, [name("@odata.nextLink")]);
        assert_eq!(JsonPath::parse("$[*][*]").unwrap().steps, [Step::Every, Step::Every]);
        assert_eq!(JsonPath::parse("$.a[''].i").unwrap().to_string(), "$.a[''].i");
    }

    #[test]
    fn says_what_is_not_supported() {
        for (text, part) in [
            ("results", "must start with $"),
            ("$..id", "recursive descent"),
            ("$.a[?(@.b)]", "filters"),
            ("$.a[1:2]", "slices"),
            ("$.a[-1]", "whole number"),
            ("$.a[0", "not closed"),
            ("$.", "name is missing"),
            ("$a", "must start with . or ["),
            ("$['a", "not closed"),
        ] {
            let error = JsonPath::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\$?[\\PC]{0,24}") {
            let _ = JsonPath::parse(&text);
        }

        #[test]
        fn what_is_shown_reads_back(text in "\\$(\\.[a-z_]{1,5}|\\[[0-9]{1,3}\\]|\\[\\*\\]){0,6}") {
            let path = JsonPath::parse(&text).unwrap();
            proptest::prop_assert_eq!(JsonPath::parse(&path.to_string()).unwrap(), path);
        }
    }
}
