//! The definition loader: YAML in, a definition or a list of mistakes out; what loads can be described.
//!
//! Knows what every mistake must say. Must not know what is a mistake.
#![no_main]

use keybearer_connector::call::{Environment, Target};
use keybearer_connector::describe::Description;
use keybearer_connector::document::{Additions, Definition, Problem, Severity, load, peek};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let names = peek(source);
    match load(source, &Additions::none()) {
        Ok(definition) => {
            let slug = names.expect("what loads has names").slug;
            assert_eq!(slug, definition.plan.info.slug);
            assert!(definition.warnings.iter().all(|problem| problem.severity == Severity::Warning));
            check(source, &definition.warnings);
            describe(&definition);
        }
        Err(problems) => {
            assert!(
                problems.iter().any(|problem| problem.severity == Severity::Error),
                "refused without a reason"
            );
            check(source, &problems);
        }
    }
});

/// Every mistake has a place in the file and says something.
fn check(source: &str, problems: &[Problem]) {
    // YAML breaks lines at a lone carriage return too; the last line may be empty.
    let lines = 1 + source.matches(['\n', '\r']).count() - source.matches("\r\n").count();
    for problem in problems {
        assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem} of {lines} lines");
        assert!(!problem.message.is_empty());
    }
}

/// What every page and every call takes from a definition.
fn describe(definition: &Definition) {
    let description = Description::of(definition);
    let plan = &definition.plan;
    for operation in &plan.operations {
        assert!(description.operation(&operation.entity, operation.action).is_some());
    }
    let _ = (description.entities(), description.summary(), description.credential_schemes());
    let _ = (description.oauth_app_schema(), description.connection_variables());
    if let Ok(target) = Target::new(plan, &Environment::default()) {
        assert!(target.is_own_origin(&target.base));
        assert!(matches!(target.base.scheme(), "https" | "http"), "{}", target.base);
    }
}
