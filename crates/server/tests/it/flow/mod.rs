//! The consent flow, from initiate to a redeemed `secret_id`.

mod callback;
mod initiate;
mod issuer;
mod published;
mod reconnect;
mod secret_id;
mod sweep;
mod token_answers;
mod token_calls;
mod walk;
