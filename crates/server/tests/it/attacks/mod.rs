//! Attacks on the broker itself (oauth-security A, D, E, H, K): what one party could try through another's flow or data.

mod definitions;
mod mix_up;
mod tenants;
