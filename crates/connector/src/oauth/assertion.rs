//! The signed assertion of a service account (RFC 7523, RS256).
//!
//! Knows claims and PEM. Must not read where a key file says that tokens are: the definition decides that.

use super::endpoint::OauthError;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Its grant type.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Life of an assertion, in seconds: the most that Google accepts.
const LIFE: i64 = 3600;

/// A JWT signed with the private key of a key file (`client_email`, `private_key` in PKCS #8 PEM).
pub(super) fn sign(
    key_file: &SecretString,
    audience: &str,
    scope: &str,
    now: Timestamp,
) -> Result<String, OauthError> {
    let wrong =
        |what: &str| OauthError(format!("credentials_json must be a service account key file: {what}"));
    let file: Value = serde_json::from_str(key_file.expose_secret()).map_err(|_| wrong("it is not JSON"))?;
    let text = |name: &str| file.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let issuer = text("client_email").ok_or_else(|| wrong("it has no client_email"))?;
    let pem = text("private_key").ok_or_else(|| wrong("it has no private_key"))?;
    let key = RsaKeyPair::from_pkcs8(&der(pem).ok_or_else(|| wrong("its private_key is no PEM text"))?)
        .map_err(|_| wrong("its private_key is no RSA key in PKCS #8"))?;
    let begins = now.as_second();
    let claims = json!({"iss": issuer, "scope": scope, "aud": audience, "iat": begins, "exp": begins.saturating_add(LIFE)});
    let mut header = json!({"alg": "RS256", "typ": "JWT"});
    if let (Some(id), Value::Object(header)) = (text("private_key_id"), &mut header) {
        header.insert("kid".to_owned(), Value::from(id));
    }
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut signature = vec![0; key.public_modulus_len()];
    // PKCS #1 v1.5 is deterministic: the random source is the library's blinding, never part of what is sent.
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| wrong("its private_key does not sign"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The bytes in a PEM block.
fn der(pem: &str) -> Option<Vec<u8>> {
    let inside = pem.split_once("-----BEGIN PRIVATE KEY-----")?.1.split_once("-----END PRIVATE KEY-----")?.0;
    STANDARD.decode(inside.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    #[test]
    fn signs_what_it_says() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let file = SecretString::from(
            json!({"client_email": "svc@x", "private_key": pem, "token_uri": "https://evil"}).to_string(),
        );
        let token = sign(&file, "https://oauth2.googleapis.com/token", "a b", Timestamp::UNIX_EPOCH).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap())
                .unwrap();
        assert_eq!(
            claims,
            json!({"iss": "svc@x", "scope": "a b", "aud": "https://oauth2.googleapis.com/token", "iat": 0, "exp": 3600})
        );
        assert!(
            sign(
                &SecretString::from("{\"client_email\":\"x\",\"private_key\":\"s3cret\"}"),
                "a",
                "",
                Timestamp::UNIX_EPOCH
            )
            .is_err_and(|error| !error.0.contains("s3cret"))
        );
    }
}
