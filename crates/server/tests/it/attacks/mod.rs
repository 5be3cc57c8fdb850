//! Attacks on the broker itself: what one party could try through another's flow or data.

mod definitions;
mod mix_up;
mod tenants;
