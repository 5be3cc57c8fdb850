//! Integration tests, one binary: each group in a folder of its own, what they share in `support`.

mod store;
mod support;
