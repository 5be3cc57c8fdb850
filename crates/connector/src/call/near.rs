//! Names that a caller may have meant.
//!
//! Knows edit distance. Must not know what is named.

/// Most names that a message lists.
const LISTED: usize = 40;

/// `unknown parameter "limt"; did you mean "limit"? Accepted: limit, after`.
pub(super) fn unknown<'a>(kind: &str, name: &str, accepted: impl IntoIterator<Item = &'a str>) -> String {
    let accepted = ordered(name, accepted.into_iter().collect());
    let shown: String = name.chars().filter(|character| !character.is_control()).take(80).collect();
    let hint = match accepted.first() {
        Some(best) if is_near(name, best) => format!("; did you mean {best:?}?"),
        _ => String::from("."),
    };
    if accepted.is_empty() {
        return format!("unknown {kind} {shown:?}; none is accepted");
    }
    let more = if accepted.len() > LISTED { format!(" and {} more", accepted.len() - LISTED) } else { String::new() };
    let listed = accepted.into_iter().take(LISTED).collect::<Vec<_>>().join(", ");
    format!("unknown {kind} {shown:?}{hint} Accepted: {listed}{more}")
}

/// Near names first, the others in their own order.
fn ordered<'a>(name: &str, mut accepted: Vec<&'a str>) -> Vec<&'a str> {
    accepted.sort_by_key(|candidate| if is_near(name, candidate) { distance(name, candidate) } else { usize::MAX });
    accepted
}

/// Few enough edits that a slip is likely.
fn is_near(name: &str, candidate: &str) -> bool {
    name.len() <= 80 && distance(name, candidate) <= 1 + candidate.chars().count() / 4
}

/// Edits (insert, remove, replace, swap neighbours) from one name to the other; letter case and `-`/`_` are free.
fn distance(left: &str, right: &str) -> usize {
    let fold = |text: &str| text.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (left, right) = (fold(left), fold(right));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(a != b)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a) {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        assert_eq!(distance("limit", "limt"), 1);
        assert_eq!(distance("sumary", "summary"), 1);
        assert_eq!(distance("pageSize", "page_size"), 0);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(unknown("parameter", "limt", ["after", "limit"]), "unknown parameter \"limt\"; did you mean \"limit\"? Accepted: limit, after");
        assert_eq!(unknown("parameter", "zzz", ["after"]), "unknown parameter \"zzz\". Accepted: after");
    }
}
