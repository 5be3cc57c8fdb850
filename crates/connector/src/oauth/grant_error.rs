//! Why a token request brought no token.
//!
//! Knows error codes of RFC 6749 section 5.2 and what providers say instead. Must not repeat anything that may be a token.

use crate::call::detail::clean;
use std::time::Duration;

/// No token came. None of its texts holds a token, code or secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The grant (code or refresh token) is refused: only a new consent helps.
    #[error("the provider refuses the grant{}", shown(.description.as_deref()))]
    InvalidGrant {
        /// The provider's words.
        description: Option<String>,
    },
    /// The OAuth app's id or secret is refused: the grant is kept, the app must be mended.
    #[error("the provider refuses the OAuth app ({code}){}", shown(.description.as_deref()))]
    InvalidClient {
        /// The provider's code.
        code: String,
        /// The provider's words.
        description: Option<String>,
    },
    /// Another error code: the request was wrong.
    #[error("the provider refuses the token request ({code}){}", shown(.description.as_deref()))]
    Refused {
        /// The provider's code, or `http_400` and the like.
        code: String,
        /// The provider's words.
        description: Option<String>,
    },
    /// 408, 429 or 5xx: may work later.
    #[error("the token endpoint answered HTTP {status}")]
    Transient {
        /// The status.
        status: u16,
        /// What the provider asks us to wait.
        retry_after: Option<Duration>,
        /// A gateway says so for a token service that it got no answer from, or none that it understood.
        may_have_acted: bool,
    },
    /// An answer from which no token can be read; the grant is kept.
    #[error("the token endpoint's answer is not usable: {why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
        /// It is, or begins like, what a token service says that gave out tokens.
        may_have_acted: bool,
    },
}

impl TokenFault {
    /// Whether the provider may have used up what was sent although no token came: a gateway gave up on the token service
    /// (502, 504; 520, 522 and 524 of Cloudflare), or the answer of that service was spoilt. Any other answer is its own
    /// word that it did not act.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Transient { may_have_acted, .. } | Self::Unusable { may_have_acted, .. } => *may_have_acted,
            Self::InvalidGrant { .. } | Self::InvalidClient { .. } | Self::Refused { .. } => false,
        }
    }
}

fn shown(description: Option<&str>) -> String {
    description.map_or_else(String::new, |description| format!(": {description}"))
}

/// Codes that mean the grant is gone, beside `invalid_grant`.
const GRANT: [&str; 8] = [
    "invalid_grant",
    "bad_refresh_token",
    "bad_auth_code",
    "bad_verification_code",
    "invalid_refresh_token",
    "invalid_code",
    "code_already_used",
    "token_revoked",
];
/// Codes that mean the OAuth app is wrong, beside `invalid_client`.
const CLIENT: [&str; 5] = [
    "invalid_client",
    "incorrect_client_credentials",
    "invalid_client_id",
    "bad_client_secret",
    "unauthorized_client",
];

/// The fault for an error code.
pub(super) fn by_code(code: &str, description: Option<&str>) -> TokenFault {
    let description = description.map(redact).filter(|text| !text.is_empty());
    let folded = code.to_ascii_lowercase();
    // Atlassian answers `unauthorized_client` for a dead refresh token and says so in the description.
    let names_token = folded == "unauthorized_client"
        && description
            .as_deref()
            .is_some_and(|text| text.to_ascii_lowercase().contains("refresh_token is invalid"));
    let code = safe_code(code);
    if GRANT.contains(&folded.as_str()) || names_token {
        TokenFault::InvalidGrant { description }
    } else if CLIENT.contains(&folded.as_str()) {
        TokenFault::InvalidClient { code, description }
    } else {
        TokenFault::Refused { code, description }
    }
}

/// A code as RFC 6749 allows it, short; anything else is not shown.
fn safe_code(code: &str) -> String {
    let plain = code.len() <= 64
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' '));
    if plain && !looks_secret(code) { code.to_owned() } else { "unreadable_code".to_owned() }
}

/// A provider's words, bounded, without anything that may be a token, code or state.
pub fn redact(text: &str) -> String {
    let words = clean(text);
    words
        .split(' ')
        .map(|word| if looks_secret(word) { "[removed]" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Long and without the look of a word: letters with digits, or very long. A URL or an identifier may fall to it, too.
fn looks_secret(word: &str) -> bool {
    word.split(|character: char| {
        !(character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '+' | '/' | '~'))
    })
    .any(|run| {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        run.len() >= 16 && (digits >= 2 || run.len() >= 40)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_providers() {
        assert!(matches!(by_code("bad_verification_code", None), TokenFault::InvalidGrant { .. }));
        assert!(matches!(by_code("BAD_REFRESH_TOKEN", None), TokenFault::InvalidGrant { .. }));
        assert!(matches!(
            by_code("unauthorized_client", Some("refresh_token is invalid")),
            TokenFault::InvalidGrant { .. }
        ));
        assert!(matches!(by_code("unauthorized_client", None), TokenFault::InvalidClient { .. }));
        assert!(matches!(by_code("invalid_scope", Some("no")), TokenFault::Refused { .. }));
    }

    #[test]
    fn tokens_in_descriptions_are_removed() {
        let fault = by_code(
            "invalid_grant",
            Some("the token ya29.a0AfH6SMBx7Q9 was\u{0} revoked for code=4/0AX4XfWh-abcdef12345"),
        );
        assert_eq!(
            fault,
            TokenFault::InvalidGrant {
                description: Some("the token [removed] was revoked for [removed]".into())
            }
        );
        assert_eq!(
            by_code("sk_live_abcdefghijk12345", None).to_string(),
            "the provider refuses the token request (unreadable_code)"
        );
    }
}
