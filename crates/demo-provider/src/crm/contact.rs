//! One user's contacts: the record, its rules, and the ordered collection. Pure: no HTTP, no clock.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::error::ApiError;
use super::listing::Id;

/// Longest value of a field, in characters.
const LONGEST: usize = 250;

/// A contact as the API shows it; absent fields are `null`, times RFC 3339 UTC.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Contact {
    pub(super) id: Id,
    pub(super) email: String,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) company: Option<String>,
    pub(super) title: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) created_at: String,
    pub(super) updated_at: String,
}

impl Contact {
    /// Whether the lower-case text occurs in the name, address or company.
    pub(super) fn matches(&self, needle: &str) -> bool {
        let name = [self.first_name.as_deref(), self.last_name.as_deref()];
        let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
        [name.as_str(), &self.email, self.company.as_deref().unwrap_or_default()]
            .into_iter()
            .any(|text| text.to_lowercase().contains(needle))
    }

    /// Takes the fields of a request; `null` clears one, except `email`.
    fn set(&mut self, fields: Map<String, Value>) -> Result<(), ApiError> {
        for (name, value) in fields {
            let value = match value {
                Value::Null => None,
                Value::String(text) if text.chars().count() <= LONGEST => Some(text),
                Value::String(_) => return invalid(format!("{name} is longer than {LONGEST} characters")),
                _ => return invalid(format!("{name} must be a string")),
            };
            match name.as_str() {
                "email" => self.email = value.filter(|email| is_address(email)).ok_or_else(no_address)?,
                "first_name" => self.first_name = value,
                "last_name" => self.last_name = value,
                "company" => self.company = value,
                "title" => self.title = value,
                "phone" => self.phone = value,
                _ => return invalid(format!("unknown field {name}")),
            }
        }
        Ok(())
    }
}

fn invalid<T>(message: String) -> Result<T, ApiError> {
    Err(ApiError::Invalid(message))
}

fn no_address() -> ApiError {
    ApiError::Invalid("email must be an address such as name@company.example".to_owned())
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}

/// Contacts in ascending order of id.
#[derive(Debug, Default)]
pub(super) struct Contacts(BTreeMap<Id, Contact>, u64);

impl Contacts {
    /// A collection whose first contact gets this id.
    pub(super) fn from_id(first: u64) -> Self {
        Self(BTreeMap::new(), first)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.0.values()
    }

    pub(super) fn get(&self, id: &str) -> Result<&Contact, ApiError> {
        Id::parse(id).and_then(|id| self.0.get(&id)).ok_or(ApiError::NotFound)
    }

    /// Creates a contact; `email` is required and unique.
    pub(super) fn create(&mut self, fields: Map<String, Value>, now: String) -> Result<&Contact, ApiError> {
        let id = Id(self.1);
        let mut contact = Contact {
            id,
            email: String::new(),
            first_name: None,
            last_name: None,
            company: None,
            title: None,
            phone: None,
            created_at: now.clone(),
            updated_at: now,
        };
        contact.set(fields)?;
        if contact.email.is_empty() {
            return Err(no_address());
        }
        self.unique(&contact)?;
        self.1 += 1;
        Ok(self.0.entry(id).or_insert(contact))
    }

    /// Changes the named fields; nothing changes when one is refused.
    pub(super) fn update(
        &mut self,
        id: &str,
        fields: Map<String, Value>,
        now: String,
    ) -> Result<&Contact, ApiError> {
        let mut contact = self.get(id)?.clone();
        contact.set(fields)?;
        contact.updated_at = now;
        self.unique(&contact)?;
        let stored = self.0.get_mut(&contact.id).ok_or(ApiError::NotFound)?;
        *stored = contact;
        Ok(stored)
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<(), ApiError> {
        Id::parse(id).and_then(|id| self.0.remove(&id)).map(|_| ()).ok_or(ApiError::NotFound)
    }

    fn unique(&self, contact: &Contact) -> Result<(), ApiError> {
        let taken =
            |other: &Contact| other.id != contact.id && other.email.eq_ignore_ascii_case(&contact.email);
        if self.iter().any(taken) { Err(ApiError::Conflict) } else { Ok(()) }
    }
}
