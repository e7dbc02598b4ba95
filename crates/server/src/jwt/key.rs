//! One key of a key set (JWK, RFC 7517): which keys can verify signatures, and the verification.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use toolvault_core::json::{Object, unambiguous as json};

use super::algorithm::{Algorithm, KeyType};
use super::error::JwtError;
use super::token::MAX_KEY_ID_BYTES;

/// The only accepted public exponent, 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// A public key that verifies signatures of one kind.
pub(super) struct Key {
    id: Option<String>,
    kind: KeyType,
    /// The only algorithm for which it may be used, if the set says so.
    algorithm: Option<Algorithm>,
    public: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// The key that `members` describe, or `None` if it cannot verify accepted signatures.
    ///
    /// RSA needs 2048 to 4096 bits and the exponent 65537; the curves are P-256 and Ed25519.
    pub(super) fn read(members: Object<'_>) -> Option<Self> {
        let id = match members.get("kid") {
            None => None,
            Some(id) => Some(json::text(id).filter(|id| id.len() <= MAX_KEY_ID_BYTES)?),
        };
        if !is_for_verification(members) {
            return None;
        }
        let (kind, public) = public_key(members)?;
        let algorithm = match members.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::named(&json::text(name)?)?),
        };
        if algorithm.is_some_and(|algorithm| algorithm.key_type() != kind) {
            return None;
        }
        Some(Self {
            id,
            kind,
            algorithm,
            public,
        })
    }

    /// Its `kid`.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether it can verify signatures of `algorithm`.
    pub(super) fn serves(&self, algorithm: Algorithm) -> bool {
        self.kind == algorithm.key_type() && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Verifies `signature` (base64url) over `signed`.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        signed: &str,
        signature: &str,
    ) -> Result<(), JwtError> {
        if !self.serves(algorithm) {
            return Err(JwtError::Algorithm);
        }
        let is_valid = jsonwebtoken::crypto::verify(
            signature,
            signed.as_bytes(),
            &self.public,
            algorithm.in_library(),
        );
        match is_valid {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(JwtError::Signature),
        }
    }
}

/// Whether `use` and `key_ops` (RFC 7517, sections 4.2 and 4.3) allow it to verify signatures.
fn is_for_verification(members: Object<'_>) -> bool {
    let use_allows = members
        .get("use")
        .is_none_or(|purpose| json::text(purpose).as_deref() == Some("sig"));
    let operations_allow = members.get("key_ops").is_none_or(|operations| {
        json::array(operations, |operation| Some(json::text(operation)))
            .is_some_and(|operations| operations.contains(&Some("verify".to_owned())))
    });
    use_allows && operations_allow
}

fn public_key(members: Object<'_>) -> Option<(KeyType, DecodingKey)> {
    let text = |name: &str| members.get(name).and_then(json::text);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    match (text("kty")?.as_str(), text("crv").as_deref()) {
        ("RSA", _) => {
            let modulus = bytes("n")?;
            let exponent = bytes("e")?;
            if exponent != RSA_EXPONENT || !is_sound_modulus(&modulus) {
                return None;
            }
            let public = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
            Some((KeyType::Rsa, public))
        }
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            if x.len() != 32 || y.len() != 32 {
                return None;
            }
            // The uncompressed form of SEC 1, section 2.3.3.
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            Some((KeyType::P256, DecodingKey::from_ec_der(&point)))
        }
        ("OKP", Some("Ed25519")) => {
            let x = bytes("x").filter(|x| x.len() == 32)?;
            Some((KeyType::Ed25519, DecodingKey::from_ed_der(&x)))
        }
        _ => None,
    }
}

/// Whether an RSA modulus has 2048 to 4096 bits, no leading zero byte, and is odd.
fn is_sound_modulus(modulus: &[u8]) -> bool {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return false;
    };
    let bits = (modulus.len() * 8).saturating_sub(first.leading_zeros() as usize);
    *first != 0 && last % 2 == 1 && (2048..=4096).contains(&bits)
}
