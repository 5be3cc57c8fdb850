//! Messages about unknown names: what the caller may have meant, and what there is.
//!
//! Knows wording. Must not know what is named.

use crate::spelling;

/// Most names that a message lists.
const LISTED: usize = 40;
/// Longest part of the caller's own word that a message repeats, in characters.
const REPEATED: usize = 80;

/// `unknown parameter "limt"; did you mean "limit"? Accepted: limit, after`: near names first.
pub(super) fn unknown<'a>(kind: &str, name: &str, accepted: impl IntoIterator<Item = &'a str>) -> String {
    let accepted: Vec<&str> = accepted.into_iter().collect();
    let shown: String = name.chars().filter(|character| !character.is_control()).take(REPEATED).collect();
    if accepted.is_empty() {
        return format!("unknown {kind} {shown:?}; none is accepted");
    }
    let near =
        if shown.len() == name.len() { spelling::near(name, accepted.iter().copied()) } else { Vec::new() };
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

#[cfg(test)]
mod tests {
    use super::*;

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
