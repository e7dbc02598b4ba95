//! Assertions that a client signs with its private key: who it is, in place of a secret (RFC 7523, sections 2.1 and 2.2).

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use toolvault_core::client_key::ClientKey;
use toolvault_core::confidential::Wiped;
use toolvault_core::digest::hexadecimal;
use toolvault_core::entropy::Entropy;
use toolvault_core::timestamp::{SECOND, Timestamp};

use super::error::OAuthError;

/// How long an assertion is good, in seconds.
const LASTS: i64 = 60;
const OPENING: &str = "-----BEGIN PRIVATE KEY-----";
const CLOSING: &str = "-----END PRIVATE KEY-----";

/// An assertion by the client `id` for the authorization server `issuer`, signed with the key in the file.
pub(crate) fn sign(
    file: &Path,
    id: &str,
    issuer: &str,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Wiped<String>, OAuthError> {
    let unusable = |source| OAuthError::File {
        key: "private_key_file",
        source,
    };
    let key = read_key(file).map_err(unusable)?;
    let mut random = [0; 16];
    entropy
        .fill(&mut random)
        .map_err(|error| unusable(std::io::Error::other(error)))?;
    let issued_at = now.microseconds().div_euclid(SECOND);
    let header = json!({ "alg": key.algorithm(), "typ": "JWT" });
    let claims = json!({
        "iss": id,
        "sub": id,
        "aud": issuer,
        "iat": issued_at,
        "exp": issued_at + LASTS,
        "jti": hexadecimal(&random),
    });
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = key.sign(signed.as_bytes());
    let signature =
        signature.ok_or_else(|| unusable(std::io::Error::other("the key cannot sign")))?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok(Wiped::new(format!("{signed}.{signature}")))
}

fn read_key(file: &Path) -> std::io::Result<ClientKey> {
    let text = Wiped::new(std::fs::read_to_string(file)?);
    let encoded = text.split_once(OPENING).and_then(|(_, rest)| {
        let (encoded, _) = rest.split_once(CLOSING)?;
        Some(Wiped::new(
            encoded.split_ascii_whitespace().collect::<String>(),
        ))
    });
    let document = encoded.and_then(|encoded| STANDARD.decode(encoded.as_bytes()).ok());
    let key = document.and_then(|document| ClientKey::from_pkcs8(&Wiped::new(document)));
    key.ok_or_else(|| {
        std::io::Error::other(
            "it must have a private key in PEM (PKCS #8, \"BEGIN PRIVATE KEY\"): P-256, RSA or Ed25519",
        )
    })
}
