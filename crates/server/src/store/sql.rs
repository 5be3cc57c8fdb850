//! One way to talk to two databases: a statement with values goes in, rows come out.
//!
//! Knows the two drivers. Must not know tables. Both read `$1` placeholders, so one text serves both; where they
//! differ a [`Fork`] holds the two texts side by side. Texts are `&'static str`: none is ever built from input.

use super::error::{Result, StoreError};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Postgres, Row as _, Sqlite};

/// A statement: one text for both databases, or one each.
#[derive(Clone, Copy)]
pub(super) struct Fork {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

impl From<&'static str> for Fork {
    fn from(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }
}

/// A SELECT whose rows stay as they are until the transaction ends. On SQLite they do anyway: nobody else writes.
macro_rules! locking {
    ($text:expr, $lock:literal) => {
        $crate::store::sql::Fork { sqlite: $text, postgres: concat!($text, " ", $lock) }
    };
}
pub(super) use locking;

/// A value bound to a placeholder. Typed also when it is null, because PostgreSQL wants to know.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Text(Option<&'a str>),
    Int(Option<i64>),
    Blob(&'a [u8]),
    NullBlob,
}

/// The values of a statement in the order of its placeholders.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use values;

macro_rules! value_from {
    ($($from:ty, $value:ident => $to:expr;)*) => {
        $(impl<'a> From<$from> for Value<'a> { fn from($value: $from) -> Self { $to } })*
    };
}
value_from! {
    &'a str, value => Value::Text(Some(value));
    &'a String, value => Value::Text(Some(value));
    Option<&'a str>, value => Value::Text(value);
    &'a Option<String>, value => Value::Text(value.as_deref());
    i64, value => Value::Int(Some(value));
    &'a i64, value => Value::Int(Some(*value));
    Option<i64>, value => Value::Int(value);
    &'a Option<i64>, value => Value::Int(*value);
    bool, value => Value::Int(Some(i64::from(value)));
    &'a bool, value => Value::Int(Some(i64::from(*value)));
    Option<bool>, value => Value::Int(value.map(i64::from));
    &'a [u8], value => Value::Blob(value);
    &'a Vec<u8>, value => Value::Blob(value);
    &'a Option<Vec<u8>>, value => value.as_deref().map_or(Value::NullBlob, Value::Blob);
}

type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;
type PostgresQuery<'q> = Query<'q, Postgres, PgArguments>;

macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match *value {
                Value::Text(text) => query.bind(text),
                Value::Int(number) => query.bind(number),
                Value::Blob(bytes) => query.bind(bytes),
                Value::NullBlob => query.bind(None::<&[u8]>),
            };
        }
        query
    }};
}

pub(super) fn sqlite_query<'q>(fork: Fork, values: &'q [Value<'q>]) -> SqliteQuery<'q> {
    bind!(sqlx::query(fork.sqlite), values)
}

pub(super) fn postgres_query<'q>(fork: Fork, values: &'q [Value<'q>]) -> PostgresQuery<'q> {
    bind!(sqlx::query(fork.postgres), values)
}

/// A row whose columns are read from left to right.
pub(super) struct Row {
    row: Either,
    next: usize,
}

enum Either {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self { row: Either::Sqlite(row), next: 0 }
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self { row: Either::Postgres(row), next: 0 }
    }
}

impl Row {
    /// The next column.
    pub(super) fn take<C: Column>(&mut self) -> Result<C> {
        let index = self.next;
        self.next += 1;
        C::get(self, index)
    }
}

/// A type that a column can be read as.
pub(super) trait Column: Sized {
    fn get(row: &Row, index: usize) -> Result<Self>;
}

macro_rules! column {
    ($($type:ty),*) => {
        $(impl Column for $type {
            fn get(row: &Row, index: usize) -> Result<Self> {
                match &row.row {
                    Either::Sqlite(row) => row.try_get(index),
                    Either::Postgres(row) => row.try_get(index),
                }
                .map_err(StoreError::from)
            }
        })*
    };
}
column!(String, Option<String>, i64, Option<i64>, Vec<u8>, Option<Vec<u8>>);

impl Column for bool {
    fn get(row: &Row, index: usize) -> Result<Self> {
        i64::get(row, index).map(|number| number != 0)
    }
}

/// A row of ours that can be read from a statement's row.
pub(super) trait FromRow: Sized {
    fn read(row: &mut Row) -> Result<Self>;
}

macro_rules! single {
    ($($type:ty),*) => { $(impl FromRow for $type { fn read(row: &mut Row) -> Result<Self> { row.take() } })* };
}
single!(String, i64, Option<String>);

impl<A: Column, B: Column> FromRow for (A, B) {
    fn read(row: &mut Row) -> Result<Self> {
        Ok((row.take()?, row.take()?))
    }
}

/// Declares a row type with its columns: the struct, how it is read, and a macro of the given name whose `(names)` are
/// its column names and whose `(of table)` are the same with the table before each, so that one declaration is all.
/// Its `Debug` says of bytes only how many there are.
macro_rules! row {
    (
        $(#[$about:meta])*
        pub struct $name:ident in $table:ident as $columns:ident {
            $(#[$about_first:meta])* pub $first:ident: $first_type:ty,
            $($(#[$about_field:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            $(#[$about_first])* pub $first: $first_type,
            $($(#[$about_field])* pub $field: $type,)*
        }

        macro_rules! $columns {
            (names) => { concat!(stringify!($first) $(, ", ", stringify!($field))*) };
            (of table) => {
                concat!(stringify!($table), ".", stringify!($first) $(, ", ", stringify!($table), ".", stringify!($field))*)
            };
        }

        impl $crate::store::sql::FromRow for $name {
            fn read(row: &mut $crate::store::sql::Row) -> $crate::store::error::Result<Self> {
                Ok(Self { $first: row.take()?, $($field: row.take()?,)* })
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use $crate::store::sql::Shown as _;
                f.debug_struct(stringify!($name))
                    .field(stringify!($first), &format_args!("{}", self.$first.shown()))
                    $(.field(stringify!($field), &format_args!("{}", self.$field.shown())))*
                    .finish()
            }
        }

        impl $name {
            /// The fields as values, in the order of the columns.
            fn all(&self) -> Vec<$crate::store::sql::Value<'_>> {
                vec![(&self.$first).into(), $((&self.$field).into(),)*]
            }
        }
    };
}
pub(super) use row;

/// How a field looks in `Debug`.
pub(super) trait Shown {
    fn shown(&self) -> String;
}

impl Shown for Vec<u8> {
    fn shown(&self) -> String {
        format!("[{} bytes]", self.len())
    }
}

impl Shown for Option<Vec<u8>> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "None".to_owned(), Shown::shown)
    }
}

macro_rules! shown {
    ($($type:ty),*) => { $(impl Shown for $type { fn shown(&self) -> String { format!("{self:?}") } })* };
}
shown!(String, Option<String>, i64, Option<i64>, bool);
