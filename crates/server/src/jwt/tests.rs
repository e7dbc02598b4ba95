//! Tokens as attackers would forge them, and as real issuers sign them.

mod accepted;
mod claims;
mod config;
mod file;
mod header;
mod issuer;
mod key_sets;
mod structure;
mod tls;
mod url;

use serde_json::{Value, json};
use toolvault_core::timestamp::{SECOND, Timestamp};

use self::issuer::{Signer, token};
use super::{IssuerConfig, JwtError, JwtVerifier};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://vault.example";

/// 2026-01-01T00:00:00Z in seconds.
const NOW: i64 = 1_767_225_600;

/// The same as a float, for fractions of a second.
const NOW_AS_FLOAT: f64 = 1_767_225_600.0;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds(seconds * SECOND)
}

/// An issuer with only the required settings of `[auth.issuers.main]`, and no keys yet.
fn minimal() -> IssuerConfig {
    let mut config: IssuerConfig =
        serde_json::from_value(json!({"issuer": ISSUER, "audience": [AUDIENCE]})).unwrap();
    config.name = "main".to_owned();
    config
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "iat": NOW - 10, "exp": NOW + 300,
    })
}

fn header(signer: &Signer) -> Value {
    json!({"typ": "JWT", "alg": signer.algorithm(), "kid": signer.id()})
}

/// A verifier of the three signers' tokens, after `change`; the guard deletes the file.
fn verifier_with(change: impl FnOnce(&mut IssuerConfig)) -> (JwtVerifier, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let keys: Vec<Value> = Signer::all().map(Signer::jwk).into();
    std::fs::write(file.path(), json!({"keys": keys}).to_string()).unwrap();
    let mut config = minimal();
    config.jwks_file = Some(file.path().to_owned());
    change(&mut config);
    (JwtVerifier::new(vec![config]).unwrap(), file)
}

/// Counts tokens that must be refused, and stops at the first that is not.
struct Refusals {
    verifier: JwtVerifier,
    _file: tempfile::NamedTempFile,
    count: usize,
}

impl Refusals {
    fn new() -> Self {
        let (verifier, file) = verifier_with(|_| {});
        Self {
            verifier,
            _file: file,
            count: 0,
        }
    }

    async fn refuse(&mut self, token: &str, what: impl std::fmt::Display) -> JwtError {
        self.count += 1;
        match self.verifier.verify(token, at(NOW)).await {
            Err(error) => {
                assert_ne!(error, JwtError::Unavailable, "{what}");
                error
            }
            Ok(_) => panic!("accepted: {what}"),
        }
    }

    async fn refuse_header(&mut self, signer: &Signer, header: &str) -> JwtError {
        let token = token(signer, header, &claims().to_string());
        self.refuse(&token, header).await
    }

    async fn refuse_claims(&mut self, signer: &Signer, claims: &str) -> JwtError {
        let token = token(signer, &header(signer).to_string(), claims);
        self.refuse(&token, claims).await
    }
}

/// `object` with `name` set to `value`.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// `object` without `name`.
fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}
