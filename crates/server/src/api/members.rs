//! The members of a JSON object in the order in which they came.
//!
//! Knows names and values. Must not know what they are for. Request bodies have a handful of members, each looked at
//! once: a list costs less than a map. A name that came twice has its last value, as in a map.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Members of one object.
#[derive(Debug, Default)]
pub(super) struct Members(Vec<(String, Value)>);

impl Members {
    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Takes the value of a name.
    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let last = self.0.iter().rposition(|(known, _)| known == name)?;
        let (_, value) = self.0.swap_remove(last);
        self.0.retain(|(known, _)| known != name);
        Some(value)
    }

    /// Every name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// A copy as a map.
    pub(super) fn to_map(&self) -> Map<String, Value> {
        self.0.iter().cloned().collect()
    }
}

impl From<Map<String, Value>> for Members {
    fn from(map: Map<String, Value>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::with_capacity(4);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_of_equal_names_counts() {
        let mut members: Members = serde_json::from_str(r#"{"a":1,"b":2,"a":3,"c":1.50}"#).unwrap();
        assert_eq!(members.get("a"), Some(&json!(3)));
        assert_eq!(serde_json::to_string(&members.to_map()).unwrap(), r#"{"a":3,"b":2,"c":1.50}"#);
        assert_eq!(members.remove("a"), Some(json!(3)));
        assert_eq!(members.remove("a"), None);
        assert_eq!(members.names().count(), 2);
    }

    #[test]
    fn only_objects_are_read() {
        for other in ["[]", "1", "\"a\"", "null", "1.0e400"] {
            assert!(serde_json::from_str::<Members>(other).unwrap_err().is_data(), "{other}");
        }
    }
}
