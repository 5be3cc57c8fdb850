//! One call: parameters in, requests out, answers in, a result out.
//!
//! [`Call`] is the machine; [`Target`] says where it may go; [`match_scheme`] and [`Attachment`] put the credential on.
//! Nothing here sends, waits, reads a clock or holds a secret longer than it takes to write a header.

mod answer;
pub(crate) mod attach;
mod body;
mod body_error;
mod bounds;
mod coerce;
mod credentials;
pub(crate) mod detail;
mod download;
pub(crate) mod encode;
mod environment;
mod fault;
mod find;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod given;
mod graphql;
pub(crate) mod host;
pub(crate) mod json;
mod link;
mod machine;
mod message;
mod next_page;
mod page_params;
mod paging;
mod params;
mod probe;
mod query;
mod reading;
mod records;
mod redirect;
mod request;
pub(crate) mod retry;
#[cfg(test)]
pub(crate) mod sample;
mod scan;
mod selection;
mod settings;
mod shape;
mod skeleton;
mod slice;
mod specials;
mod supplied;
mod target;
mod template;

pub use answer::{Answer, Meta, Payload, Shaping, StreamHead};
pub use attach::{AttachError, Attachment};
pub use credentials::{MatchFault, match_scheme};
pub use environment::Environment;
pub use fault::{Fault, FaultKind, ParamError};
pub use find::{find_entity, find_operation};
pub use given::derive_variables;
pub use host::fits;
pub use machine::Call;
pub use message::{Event, Response, Step, Unreachable, Unsigned};
pub use probe::{OpenParam, PageSize, Probe, parent_records, parent_value, probe};
pub use settings::Settings;
pub use target::{EnvironmentError, Target};
pub use template::TemplateError;

#[cfg(test)]
mod tests;
