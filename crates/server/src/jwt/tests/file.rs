//! Key files that change, break and disappear while a verifier is running.

use serde_json::json;

use super::super::{IssuerConfigError, JwtError, JwtVerifier};
use super::issuer::{Signer, token};
use super::{NOW, at, claims, header, minimal, verifier_with};

fn valid(signer: &Signer) -> String {
    token(signer, &header(signer).to_string(), &claims().to_string())
}

#[tokio::test]
async fn a_changed_file_holds_two_seconds_later() {
    let (verifier, file) = verifier_with(|_| {});
    let (own, stranger) = (Signer::all()[2], Signer::strangers()[2]);
    assert!(verifier.verify(&valid(own), at(NOW)).await.is_ok());
    std::fs::write(file.path(), json!({"keys": [stranger.jwk()]}).to_string()).unwrap();
    assert!(verifier.verify(&valid(own), at(NOW + 1)).await.is_ok());
    let refused = verifier.verify(&valid(own), at(NOW + 2)).await;
    assert_eq!(refused, Err(JwtError::Signature));
    assert!(verifier.verify(&valid(stranger), at(NOW + 2)).await.is_ok());
}

#[tokio::test]
async fn a_broken_or_missing_file_serves_no_keys_until_it_is_mended() {
    let (verifier, file) = verifier_with(|_| {});
    let token = valid(Signer::all()[2]);
    let sound = std::fs::read(file.path()).unwrap();
    assert!(verifier.verify(&token, at(NOW)).await.is_ok());
    std::fs::write(file.path(), "{").unwrap();
    let refused = verifier.verify(&token, at(NOW + 2)).await;
    assert_eq!(refused, Err(JwtError::Unavailable));
    std::fs::write(file.path(), &sound).unwrap();
    assert!(verifier.verify(&token, at(NOW + 4)).await.is_ok());
    std::fs::remove_file(file.path()).unwrap();
    let refused = verifier.verify(&token, at(NOW + 6)).await;
    assert_eq!(refused, Err(JwtError::Unavailable));
    std::fs::write(file.path(), &sound).unwrap();
    assert!(verifier.verify(&token, at(NOW + 8)).await.is_ok());
}

#[test]
fn a_file_that_serves_no_keys_is_found_at_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut config = minimal();
    config.jwks_file = Some(file.path().to_owned());
    let error = JwtVerifier::new(vec![config.clone()]).unwrap_err();
    assert!(
        matches!(error, IssuerConfigError::KeyFile { .. }),
        "{error}"
    );
    config.jwks_file = Some(file.path().with_extension("missing"));
    let error = JwtVerifier::new(vec![config]).unwrap_err();
    assert!(error.to_string().contains("it cannot be read"), "{error}");
}
