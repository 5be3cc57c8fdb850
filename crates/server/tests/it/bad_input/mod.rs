//! Bad input: every endpoint, every field; a clear 4xx in the contract's body, nothing stored, nobody called, no 500.

mod bodies;
mod endpoints;
mod fuzz;
mod hostile_paths;
mod large_bodies;
mod queries;
