//! Keys that sign tokens, made once for all tests.

use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key pair of one kind.
pub(super) enum Signer {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn new_rsa(size: aws_lc_rs::rsa::KeySize) -> Self {
        Self::Rsa(RsaKeyPair::generate(size).unwrap())
    }

    pub(super) fn new_p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(super) fn new_ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    /// The issuer's three keys.
    pub(super) fn all() -> [&'static Self; 3] {
        static ISSUER: OnceLock<[Signer; 3]> = OnceLock::new();
        ISSUER.get_or_init(Self::three).each_ref()
    }

    /// Three keys of an attacker, with the same IDs.
    pub(super) fn strangers() -> [&'static Self; 3] {
        static STRANGERS: OnceLock<[Signer; 3]> = OnceLock::new();
        STRANGERS.get_or_init(Self::three).each_ref()
    }

    fn three() -> [Self; 3] {
        [
            Self::new_rsa(aws_lc_rs::rsa::KeySize::Rsa2048),
            Self::new_p256(),
            Self::new_ed25519(),
        ]
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    pub(super) fn id(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa-1",
            Self::P256(_) => "p256-1",
            Self::Ed25519(_) => "ed25519-1",
        }
    }

    pub(super) fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match self {
            Self::Rsa(pair) => {
                let modulus = pair.public_key().modulus();
                let modulus = modulus.big_endian_without_leading_zero();
                json!({"kty": "RSA", "n": encode(modulus), "e": "AQAB"})
            }
            Self::P256(_) => {
                let point = self.public();
                json!({"kty": "EC", "crv": "P-256",
                    "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
            Self::Ed25519(_) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(self.public())})
            }
        };
        jwk["kid"] = self.id().into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => sign_rsa(pair, &RSA_PKCS1_SHA256, message),
            Self::P256(pair) => pair.sign(&random(), message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    pub(super) fn sign_pss(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => sign_rsa(pair, &RSA_PSS_SHA256, message),
            _ => panic!("only RSA has PSS"),
        }
    }
}

fn sign_rsa(
    pair: &RsaKeyPair,
    encoding: &'static dyn aws_lc_rs::signature::RsaEncoding,
    message: &[u8],
) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &random(), message, &mut signature)
        .unwrap();
    signature
}

#[expect(
    clippy::disallowed_methods,
    reason = "signatures in tests need no repeatable randomness"
)]
fn random() -> SystemRandom {
    SystemRandom::new()
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A token with these two texts and a valid signature.
pub(super) fn token(signer: &Signer, header: &str, claims: &str) -> String {
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature = encode(&signer.sign(message.as_bytes()));
    format!("{message}.{signature}")
}
