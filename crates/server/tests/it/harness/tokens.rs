//! Tokens of a configured issuer, and of an unknown one.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use toolvault_server::IssuerConfig;
use toolvault_vault::{Clock as _, SystemClock};

pub(crate) const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://vault.example";

/// The issuer, with its keys in a file in `directory`; unknown users are created.
pub(crate) fn issuer_in(directory: &Path) -> IssuerConfig {
    let file = directory.join("jwks.json");
    let public = URL_SAFE_NO_PAD.encode(pair(7).public_key().as_ref());
    let keys = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": public, "kid": "one", "use": "sig"}
    ]});
    std::fs::write(&file, keys.to_string()).unwrap();
    let mut config: IssuerConfig = serde_json::from_value(json!({
        "issuer": ISSUER, "audience": [AUDIENCE], "jwks_file": file, "create_users": true,
    }))
    .unwrap();
    config.name = "main".to_owned();
    config
}

/// The claims of a token for `subject` that is valid now.
pub(crate) fn claims_for(subject: &str) -> Value {
    let now = SystemClock.now().seconds();
    json!({"iss": ISSUER, "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + 600})
}

/// A token of the known issuer.
pub(crate) fn sign(claims: &Value) -> String {
    sign_with(&pair(7), "JWT", claims)
}

/// A token of the known issuer with this `typ`.
pub(crate) fn sign_as(typ: &str, claims: &Value) -> String {
    sign_with(&pair(7), typ, claims)
}

/// A token with the same claims, signed with another key.
pub(crate) fn sign_as_stranger(claims: &Value) -> String {
    sign_with(&pair(8), "JWT", claims)
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn sign_with(pair: &Ed25519KeyPair, typ: &str, claims: &Value) -> String {
    let header = json!({"typ": typ, "alg": "EdDSA", "kid": "one"});
    let [header, claims] = [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}
