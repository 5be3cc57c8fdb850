//! Near names: what somebody probably meant by a misspelt word, and how that is told.
//!
//! Knows edit distance. Must not know what the words stand for.

/// Most names that a message lists.
const LISTED: usize = 40;
/// Longest part of the caller's own word that a message repeats, in characters.
const REPEATED: usize = 80;

/// The candidates by nearness to `word`, those too far away left out. Equal distances keep the given order.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let distance = distance(word, candidate);
            (distance <= limit(word, candidate)).then_some((distance, candidate))
        })
        .collect();
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The nearest candidate, if any is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(word, candidates).into_iter().next()
}

/// `unknown parameter "limt"; did you mean "limit"? Accepted: limit, after`: near names first.
pub(crate) fn unknown<'a>(kind: &str, name: &str, accepted: impl IntoIterator<Item = &'a str>) -> String {
    let accepted: Vec<&str> = accepted.into_iter().collect();
    let shown: String = name.chars().filter(|character| !character.is_control()).take(REPEATED).collect();
    if accepted.is_empty() {
        return format!("unknown {kind} {shown:?}; none is accepted");
    }
    let near = if shown.len() == name.len() { near(name, accepted.iter().copied()) } else { Vec::new() };
    let hint = near.first().map_or_else(|| ".".to_owned(), |best| format!("; did you mean {best:?}?"));
    let others = accepted.iter().filter(|candidate| !near.contains(candidate));
    let listed = near.iter().chain(others).take(LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = if accepted.len() > LISTED {
        format!(" and {} more", accepted.len() - LISTED)
    } else {
        String::new()
    };
    format!("unknown {kind} {shown:?}{hint} Accepted: {listed}{more}")
}

/// How many edits still count as a slip: a third of the shorter word, at least one, at most three.
fn limit(word: &str, candidate: &str) -> usize {
    (word.chars().count().min(candidate.chars().count()) / 3).clamp(1, 3)
}

/// Optimal string alignment distance over what people mistake: case, `-` and `_` are not counted.
fn distance(left: &str, right: &str) -> usize {
    let left = folded(left);
    let right = folded(right);
    if left.len().abs_diff(right.len()) > 3 {
        return usize::MAX;
    }
    let width = right.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut previous: Vec<usize> = (0..width).collect();
    let mut last_left = None;
    for (row, &l) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(width);
        current.push(row + 1);
        let mut last_right = None;
        for (column, &r) in right.iter().enumerate() {
            let at = |line: &[usize], position: usize| line.get(position).copied().unwrap_or(usize::MAX / 2);
            let mut cost = (at(&previous, column) + usize::from(l != r))
                .min(at(&previous, column + 1) + 1)
                .min(at(&current, column) + 1);
            if last_left == Some(r) && last_right == Some(l) && column > 0 {
                cost = cost.min(at(&before, column - 1) + 1);
            }
            current.push(cost);
            last_right = Some(r);
        }
        last_left = Some(l);
        before = std::mem::replace(&mut previous, current);
    }
    previous.last().copied().unwrap_or(0)
}

fn folded(word: &str) -> Vec<char> {
    word.chars().take(64).filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_leaves_strangers() {
        assert_eq!(nearest("sumary", ["description", "summary"]), Some("summary"));
        assert_eq!(nearest("pageSize", ["page", "page_size"]), Some("page_size"));
        assert_eq!(nearest("sumamry", ["summary"]), Some("summary"));
        assert_eq!(nearest("colour", ["summary", "tags"]), None);
        assert_eq!(nearest("", ["summary"]), None);
    }

    #[test]
    fn nearest_first() {
        assert_eq!(near("lmit", ["list", "limit"]), ["limit"]);
        assert_eq!(near("perpage", ["per_pages", "per_page"]), ["per_page", "per_pages"]);
    }

    #[test]
    fn near_names_stand_first() {
        assert_eq!(
            unknown("parameter", "limt", ["after", "limit"]),
            "unknown parameter \"limt\"; did you mean \"limit\"? Accepted: limit, after"
        );
        assert_eq!(unknown("parameter", "zzz", ["after"]), "unknown parameter \"zzz\". Accepted: after");
        assert_eq!(unknown("parameter", "zzz", []), "unknown parameter \"zzz\"; none is accepted");
    }
}
