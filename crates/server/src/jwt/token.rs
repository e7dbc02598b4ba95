//! Parses a token strictly. Nothing in it is trusted yet.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use toolvault_core::json::{Object, unambiguous as json};

use super::algorithm::Algorithm;
use super::claims::Claims;
use super::error::JwtError;

/// The most bytes of a token.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The most bytes of a `kid`.
pub(super) const MAX_KEY_ID_BYTES: usize = 128;

/// Header members that would choose the key or change what is signed. `crit` is among them because no extension is
/// supported (RFC 7515, section 4.1.11).
const REFUSED_MEMBERS: [&str; 9] = [
    "b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip",
];

/// The parts of a token in compact form (RFC 7515, section 3.1).
pub(super) struct Parts<'a> {
    header: Vec<u8>,
    payload: Vec<u8>,
    /// The first two parts with the dot between them.
    signed: &'a str,
    /// The third part, in base64url.
    signature: &'a str,
}

impl<'a> Parts<'a> {
    /// The parts of `token`, each of which must be canonical base64url.
    pub(super) fn decode(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        decode(signature)?;
        Ok(Self {
            header: decode(header)?,
            // A fourth part would leave a dot inside `payload`, which base64url does not have.
            payload: decode(payload)?,
            signed,
            signature,
        })
    }
}

/// The content of a token before its signature is verified.
pub(super) struct Token<'a> {
    /// The header's `typ`.
    typ: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: Claims<'a>,
    pub(super) signed: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Token<'a> {
    /// Reads a token with an acceptable header and an object of claims.
    pub(super) fn read(parts: &'a Parts<'_>) -> Result<Self, JwtError> {
        let header = json::object(&parts.header).ok_or(JwtError::Malformed)?;
        let claims = json::object(&parts.payload).ok_or(JwtError::Malformed)?;
        Ok(Self {
            typ: typ(header)?,
            algorithm: algorithm(header)?,
            key_id: key_id(header)?,
            claims: Claims::new(claims),
            signed: parts.signed,
            signature: parts.signature,
        })
    }
}

impl Token<'_> {
    /// Checks that the token is an access token of one of the `accepted` types.
    ///
    /// An ID token states who signed in to a client. It may have the same audience and type (RFC 9068, section 5), but
    /// has claims of its own by which it is recognised.
    pub(super) fn check_type(&self, accepted: &[String]) -> Result<(), JwtError> {
        let found = short(self.typ.as_deref().unwrap_or("jwt"));
        if !accepted.iter().any(|accepted| short(accepted) == found) {
            return Err(JwtError::Header);
        }
        self.claims.check_purpose()
    }

    /// Checks that the token is not of a type that only other tokens have.
    pub(super) fn check_id_token_type(&self) -> Result<(), JwtError> {
        if short(self.typ.as_deref().unwrap_or("jwt")) == "jwt" {
            Ok(())
        } else {
            Err(JwtError::NotIdToken)
        }
    }
}

/// The bytes of a part, which must be non-empty canonical base64url without padding.
fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    match URL_SAFE_NO_PAD.decode(part) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(JwtError::Malformed),
    }
}

/// The type, if no member would choose the key or change what is signed.
fn typ(header: Object<'_>) -> Result<Option<String>, JwtError> {
    let holds_refused = REFUSED_MEMBERS
        .iter()
        .any(|&member| header.get(member).is_some());
    if holds_refused {
        return Err(JwtError::Header);
    }
    let typ = header
        .get("typ")
        .map(|typ| json::text(typ).ok_or(JwtError::Header));
    typ.transpose()
}

/// A media type in lower case, without the optional `application/` (RFC 7515, section 4.1.9).
fn short(media_type: &str) -> String {
    let lower = media_type.to_ascii_lowercase();
    lower
        .strip_prefix("application/")
        .map_or_else(|| lower.clone(), str::to_owned)
}

fn algorithm(header: Object<'_>) -> Result<Algorithm, JwtError> {
    let name = header.get("alg").and_then(json::text);
    Algorithm::named(&name.ok_or(JwtError::Header)?).ok_or(JwtError::Algorithm)
}

fn key_id(header: Object<'_>) -> Result<Option<String>, JwtError> {
    header
        .get("kid")
        .map(|id| {
            json::text(id)
                .filter(|id| id.len() <= MAX_KEY_ID_BYTES)
                .ok_or(JwtError::Header)
        })
        .transpose()
}
