//! Demo provider.
