//! The signature algorithms that can be accepted: asymmetric ones only, so that no public key can
//! ever be taken for a shared secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A signature algorithm (RFC 7518, section 3.1; RFC 8037; RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519; on the wire `EdDSA` or, by RFC 9864, `Ed25519`.
    #[serde(rename = "EdDSA", alias = "Ed25519")]
    EdDsa,
}

/// The kind of key that an algorithm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    Rsa,
    P256,
    Ed25519,
}

/// The text names no algorithm that can be accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnknownAlgorithm;

impl Algorithm {
    /// The kind of key that it needs.
    pub(super) const fn key_type(self) -> KeyType {
        match self {
            Self::Rs256 | Self::Ps256 => KeyType::Rsa,
            Self::Es256 => KeyType::P256,
            Self::EdDsa => KeyType::Ed25519,
        }
    }

    /// The library's name for it.
    pub(super) const fn in_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        match text {
            "RS256" => Ok(Self::Rs256),
            "PS256" => Ok(Self::Ps256),
            "ES256" => Ok(Self::Es256),
            "EdDSA" | "Ed25519" => Ok(Self::EdDsa),
            _ => Err(UnknownAlgorithm),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        })
    }
}
