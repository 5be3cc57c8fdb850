//! The audit log: what stands in it, and that nobody can change it unnoticed.

mod chain;
mod log;
mod retention;
