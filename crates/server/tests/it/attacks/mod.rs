//! Attacks on the broker itself: what one party could try through another's flow or data.

mod b_initiate;
mod c_callback;
mod d_secret_id;
mod definitions;
mod e_binding;
mod mix_up;
mod tenants;
