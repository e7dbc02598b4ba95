//! A token taken apart: nothing in it is believed yet, and everything that is not plain is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::JwtError;
use super::algorithm::Algorithm;
use super::claims::Claims;
use super::strict_json::{self, Json, Object};

/// Most bytes of a token.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Most bytes of a `kid`.
pub(super) const MAX_KEY_ID_BYTES: usize = 128;

/// Header members that would choose the key or change what is signed. `crit` is among them because
/// no extension is understood here (RFC 7515, section 4.1.11).
const REFUSED_MEMBERS: [&str; 9] = [
    "b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip",
];

/// The parts of a token in compact form (RFC 7515, section 3.1).
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: Claims,
    /// The first two parts with the point between them.
    pub(super) signed: &'a str,
    /// The third part, in base64url.
    pub(super) signature: &'a str,
}

impl<'a> Token<'a> {
    /// The parts of `token`, whose header is acceptable and whose claims are an object.
    pub(super) fn parse(token: &'a str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        // A fourth part would leave a point inside `payload`, which is not in the alphabet.
        let header = strict_json::object(&decode(header)?).ok_or(JwtError::Malformed)?;
        let claims = strict_json::object(&decode(payload)?).ok_or(JwtError::Malformed)?;
        decode(signature)?;
        check_members(&header)?;
        Ok(Self {
            algorithm: algorithm(&header)?,
            key_id: key_id(&header)?,
            claims: Claims::new(claims),
            signed,
            signature,
        })
    }
}

/// The bytes of a part: base64url without padding, in the one canonical spelling, not empty.
fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    match URL_SAFE_NO_PAD.decode(part) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(JwtError::Malformed),
    }
}

fn check_members(header: &Object) -> Result<(), JwtError> {
    let holds_refused = REFUSED_MEMBERS
        .iter()
        .any(|&member| header.contains_key(member));
    let type_is_accepted = match header.get("typ") {
        None => true,
        Some(Json::Text(text)) => is_token_type(text),
        Some(_) => false,
    };
    if holds_refused || !type_is_accepted {
        return Err(JwtError::Header);
    }
    Ok(())
}

/// Whether `typ` says JWT (RFC 7519) or access token (RFC 9068), as a media type of either length.
fn is_token_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let short = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(short, "jwt" | "at+jwt")
}

fn algorithm(header: &Object) -> Result<Algorithm, JwtError> {
    match header.get("alg") {
        Some(Json::Text(name)) => Algorithm::named(name).ok_or(JwtError::Algorithm),
        _ => Err(JwtError::Header),
    }
}

fn key_id(header: &Object) -> Result<Option<String>, JwtError> {
    match header.get("kid") {
        None => Ok(None),
        Some(Json::Text(id)) if id.len() <= MAX_KEY_ID_BYTES => Ok(Some(id.clone())),
        Some(_) => Err(JwtError::Header),
    }
}
