//! What the reader of YAML refuses, and where.

use super::super::{MAX_NODES, MAX_SOURCE_BYTES, parse};

fn first(source: &str) -> (usize, usize, String) {
    let problems = parse(source).unwrap_err();
    let problem = problems.into_iter().next().unwrap();
    (problem.line, problem.column, problem.message)
}

#[test]
fn positions() {
    let root = parse("a: 1\nb:\n  - x\n  - {c: yes}\n").unwrap();
    let list = root.get("b").unwrap().as_sequence().unwrap();
    assert_eq!((list[0].line, list[0].column), (3, 5));
    assert_eq!((list[1].get("c").unwrap().line, list[1].get("c").unwrap().column), (4, 9));
    let entry = root.as_mapping().unwrap().entry("b").unwrap();
    assert_eq!((entry.line, entry.column), (2, 1));
    assert_eq!(root.to_json().to_string(), r#"{"a":1,"b":["x",{"c":"yes"}]}"#);
}

#[test]
fn anchors_are_expanded() {
    let root = parse("a: &x {k: [1, 2]}\nb: *x\n").unwrap();
    assert_eq!(root.get("b").unwrap().to_json().to_string(), r#"{"k":[1,2]}"#);
}

#[test]
fn refusals() {
    let cases = [
        ("a: 1\nb: 2\na: 3\n", 3, "stands twice; first on line 1"),
        ("a: !!str 1\n", 1, "tags are not accepted"),
        ("a: 1\n---\nb: 2\n", 2, "second YAML document"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", 3, "no merge keys"),
        ("a:\n  b: [1\nc: 2\n", 3, "not valid YAML"),
        ("a: *nowhere\n", 1, "not valid YAML"),
        ("a: &x [*x]\n", 1, "inside its own anchor"),
        ("? [a]\n: b\n", 1, "a key must be text"),
        ("a: .nan\n", 1, "no place in JSON"),
        ("a: @b\n", 1, "not valid YAML"),
    ];
    for (source, line, message) in cases {
        let (found_line, _, found) = first(source);
        assert!(found_line == line && found.contains(message), "{source:?}: line {found_line}: {found}");
    }
    assert!(first("").2.contains("empty"));
}

#[test]
fn places_are_in_the_file_when_its_last_line_is_not_ended() {
    for (source, line) in [("#", 1), ("a: b\nc", 2), ("a: b\r\nc", 2), ("a: b\rc", 2), ("a: b\nc\n", 3)] {
        assert_eq!(first(source).0, line, "{source:?}");
    }
    assert_eq!(parse("---").unwrap().line, 1);
}

#[test]
fn budgets() {
    assert!(first(&"x".repeat(MAX_SOURCE_BYTES + 1)).2.contains("at most"));
    assert!(first(&format!("{}{}", "[".repeat(200), "]".repeat(200))).2.contains("nested deeper"));
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let list = vec![alias; 10].join(", ");
        laughs = format!("{laughs}a{level}: &a{level} [{list}]\n");
    }
    assert!(first(&laughs).2.contains(&MAX_NODES.to_string()));
}

#[test]
fn several_mistakes_come_together() {
    let problems = parse("a: !x 1\nb: 1\nb: 2\nc: [\n").unwrap_err();
    assert_eq!(problems.len(), 3);
}

proptest::proptest! {
    #[test]
    fn never_panics(source in "[a-c:\\[\\]{}&*!|>'\"#\\-? \n\t~,0-9.]{0,80}") {
        let _ = parse(&source);
        let _ = super::super::peek(&source);
        let _ = super::problems(&source);
    }

    #[test]
    fn damaged_documents_never_panic(start in 0usize..6000, length in 0usize..40, put in "[ \n:{}\\[\\]\"'a-z$.*&-]{0,6}") {
        let mut source: Vec<char> = super::SMALL.chars().collect();
        let start = start.min(source.len());
        let end = (start + length).min(source.len());
        source.splice(start..end, put.chars());
        let source: String = source.into_iter().collect();
        for problem in super::problems(&source) {
            proptest::prop_assert!(problem.line >= 1 && problem.column >= 1 && !problem.message.is_empty());
        }
    }
}
