//! Where settings come from: the environment, then a TOML file.
//!
//! Knows names and raw texts. Must not know which settings exist: unknown ones are found by what was never asked for.

use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const PREFIX: &str = "KEYBEARER_";

/// A setting that stops the start. Never contains the value, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that is not accepted.
    #[error("{name}: not accepted here; accepted: {accepted}")]
    Bad {
        /// The setting's full name.
        name: String,
        /// What would be right.
        accepted: String,
    },
    /// A file that a setting names.
    #[error("{name}: cannot read {path}: {reason}")]
    File {
        /// The setting's full name.
        name: String,
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// A configuration file that is no TOML or has unknown keys.
    #[error("{path}: {reason}")]
    Toml {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl ConfigError {
    /// A value that is not accepted; `name` without the prefix.
    pub fn bad(name: &str, accepted: &str) -> Self {
        Self::Bad { name: format!("{PREFIX}{name}"), accepted: accepted.to_owned() }
    }
}

/// Raw settings by name without the prefix. Environment variables win over the file.
pub struct Source {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    file_path: Option<String>,
    asked: BTreeSet<String>,
}

impl Source {
    /// From environment variables (all of them; others than `KEYBEARER_…` are ignored) and an optional file.
    /// Without a named file, `keybearer.toml` in the working directory is read when it is there.
    pub fn new(
        environment: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let environment = environment
            .into_iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), value)))
            .collect();
        let default = Path::new("keybearer.toml");
        let path = file.or_else(|| default.exists().then_some(default));
        let file = path.map(read_toml).transpose()?.unwrap_or_default();
        Ok(Self {
            environment,
            file,
            file_path: path.map(|p| p.display().to_string()),
            asked: BTreeSet::new(),
        })
    }

    /// A setting with a default. `accepted` completes the error when `parse` gives none.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        default: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let text = self.raw(name).unwrap_or_else(|| default.to_owned());
        parse(text.trim()).ok_or_else(|| ConfigError::bad(name, accepted))
    }

    /// A setting without a default. Empty text counts as not set.
    pub fn optional<T>(
        &mut self,
        name: &str,
        accepted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.raw(name) {
            Some(text) if !text.trim().is_empty() => {
                parse(text.trim()).map(Some).ok_or_else(|| ConfigError::bad(name, accepted))
            }
            _ => Ok(None),
        }
    }

    /// A secret: the setting itself, or the content of the file that `<name>_FILE` names.
    pub fn secret(&mut self, name: &str) -> Result<Option<SecretString>, ConfigError> {
        let file_name = format!("{name}_FILE");
        let direct = self.raw(name).filter(|text| !text.trim().is_empty());
        let file = self.raw(&file_name).filter(|text| !text.trim().is_empty());
        match (direct, file) {
            (Some(_), Some(_)) => {
                Err(ConfigError::bad(&file_name, &format!("nothing, because {PREFIX}{name} is set too")))
            }
            (Some(text), None) => Ok(Some(SecretString::from(text.trim().to_owned()))),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Ok(Some(SecretString::from(text.trim().to_owned()))),
                Err(error) => Err(ConfigError::File {
                    name: format!("{PREFIX}{file_name}"),
                    path,
                    reason: error.to_string(),
                }),
            },
            (None, None) => Ok(None),
        }
    }

    /// `<TYPE>` of every `OAUTH_<TYPE>_CLIENT_ID` and `OAUTH_<TYPE>_CLIENT_SECRET` that is set.
    pub fn oauth_types(&self) -> BTreeSet<String> {
        self.environment
            .keys()
            .chain(self.file.keys())
            .filter_map(|name| {
                let rest = name.strip_prefix("OAUTH_")?;
                let kind = rest
                    .strip_suffix("_CLIENT_ID")
                    .or_else(|| rest.strip_suffix("_CLIENT_SECRET"))
                    .or_else(|| rest.strip_suffix("_CLIENT_SECRET_FILE"))?;
                (!kind.is_empty()).then(|| kind.to_owned())
            })
            .collect()
    }

    /// Ends the reading: unknown keys of the file are an error, unknown variables are returned for a warning.
    pub fn finish(&mut self) -> Result<Vec<String>, ConfigError> {
        if let Some(name) = self.file.keys().find(|name| !self.asked.contains(*name)) {
            return Err(ConfigError::Toml {
                path: self.file_path.clone().unwrap_or_default(),
                reason: format!("unknown key `{}`", name.to_ascii_lowercase()),
            });
        }
        Ok(self
            .environment
            .keys()
            .filter(|name| !self.asked.contains(*name))
            .map(|name| format!("{PREFIX}{name}"))
            .collect())
    }

    fn raw(&mut self, name: &str) -> Option<String> {
        self.asked.insert(name.to_owned());
        self.environment.get(name).or_else(|| self.file.get(name)).cloned()
    }
}

/// Flattens a TOML file: `[oauth.hubspot] client_id` becomes `OAUTH_HUBSPOT_CLIENT_ID`; arrays are joined with commas.
fn read_toml(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let fail = |reason: String| ConfigError::Toml { path: path.display().to_string(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    // The parser's full message quotes the line, which may hold a secret: only its short form is shown.
    let table: toml::Table = toml::from_str(&text).map_err(|error| fail(error.message().to_owned()))?;
    let mut out = BTreeMap::new();
    flatten("", &table, &mut out).map_err(fail)?;
    Ok(out)
}

fn flatten(prefix: &str, table: &toml::Table, out: &mut BTreeMap<String, String>) -> Result<(), String> {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.to_ascii_uppercase().replace('-', "_"));
        match value {
            toml::Value::Table(inner) => flatten(&format!("{name}_"), inner, out)?,
            other => {
                out.insert(name, scalar(key, other)?);
            }
        }
    }
    Ok(())
}

fn scalar(key: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(switch) => Ok(if *switch { "on" } else { "off" }.to_owned()),
        toml::Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(|item| scalar(key, item)).collect();
            Ok(items?.join(","))
        }
        _ => Err(format!("key `{key}`: a text, number, switch or list is accepted")),
    }
}
