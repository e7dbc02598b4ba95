//! Key sets: which keys are skipped, and which documents are refused.

use aws_lc_rs::rsa::KeySize;
use serde_json::{Value, json};

use super::super::key_set::{KeySet, KeySetError};
use super::super::{Algorithm, JwtError};
use super::issuer::{Signer, encode};
use super::{with, without};

fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn refusal(keys: &[Value]) -> KeySetError {
    parse(keys).unwrap_err()
}

#[test]
fn keys_that_are_not_for_our_signatures_are_passed_over() {
    let [rsa, p256, ed25519] = Signer::all().map(Signer::jwk);
    for unusable in [
        with(rsa.clone(), "use", "enc".into()),
        with(rsa.clone(), "use", json!(null)),
        with(rsa.clone(), "key_ops", json!(["sign"])),
        with(rsa.clone(), "key_ops", json!([])),
        with(rsa.clone(), "key_ops", json!("verify")),
        with(rsa.clone(), "alg", "RSA-OAEP".into()),
        with(rsa.clone(), "alg", "RS512".into()),
        with(rsa.clone(), "alg", "HS256".into()),
        with(rsa.clone(), "alg", "ES256".into()),
        with(rsa.clone(), "alg", json!(null)),
        with(rsa.clone(), "kty", "rsa".into()),
        with(rsa.clone(), "kid", json!(1)),
        with(rsa.clone(), "kid", "x".repeat(129).into()),
        with(rsa.clone(), "e", "Aw".into()),
        with(rsa.clone(), "e", "AAEAAQ".into()),
        with(rsa.clone(), "n", "AQAB".into()),
        with(
            rsa.clone(),
            "n",
            format!("{}=", rsa["n"].as_str().unwrap()).into(),
        ),
        without(rsa.clone(), "n"),
        without(rsa, "e"),
        with(p256.clone(), "crv", "P-384".into()),
        with(p256.clone(), "crv", "secp256k1".into()),
        with(p256.clone(), "x", "AQAB".into()),
        without(p256.clone(), "y"),
        without(p256, "crv"),
        with(ed25519.clone(), "crv", "Ed448".into()),
        with(ed25519.clone(), "crv", "X25519".into()),
        with(ed25519.clone(), "x", encode(&[1; 31]).into()),
        without(ed25519, "kty"),
        json!({}),
    ] {
        let alone = refusal(std::slice::from_ref(&unusable));
        assert_eq!(alone, KeySetError::NoUsableKey, "{unusable}");
    }
}

#[test]
fn rsa_keys_outside_2048_to_4096_bits_or_with_a_flaw_are_passed_over() {
    let sound = Signer::all()[0].jwk();
    let modulus = |bytes: &[u8]| with(sound.clone(), "n", encode(bytes).into());
    let mut odd = vec![0xff; 256];
    assert!(parse(&[modulus(&odd)]).is_ok());
    odd[255] = 0xfe;
    assert_eq!(refusal(&[modulus(&odd)]), KeySetError::NoUsableKey);
    for bytes in [
        vec![0xff; 128],
        [&[0x7f][..], &[0xff; 255]].concat(),
        [&[0][..], &[0xff; 256]].concat(),
        [&[1][..], &[0xff; 512]].concat(),
        vec![0xff; 1024],
    ] {
        assert_eq!(refusal(&[modulus(&bytes)]), KeySetError::NoUsableKey);
    }
    let long = Signer::new_rsa(KeySize::Rsa4096).jwk();
    assert!(parse(&[long]).is_ok());
}

#[test]
fn a_set_that_publishes_a_private_or_symmetric_key_is_refused_whole() {
    let [rsa, p256, ed25519] = Signer::all().map(Signer::jwk);
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let leaked = with(p256.clone(), name, "AQAB".into());
        let error = refusal(&[rsa.clone(), leaked, ed25519.clone()]);
        assert_eq!(error, KeySetError::PrivateKey, "{name}");
    }
}

#[test]
fn a_set_with_one_key_id_twice_is_refused_whole() {
    let [rsa, p256, _] = Signer::all().map(Signer::jwk);
    let twin = with(p256, "kid", rsa["kid"].clone());
    assert_eq!(refusal(&[rsa.clone(), twin]), KeySetError::DuplicateKeyId);
    let for_encryption = with(rsa.clone(), "use", "enc".into());
    assert_eq!(refusal(&[for_encryption, rsa]), KeySetError::DuplicateKeyId);
}

#[test]
fn a_set_of_more_than_32_keys_or_64_kib_is_refused() {
    let keys = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|number| with(Signer::all()[2].jwk(), "kid", number.to_string().into()))
            .collect()
    };
    assert!(parse(&keys(32)).is_ok());
    assert_eq!(refusal(&keys(33)), KeySetError::TooManyKeys);
    let padded = with(Signer::all()[2].jwk(), "x5c", "x".repeat(65_536).into());
    assert_eq!(refusal(&[padded]), KeySetError::TooLong);
}

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    let key = Signer::all()[2].jwk().to_string();
    for text in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        key.clone(),
        format!("[{key}]"),
        r#"{"keys":{}}"#.to_owned(),
        r#"{"keys":null}"#.to_owned(),
        format!(r#"{{"keys":[{key},null]}}"#),
        format!(r#"{{"keys":["{}"]}}"#, "x"),
        format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#),
        format!(
            r#"{{"keys":[{}]}}"#,
            key.replacen('{', r#"{"kty":"OKP","#, 1)
        ),
        format!(r#"{{"keys":[{key}]}}x"#),
        "<html>".to_owned(),
    ] {
        let error = KeySet::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, KeySetError::Malformed, "{text}");
    }
    assert_eq!(refusal(&[]), KeySetError::NoUsableKey);
}

#[test]
fn without_a_key_id_only_the_one_key_of_the_algorithm_is_found() {
    let [rsa, p256, ed25519] = Signer::all().map(Signer::jwk);
    let second = with(p256.clone(), "kid", "p256-2".into());
    let only_pss = with(
        with(rsa.clone(), "kid", "rsa-2".into()),
        "alg",
        "PS256".into(),
    );
    let keys = parse(&[rsa, p256, second, without(ed25519, "kid"), only_pss]).unwrap();
    let find = |algorithm| keys.find(None, algorithm).err();
    assert_eq!(find(Algorithm::Rs256), None);
    assert_eq!(find(Algorithm::EdDsa), None);
    assert_eq!(find(Algorithm::Es256), Some(JwtError::UnknownKey));
    assert_eq!(find(Algorithm::Ps256), Some(JwtError::UnknownKey));
    let error = keys.find(Some("rsa-2"), Algorithm::Rs256).err();
    assert_eq!(error, Some(JwtError::Algorithm));
    let error = keys.find(Some(""), Algorithm::EdDsa).err();
    assert_eq!(error, Some(JwtError::UnknownKey));
}
