//! Calls that are done once however often they are sent.
//!
//! Documentation only; see the module above.

use utoipa::IntoParams;

/// The key of a call.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IdempotencyHeader {
    /// A name for this call that the caller chooses, such as a UUID: 1 to 255 visible ASCII characters. It counts for the
    /// organization, the workspace and this route, for 24 hours. The same key with the same body gets the first answer
    /// again, with `Idempotent-Replayed: true`, and nothing is done; with another body 422 `idempotency_key_reused`;
    /// while the first call runs 409 `idempotency_in_progress`. A call that was interrupted is not sent again: 409
    /// `unknown_outcome`. Of an answer over 256 kB only the status is kept: 409 `answer_not_kept`.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}
