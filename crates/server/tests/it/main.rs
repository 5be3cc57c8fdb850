//! Integration tests, one binary: each group in a folder of its own, what they share in `support`.

// Marked as tests although all of this binary is one, so that clippy allows `unwrap` outside test functions too.
#[cfg(test)]
mod api;
#[cfg(test)]
mod arrows;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod execute;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
