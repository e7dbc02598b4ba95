//! The private key of an OAuth client, which signs assertions (RFC 7523) in place of a secret.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

/// A private key.
#[expect(missing_debug_implementations, reason = "a key has no printable form")]
pub struct ClientKey(Pair);

enum Pair {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl ClientKey {
    /// The key in a document of PKCS #8 (RFC 5958): on P-256, RSA with 2,048 to 8,192 bits, or Ed25519.
    pub fn from_pkcs8(document: &[u8]) -> Option<Self> {
        let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document);
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map(Pair::Ed25519);
        let pair = pair.or_else(|_| p256().map(Pair::P256));
        let pair = pair.or_else(|_| RsaKeyPair::from_pkcs8(document).map(Pair::Rsa));
        pair.ok().map(Self)
    }

    /// The name of its algorithm (RFC 7518, section 3.1, and RFC 8037).
    pub fn algorithm(&self) -> &'static str {
        match self.0 {
            Pair::P256(_) => "ES256",
            Pair::Rsa(_) => "RS256",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The signature of `message`; `None` if the system gives no random bytes.
    #[expect(
        clippy::disallowed_methods,
        reason = "the library ignores any other source for the nonce of a signature"
    )]
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.0 {
            Pair::P256(pair) => {
                let signature = pair.sign(&random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    fn verify(
        document: &[u8],
        name: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        public: &[u8],
    ) {
        let key = ClientKey::from_pkcs8(document).unwrap();
        assert_eq!(key.algorithm(), name);
        let signature = key.sign(b"message").unwrap();
        let public = UnparsedPublicKey::new(algorithm, public);
        assert!(public.verify(b"message", &signature).is_ok(), "{name}");
        assert!(public.verify(b"another", &signature).is_err(), "{name}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "keys are made up for the test")]
    fn signatures_of_every_kind_of_key_verify() {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, p256.as_ref());
        let public = pair.unwrap().public_key().as_ref().to_vec();
        verify(p256.as_ref(), "ES256", &ECDSA_P256_SHA256_FIXED, &public);
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        verify(ed25519.as_ref(), "EdDSA", &ED25519, &public);
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = rsa.public_key().as_ref().to_vec();
        let document = rsa.as_der().unwrap();
        let algorithm = &RSA_PKCS1_2048_8192_SHA256;
        verify(document.as_ref(), "RS256", algorithm, &public);
    }

    #[test]
    fn what_is_no_key_is_none() {
        assert!(ClientKey::from_pkcs8(b"").is_none());
        assert!(ClientKey::from_pkcs8(&[0x30; 64]).is_none());
    }
}
