//! Names operations: entity and action, from the shape of path and method.
//!
//! Knows what paths and methods usually mean. Must not know schemas or documents.

use crate::plan::Action;
use std::collections::{HashMap, HashSet};

/// What naming needs to know of an operation.
pub(super) struct Unnamed {
    /// `/contacts/{id}`.
    pub(super) path: String,
    /// In lower case.
    pub(super) method: &'static str,
    /// The answer holds many records; `None`: it does not say.
    pub(super) many: Option<bool>,
    /// The answer is a file.
    pub(super) file: bool,
}

/// Entity and action of each, in the same order; no two are the same.
pub(super) fn name_all(operations: &[&Unnamed]) -> Vec<(String, Action)> {
    let shapes: Vec<Shape<'_>> = operations.iter().map(|operation| Shape::of(&operation.path)).collect();
    let entities = entities(operations, &shapes);
    let mut taken: HashSet<(String, Action)> = HashSet::new();
    // Operations whose action is beyond doubt choose before those that only resemble them.
    let mut order: Vec<usize> = (0..operations.len()).collect();
    order.sort_by_key(|position| match operations.get(*position).map(|operation| operation.method) {
        Some("put") => 1,
        Some("delete") if shapes.get(*position).is_some_and(|shape| !shape.item) => 1,
        _ => 0,
    });
    let mut named: Vec<Option<(String, Action)>> = vec![None; operations.len()];
    for position in order {
        let (Some(operation), Some(shape)) = (operations.get(position), shapes.get(position)) else {
            continue;
        };
        let entity = entities.get(&shape.resource).cloned().unwrap_or_default();
        let name = unique(entity, action(operation, shape), operation, &taken);
        taken.insert(name.clone());
        if let Some(slot) = named.get_mut(position) {
            *slot = Some(name);
        }
    }
    named.into_iter().flatten().collect()
}

/// A path as a resource: `/v1/teams/{team}/members/{id}` is an item of the members of a team.
struct Shape<'p> {
    /// The path without what only selects in it: without trailing placeholders and `/search`.
    resource: String,
    /// Its literal segments, versions left out.
    literals: Vec<&'p str>,
    /// The path ends in a placeholder: one record.
    item: bool,
    search: bool,
    /// A literal after a placeholder: something of one record.
    below_item: bool,
}

impl<'p> Shape<'p> {
    fn of(path: &'p str) -> Self {
        let without_format = |segment: &'p str| segment.strip_suffix(".json").unwrap_or(segment);
        let mut segments: Vec<&str> =
            path.split('/').filter(|segment| !segment.is_empty()).map(without_format).collect();
        let search = segments.len() > 1 && segments.last().is_some_and(|last| word(last) == "search");
        if search {
            segments.pop();
        }
        let all = segments.len();
        while segments.last().is_some_and(|last| last.starts_with('{')) {
            segments.pop();
        }
        let literals: Vec<&str> = segments
            .iter()
            .copied()
            .filter(|segment| !segment.contains('{') && !is_version(segment))
            .collect();
        let below_item = segments.iter().rev().nth(1).is_some_and(|before| before.starts_with('{'));
        Self {
            resource: segments.join("/"),
            literals,
            item: segments.len() < all && !search,
            search,
            below_item,
        }
    }

    /// The last `count` literals as a name.
    fn name(&self, count: usize) -> String {
        let from = self.literals.len().saturating_sub(count);
        let words: Vec<String> = self.literals.iter().skip(from).map(|literal| word(literal)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        if words.is_empty() { "records".to_owned() } else { words.join("_") }
    }
}

/// `v1`, `2024-01`, `api`: says nothing about what is there.
fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix(['v', 'V']).unwrap_or(segment);
    segment == "api" || digits.starts_with(|c: char| c.is_ascii_digit())
}

/// `user-groups` and `UserGroups` are `user_groups`.
fn word(segment: &str) -> String {
    let mut word = String::new();
    for character in segment.chars() {
        if character.is_ascii_uppercase()
            && word.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        {
            word.push('_');
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        } else if !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
    }
    word.trim_end_matches('_').to_owned()
}

