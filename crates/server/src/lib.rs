//! Keybearer.
