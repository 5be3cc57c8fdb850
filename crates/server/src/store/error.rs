//! What can go wrong below the rules, told so that it can be logged as it stands.
//!
//! Knows which of a database's errors mean a conflict, an outage or a mistake. Must not know what was asked for: no
//! error here carries a value that was bound to a statement, nor a connection URL.

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;
use std::error::Error;

/// Why a store function did not do its work. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row that may exist once exists already, or one that must exist is gone; says which.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// The database cannot be reached, is overloaded, or gave this transaction up; another try may succeed.
    #[error("the database cannot be used now: {0}")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A row that no version of this server writes.
    #[error("a row cannot be read: {0}")]
    Corrupt(String),
    /// The setting is no database URL. Never shows the setting, which may hold a password.
    #[error(
        "KEYBEARER_DATABASE_URL {0}; accepted are `sqlite:`, `sqlite:FILE` and `postgres://USER:PASSWORD@HOST/DATABASE`"
    )]
    Url(&'static str),
    /// The tables are not this version's.
    #[error("the database's tables do not fit this version of keybearer: {0}")]
    Tables(String),
    /// The database refused a statement of ours: a mistake in this server, or a database that was tampered with.
    #[error("the database refused a statement (code {code}): {message}")]
    Refused {
        /// SQLSTATE, or SQLite's extended result code.
        code: String,
        /// The database's own words; left out where they could quote a value.
        message: String,
    },
}

/// What every store function gives.
pub(super) type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// The same error, where a conflict is one about `what`.
    pub(super) fn about(self, what: &'static str) -> Self {
        match self {
            Self::Conflict(_) => Self::Conflict(what),
            other => other,
        }
    }

    pub(super) fn io(error: std::io::Error) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => of_database(error.as_ref()),
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt(format!("column {index}")),
            sqlx::Error::ColumnIndexOutOfBounds { index, .. } => {
                Self::Corrupt(format!("column {index} is missing"))
            }
            sqlx::Error::Migrate(error) => Self::from(*error),
            // These can quote the connection URL or a value.
            sqlx::Error::Configuration(_) => Self::Url("is not a usable database URL"),
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) => {
                Self::Corrupt("a value has another type than its column".to_owned())
            }
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::from(error),
            MigrateError::VersionMissing(version) => Self::Tables(format!(
                "they are newer (migration {version}); start a newer version, or restore a backup"
            )),
            other => Self::Tables(other.to_string()),
        }
    }
}

fn of_database(error: &dyn DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    match error.kind() {
        ErrorKind::UniqueViolation => return StoreError::Conflict("the row exists already"),
        ErrorKind::ForeignKeyViolation => {
            return StoreError::Conflict("a row that this one belongs to is gone");
        }
        _ => {}
    }
    if is_outage(&code) {
        return StoreError::Unavailable(format!("{} (code {code})", error.message()).into());
    }
    // SQLSTATE class 22 is about data, and its messages quote it.
    let message = if code.starts_with("22") { "a value does not fit its column" } else { error.message() };
    StoreError::Refused { message: message.to_owned(), code }
}

/// Codes after which the same work may succeed: PostgreSQL's by SQLSTATE class (appendix A of its manual), SQLite's by
/// primary result code (the low byte): BUSY 5, LOCKED 6, NOMEM 7, INTERRUPT 9, IOERR 10, FULL 13, CANTOPEN 14.
fn is_outage(code: &str) -> bool {
    const POSTGRES: [&str; 6] = ["08", "28", "40", "53", "57", "58"];
    const SQLITE: [u32; 7] = [5, 6, 7, 9, 10, 13, 14];
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => SQLITE.contains(&(number & 0xff)),
        _ => POSTGRES.iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_are_told_from_mistakes() {
        for code in ["5", "261", "517", "6", "13", "08006", "40001", "40P01", "53300", "57P01", "57014"] {
            assert!(is_outage(code), "{code}");
        }
        for code in ["", "1", "19", "2067", "22021", "23505", "42601", "42P01"] {
            assert!(!is_outage(code), "{code}");
        }
    }

    #[test]
    fn an_error_about_a_url_never_shows_it() {
        let error = StoreError::from(sqlx::Error::Configuration("postgres://user:hunter2@host".into()));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(
            error
                .to_string()
                .starts_with("KEYBEARER_DATABASE_URL is not a usable database URL; accepted are")
        );
    }
}
