//! The consent flow, from initiate to a redeemed `secret_id`.

mod walk;
