//! Attacks on the broker itself: what one party could try through another's flow or data.

mod a_oauth_apps;
mod b_initiate;
mod c_callback;
mod d_secret_id;
mod definitions;
mod e_binding;
mod i_slowness;
mod mix_up;
mod tenants;
