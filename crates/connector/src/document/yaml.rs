//! From YAML text to a tree, within budgets.
//!
//! Knows YAML events, anchors and aliases. Must not know what a definition is.
//! Refused: tags, several documents, merge keys, keys that are no scalars, duplicate keys.

use super::node::{Entry, Mapping, Node, Value};
use super::problem::{Problem, Severity};
use super::scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use std::collections::HashMap;

/// Largest source in bytes.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;
/// Deepest nesting.
pub const MAX_DEPTH: usize = 64;
/// Most values after aliases are expanded.
pub const MAX_NODES: usize = 500_000;

/// How much of a document is read.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Largest source in bytes.
    pub(super) bytes: usize,
    /// Deepest nesting.
    pub(super) depth: usize,
    /// Most values after aliases are expanded.
    pub(super) nodes: usize,
}

/// A definition's limits.
const DEFINITION: Limits = Limits { bytes: MAX_SOURCE_BYTES, depth: MAX_DEPTH, nodes: MAX_NODES };

/// Reads one YAML document.
///
/// Errors: the syntax error where the parser stopped, or every duplicate key, tag and the like that was found.
pub fn parse(source: &str) -> Result<Node, Vec<Problem>> {
    parse_within(source, DEFINITION)
}

/// [`parse`] with other limits.
pub(super) fn parse_within(source: &str, limits: Limits) -> Result<Node, Vec<Problem>> {
    let mut builder = Builder::new(source, limits)?;
    builder.expect_document()?;
    let node = match builder.next()? {
        (Event::DocumentEnd, span) => builder.empty(span),
        (event, span) => builder.node(event, span, 0)?.node,
    };
    builder.expect_end()?;
    if builder.problems.is_empty() { Ok(node) } else { Err(builder.problems) }
}

/// The value of one root key, read without building the rest. `None` where it is absent or the text is not YAML.
pub(super) fn peek(source: &str, wanted: &str) -> Option<Node> {
    let mut builder = Builder::new(source, DEFINITION).ok()?;
    builder.expect_document().ok()?;
    let (Event::MappingStart(..), _) = builder.next().ok()? else { return None };
    loop {
        let (Event::Scalar(key, ..), _) = builder.next().ok()? else { return None };
        let found = key == wanted;
        let (event, span) = builder.next().ok()?;
        if found {
            return Some(builder.node(event, span, 1).ok()?.node);
        }
        builder.skip(event).ok()?;
    }
}

/// A built value with what an alias to it costs.
#[derive(Clone)]
struct Built {
    node: Node,
    nodes: usize,
    height: usize,
}

struct Builder<'s> {
    last_line: usize,
    parser: Parser<'s, StrInput<'s>>,
    limits: Limits,
    anchors: HashMap<usize, Built>,
    nodes: usize,
    problems: Vec<Problem>,
}

type Step<T> = Result<T, Vec<Problem>>;

impl<'s> Builder<'s> {
    fn new(source: &'s str, limits: Limits) -> Step<Self> {
        if source.len() > limits.bytes {
            let message = format!("the file has {} bytes; at most {} are read", source.len(), limits.bytes);
            return Err(vec![problem((1, 1), message, None)]);
        }
        let parser = Parser::new_from_str(source.strip_prefix('\u{feff}').unwrap_or(source));
        Ok(Self {
            last_line: lines(source),
            parser,
            limits,
            anchors: HashMap::new(),
            nodes: 0,
            problems: Vec::new(),
        })
    }

