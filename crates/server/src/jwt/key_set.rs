//! The keys of one issuer as it publishes them (JWK set, RFC 7517, section 5).

use std::collections::BTreeSet;

use toolvault_core::json::{Value, unambiguous as json};

use super::algorithm::Algorithm;
use super::error::JwtError;
use super::key::Key;

/// The most bytes of a key set.
pub(super) const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// The most keys of a key set, usable or not.
const MAX_KEYS: usize = 32;

/// Members that only a private or symmetric key has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Why a key set is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is larger than 64 KiB.
    #[error("the key set has more than 64 KiB")]
    TooLong,
    /// It is not a JSON object with an array `keys` of objects, or it repeats a member.
    #[error("the key set is not a JSON object with an array 'keys' of objects")]
    Malformed,
    /// It has more than 32 keys.
    #[error("the key set has more than 32 keys")]
    TooManyKeys,
    /// Two of its keys have the same `kid`.
    #[error("two keys of the key set have the same 'kid'")]
    DuplicateKeyId,
    /// It has a private or symmetric key. Everyone who can read the set can forge tokens with it.
    #[error("the key set holds a private or symmetric key")]
    PrivateKey,
    /// None of its keys can verify signatures of an accepted algorithm.
    #[error("the key set holds no usable key: RSA of 2048 to 4096 bits, P-256 or Ed25519")]
    NoUsableKey,
}

/// The usable keys of a set; unusable ones are skipped.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// The usable keys of the document in `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        let document = json::object(bytes).ok_or(KeySetError::Malformed)?;
        let listed = document
            .get("keys")
            .and_then(|keys| json::array(keys, Value::as_object))
            .ok_or(KeySetError::Malformed)?;
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut ids = BTreeSet::new();
        for members in &listed {
            if PRIVATE_MEMBERS
                .iter()
                .any(|&name| members.get(name).is_some())
            {
                return Err(KeySetError::PrivateKey);
            }
            if let Some(id) = members.get("kid").and_then(json::text)
                && !ids.insert(id)
            {
                return Err(KeySetError::DuplicateKeyId);
            }
        }
        let usable: Vec<Key> = listed.into_iter().filter_map(Key::read).collect();
        if usable.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        Ok(Self(usable))
    }

    /// The key with exactly this `id`; without an ID, the only key for `algorithm`.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, JwtError> {
        let Some(id) = id else {
            let mut serving = self.0.iter().filter(|key| key.serves(algorithm));
            return match (serving.next(), serving.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(JwtError::UnknownKey),
            };
        };
        let key = self
            .0
            .iter()
            .find(|key| key.id() == Some(id))
            .ok_or(JwtError::UnknownKey)?;
        if key.serves(algorithm) {
            Ok(key)
        } else {
            Err(JwtError::Algorithm)
        }
    }
}
