//! Calls: a connector made ready once ([`mod@ready`]), then driven through the call machine ([`mod@drive`]).
//!
//! Only [`resolve`] reads rows; everything else works on a [`Ready`], so that checks of unsaved credentials and the
//! identity at a callback go the same way as an execute.

mod check;
mod drive;
mod execute;
mod fault;
mod fresh;
pub mod gate;
mod prober;
mod ready;

pub use check::{CheckReport, EntityCheck, check, identity};
pub use drive::{Driven, drive};
pub use execute::{Execute, Executed, execute};
pub use fault::{fault_error, field_error, reauthorization_required};
pub use fresh::renew_in_use;
pub use ready::{Ready, ReadyCache, resolve, view};