    fn next(&mut self) -> Step<(Event<'s>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let place = (error.marker().line().min(self.last_line), error.marker().col() + 1);
                self.fail(place, format!("not valid YAML: {}", error.info()), None)
            }
            None => self.fail((1, 1), "the file ends too early".to_owned(), None),
        }
    }

    /// Stops here; mistakes found before come first.
    fn fail<T>(&mut self, place: (usize, usize), message: String, suggestion: Option<String>) -> Step<T> {
        let mut problems = std::mem::take(&mut self.problems);
        problems.push(problem(place, message, suggestion));
        Err(problems)
    }

    /// Line and column, from 1. The parser ends a last line that the file does not, and then stands one line further down.
    fn place(&self, span: Span) -> (usize, usize) {
        (span.start.line().min(self.last_line), span.start.col() + 1)
    }

    fn empty(&self, span: Span) -> Node {
        let (line, column) = self.place(span);
        Node { value: Value::Null, line, column }
    }

    fn expect_document(&mut self) -> Step<()> {
        loop {
            match self.next()? {
                (Event::StreamStart, _) => {}
                (Event::DocumentStart(_), _) => return Ok(()),
                (_, span) => return self.fail(self.place(span), "the file is empty".to_owned(), None),
            }
        }
    }

    fn expect_end(&mut self) -> Step<()> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), span) => {
                    let hint = Some("put each definition into a file of its own".to_owned());
                    return self.fail(
                        self.place(span),
                        "a second YAML document begins here".to_owned(),
                        hint,
                    );
                }
                _ => {}
            }
        }
    }

    fn count(&mut self, span: Span, nodes: usize) -> Step<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            let message = format!("more than {} values with aliases expanded", self.limits.nodes);
            return self.fail(self.place(span), message, None);
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'s>, span: Span, depth: usize) -> Step<Built> {
        if depth > self.limits.depth {
            return self.fail(
                self.place(span),
                format!("nested deeper than {} levels", self.limits.depth),
                None,
            );
        }
        self.count(span, 1)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                let value = self.scalar(&text, style, span);
                self.keep(anchor, value, span, 1, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.sequence(anchor, span, depth)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span);
                self.mapping(anchor, span, depth)
            }
            Event::Alias(anchor) => self.alias(anchor, span, depth),
            _ => self.fail(self.place(span), "a value is missing here".to_owned(), None),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Value {
        if style != ScalarStyle::Plain {
            return Value::String(text.to_owned());
        }
        scalar::resolve(text).unwrap_or_else(|why| {
            self.problems.push(problem(self.place(span), format!("{text}: {why}"), None));
            Value::Null
        })
    }

    fn keep(&mut self, anchor: usize, value: Value, span: Span, nodes: usize, height: usize) -> Step<Built> {
        let (line, column) = self.place(span);
        let built = Built { node: Node { value, line, column }, nodes, height };
        if anchor > 0 {
            // The kept copy counts: anchors inside anchors must not multiply memory either.
            self.count(span, nodes)?;
            self.anchors.insert(anchor, built.clone());
        }
        Ok(built)
    }

    fn sequence(&mut self, anchor: usize, span: Span, depth: usize) -> Step<Built> {
        let (mut items, mut nodes, mut height) = (Vec::new(), 1, 0);
        loop {
            let (event, item_span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return self.keep(anchor, Value::Sequence(items), span, nodes, height);
            }
            let item = self.node(event, item_span, depth + 1)?;
            nodes += item.nodes;
            height = height.max(item.height + 1);
            items.push(item.node);
        }
    }

    fn mapping(&mut self, anchor: usize, span: Span, depth: usize) -> Step<Built> {
        let (mut mapping, mut nodes, mut height) = (Mapping::default(), 1, 0);
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return self.keep(anchor, Value::Mapping(mapping), span, nodes, height);
            }
            let key = self.key(event, key_span)?;
            let (event, value_span) = self.next()?;
            let built = self.node(event, value_span, depth + 1)?;
            nodes += built.nodes;
            height = height.max(built.height + 1);
            let (line, column) = self.place(key_span);
            let shown = key.clone();
            if let Err(first) = mapping.insert(key, Entry { line, column, value: built.node }) {
                let message = format!("the key {shown:?} stands twice; first on line {}", first.line);
                self.problems.push(problem((line, column), message, Some("remove one of them".to_owned())));
            }
        }
    }

    fn key(&mut self, event: Event<'s>, span: Span) -> Step<String> {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<" => {
                let hint = Some("write the keys out, or use an alias for the whole value".to_owned());
                self.problems.push(problem(self.place(span), "YAML 1.2 has no merge keys".to_owned(), hint));
                Ok(text.into_owned())
            }
            Event::Scalar(text, _, _, tag) => {
                self.refuse_tag(tag.is_some(), span);
                Ok(text.into_owned())
            }
            _ => self.fail(self.place(span), "a key must be text".to_owned(), None),
        }
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Step<Built> {
        let Some(built) = self.anchors.get(&anchor) else {
            return self.fail(self.place(span), "an alias stands inside its own anchor".to_owned(), None);
        };
        let (nodes, height) = (built.nodes, built.height);
        self.count(span, nodes)?;
        if depth + height > self.limits.depth {
            return self.fail(
                self.place(span),
                format!("nested deeper than {} levels", self.limits.depth),
                None,
            );
        }
        match self.anchors.get(&anchor) {
            Some(built) => Ok(built.clone()),
            None => self.fail(self.place(span), "an alias without an anchor".to_owned(), None),
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            let hint = Some("remove the tag".to_owned());
            self.problems.push(problem(self.place(span), "YAML tags are not accepted".to_owned(), hint));
        }
    }

    fn skip(&mut self, event: Event<'s>) -> Step<()> {
        let mut open = 0usize;
        let mut event = event;
        loop {
            match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => open += 1,
                Event::MappingEnd | Event::SequenceEnd => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return Ok(());
            }
            event = self.next()?.0;
        }
    }
}

/// Lines of a text: YAML breaks them at `\n`, `\r` and `\r\n`.
fn lines(source: &str) -> usize {
    let breaks = source.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    1 + breaks - source.matches("\r\n").count()
}

fn problem((line, column): (usize, usize), message: String, suggestion: Option<String>) -> Problem {
    Problem { severity: Severity::Error, line, column, pointer: String::new(), message, suggestion }
}
