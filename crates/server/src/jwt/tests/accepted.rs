//! Tokens that must be accepted, so that the refusals in other tests are meaningful.

use serde_json::{Value, json};
use toolvault_core::scope::{Scope, ScopeSet};

use super::super::{Algorithm, JwtVerifier, VerifiedToken, identity};
use super::issuer::{Signer, encode, token};
use super::{
    AUDIENCE, ISSUER, NOW, NOW_AS_FLOAT, at, claims, header, verifier_with, with, without,
};

async fn accept(verifier: &JwtVerifier, claims: &Value) -> VerifiedToken {
    let signer = Signer::all()[2];
    let token = token(signer, &header(signer).to_string(), &claims.to_string());
    let accepted = verifier.verify(&token, at(NOW)).await;
    accepted.unwrap_or_else(|error| panic!("{claims}: {error}"))
}

#[tokio::test]
async fn a_token_of_each_algorithm_is_accepted_with_what_it_says() {
    let (verifier, _file) = verifier_with(|config| config.create_users = true);
    for signer in Signer::all() {
        let token = token(signer, &header(signer).to_string(), &claims().to_string());
        assert_eq!(
            verifier.verify(&token, at(NOW)).await,
            Ok(VerifiedToken {
                issuer_name: "main".to_owned(),
                issuer: ISSUER.to_owned(),
                subject: "alice".to_owned(),
                user_id: identity::user_of(ISSUER, "alice"),
                scopes: [Scope::Manage, Scope::Audit].into_iter().collect(),
                create_users: true,
                expires_at: at(NOW + 300),
            }),
            "{}",
            signer.algorithm()
        );
    }
}

#[tokio::test]
async fn ps256_is_accepted_where_it_is_configured() {
    let (verifier, _file) = verifier_with(|config| config.algorithms.push(Algorithm::Ps256));
    let signer = Signer::all()[0];
    let header = json!({"alg": "PS256", "kid": signer.id()});
    let message = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(claims().to_string().as_bytes())
    );
    let token = format!("{message}.{}", encode(&signer.sign_pss(message.as_bytes())));
    assert!(verifier.verify(&token, at(NOW)).await.is_ok());
    let (verifier, _file) = verifier_with(|_| {});
    assert!(verifier.verify(&token, at(NOW)).await.is_err());
}

#[tokio::test]
async fn every_accepted_type_and_a_header_without_type_or_key_id_are_accepted() {
    let (verifier, _file) = verifier_with(|_| {});
    let signer = Signer::all()[1];
    let plain = header(signer);
    let mut headers = vec![without(plain.clone(), "typ"), without(plain.clone(), "kid")];
    for typ in [
        "jwt",
        "JWT",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "application/jwt",
    ] {
        headers.push(with(plain.clone(), "typ", typ.into()));
    }
    headers.push(with(plain, "x5t", "thumb".into()));
    for header in headers {
        let token = token(signer, &header.to_string(), &claims().to_string());
        assert!(verifier.verify(&token, at(NOW)).await.is_ok(), "{header}");
    }
}

#[tokio::test]
async fn the_newer_name_of_ed25519_is_accepted() {
    let (verifier, _file) = verifier_with(|_| {});
    let signer = Signer::all()[2];
    let header = with(header(signer), "alg", "Ed25519".into());
    let token = token(signer, &header.to_string(), &claims().to_string());
    assert!(verifier.verify(&token, at(NOW)).await.is_ok());
}

#[tokio::test]
async fn claims_at_the_edge_of_the_rules_are_accepted() {
    let (verifier, _file) = verifier_with(|_| {});
    for (name, value) in [
        ("aud", json!([AUDIENCE])),
        ("aud", json!(["other", AUDIENCE])),
        ("exp", json!(NOW - 59)),
        ("exp", json!(NOW_AS_FLOAT + 0.5)),
        ("exp", json!(NOW - 10 + 86_400)),
        ("nbf", json!(NOW + 60)),
        ("nbf", json!(0)),
        ("nbf", json!(NOW_AS_FLOAT - 0.25)),
        ("iat", json!(NOW + 60)),
        ("iat", json!(NOW_AS_FLOAT - 0.25)),
        ("sub", json!("x".repeat(255))),
        ("sub", json!("auth0|Ünïcode @#")),
        ("unknown", json!({"deep": [1, null, {"a": true}]})),
    ] {
        accept(&verifier, &with(claims(), name, value)).await;
    }
    accept(&verifier, &without(claims(), "iat")).await;
}

#[tokio::test]
async fn scopes_are_those_of_the_claim_within_those_of_the_issuer() {
    let scopes = |list: &[Scope]| list.iter().copied().collect::<ScopeSet>();
    let (verifier, _file) =
        verifier_with(|config| config.scopes = scopes(&[Scope::Manage, Scope::Use]));
    for (claim, expected) in [
        ("manage", scopes(&[Scope::Manage])),
        ("manage use", scopes(&[Scope::Manage, Scope::Use])),
        ("openid  use profile ", scopes(&[Scope::Use])),
        ("admin resolve audit", ScopeSet::EMPTY),
        ("Manage", ScopeSet::EMPTY),
        ("manage,use", ScopeSet::EMPTY),
        ("manage\tuse", ScopeSet::EMPTY),
        ("", ScopeSet::EMPTY),
    ] {
        let accepted = accept(&verifier, &with(claims(), "scope", claim.into())).await;
        assert_eq!(accepted.scopes, expected, "{claim}");
    }
    let accepted = accept(&verifier, &claims()).await;
    assert_eq!(accepted.scopes, scopes(&[Scope::Manage, Scope::Use]));
}

#[tokio::test]
async fn a_subject_is_the_user_id_only_for_the_issuer_that_says_so() {
    let id = "0190d3e4-0000-7000-8000-000000000001";
    let (verifier, _file) = verifier_with(|config| config.subject_is_user_id = true);
    let accepted = accept(&verifier, &with(claims(), "sub", id.into())).await;
    assert_eq!(accepted.user_id.to_string(), id);

    let (verifier, _file) = verifier_with(|_| {});
    let accepted = accept(&verifier, &with(claims(), "sub", id.into())).await;
    assert_eq!(accepted.user_id, identity::user_of(ISSUER, id));
}