/// The entity of each resource: its last literal, with as many before it as tell it from others. Short paths choose first.
fn entities(operations: &[&Unnamed], shapes: &[Shape<'_>]) -> HashMap<String, String> {
    let reads = |resource: &str| {
        operations
            .iter()
            .zip(shapes)
            .any(|(operation, shape)| shape.resource == resource && operation.method == "get")
    };
    let mut resources: Vec<&Shape<'_>> = shapes.iter().collect();
    resources.sort_by_key(|shape| shape.literals.len());
    let mut entities: HashMap<String, String> = HashMap::new();
    let mut taken: HashSet<String> = HashSet::new();
    for shape in resources {
        if entities.contains_key(&shape.resource) {
            continue;
        }
        // `/invoices/{id}/pay` is something done to an invoice.
        let least = if shape.below_item && !reads(&shape.resource) { 2 } else { 1 };
        let names = (least..=shape.literals.len().max(least)).map(|count| shape.name(count));
        let numbered = (2..).map(|number| format!("{}_{number}", shape.name(usize::MAX)));
        if let Some(name) = names.chain(numbered).find(|name| !taken.contains(name)) {
            taken.insert(name.clone());
            entities.insert(shape.resource.clone(), name);
        }
    }
    entities
}

fn action(operation: &Unnamed, shape: &Shape<'_>) -> Action {
    match operation.method {
        "get" if operation.file => Action::Download,
        "get" | "post" if shape.search => Action::Search,
        "get" if shape.item => Action::Get,
        "get" => match operation.many {
            Some(true) => Action::List,
            Some(false) => Action::Get,
            None if shape.name(1).ends_with('s') => Action::List,
            None => Action::Get,
        },
        "post" if shape.item => Action::Update,
        "post" => Action::Create,
        "delete" => Action::Delete,
        _ => Action::Update,
    }
}

fn unique(
    entity: String,
    action: Action,
    operation: &Unnamed,
    taken: &HashSet<(String, Action)>,
) -> (String, Action) {
    let last = operation.path.rsplit_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let by = last.map(|(name, _)| format!("{entity}_by_{}", word(name)));
    let method = format!("{entity}_{}", operation.method);
    let numbered = (2..).map(|number| format!("{entity}_{number}"));
    let candidates = std::iter::once(entity.clone()).chain(std::iter::once(method)).chain(by).chain(numbered);
    let free = candidates.map(|name| (name, action)).find(|name| !taken.contains(name));
    free.unwrap_or((entity, action))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(operations: &[(&'static str, &str)]) -> Vec<String> {
        let operations: Vec<Unnamed> = operations
            .iter()
            .map(|(method, path)| Unnamed { path: (*path).to_owned(), method, many: None, file: false })
            .collect();
        name_all(&operations.iter().collect::<Vec<_>>())
            .iter()
            .map(|(entity, action)| format!("{entity} {}", action.name()))
            .collect()
    }

    #[test]
    fn shapes() {
        let got = named(&[
            ("get", "/v1/user-groups.json"),
            ("post", "/v1/user-groups.json"),
            ("get", "/v1/user-groups/{id}"),
            ("patch", "/v1/user-groups/{id}"),
            ("put", "/v1/user-groups/{id}"),
            ("delete", "/v1/user-groups/{id}"),
            ("post", "/v1/contacts/search"),
            ("post", "/v1/contacts/{id}"),
            ("get", "/me"),
            ("get", "/search"),
            ("get", "/"),
        ]);
        assert_eq!(
            got,
            [
                "user_groups list",
                "user_groups create",
                "user_groups get",
                "user_groups update",
                "user_groups_put update",
                "user_groups delete",
                "contacts search",
                "contacts update",
                "me get",
                "search get",
                "records list",
            ]
        );
    }

    #[test]
    fn one_resource_keeps_one_entity() {
        let got = named(&[
            ("get", "/teams/{team}/members"),
            ("get", "/members"),
            ("get", "/members/{id}"),
            ("delete", "/teams/{team}/members/{id}"),
            ("post", "/invoices/{id}/pay"),
            ("get", "/repos/{owner}"),
            ("get", "/repos/{owner}/{repo}"),
        ]);
        assert_eq!(
            got,
            [
                "teams_members list",
                "members list",
                "members get",
                "teams_members delete",
                "invoices_pay create",
                "repos get",
                "repos_get get",
            ]
        );
    }

    #[test]
    fn names_are_never_given_twice() {
        let paths = ["/a/{x}", "/a/{y}", "/a/{x}/{y}", "/a", "/v1/a", "/v2/a", "/b/a", "/v2/b/a", "/a.json"];
        for method in ["get", "put", "post", "patch", "delete"] {
            let got = named(&paths.map(|path| (method, path)));
            let different: HashSet<&String> = got.iter().collect();
            assert_eq!(different.len(), paths.len(), "{got:?}");
        }
    }
}
