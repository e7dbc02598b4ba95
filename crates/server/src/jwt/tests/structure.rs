//! Tokens that are damaged, truncated, padded, repeated or signed with another key.

use super::super::{JwtError, JwtVerifier};
use super::issuer::{Signer, decode, encode, token};
use super::{ISSUER, NOW, Refusals, at, claims, header, minimal, verifier_with, with};
use serde_json::json;

fn valid(signer: &Signer) -> String {
    token(signer, &header(signer).to_string(), &claims().to_string())
}

#[tokio::test]
async fn every_single_flipped_bit_is_noticed() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        let token = valid(signer);
        let parts: Vec<Vec<u8>> = token.split('.').map(decode).collect();
        for part in 0..3 {
            for bit in 0..parts[part].len() * 8 {
                let mut damaged = parts.clone();
                damaged[part][bit / 8] ^= 1 << (bit % 8);
                let texts: Vec<String> = damaged.iter().map(|part| encode(part)).collect();
                refusals
                    .refuse(&texts.join("."), format_args!("{part} {bit}"))
                    .await;
            }
        }
    }
    assert!(refusals.count > 6000, "{}", refusals.count);
}

#[tokio::test]
async fn every_single_changed_character_is_noticed() {
    let mut refusals = Refusals::new();
    let token = valid(Signer::all()[1]);
    for position in 0..token.len() {
        for other in ["A", "_", "+", "=", ".", " ", "\u{0}", "é", ""] {
            if &token[position..=position] == other {
                continue;
            }
            let changed = format!("{}{other}{}", &token[..position], &token[position + 1..]);
            refusals.refuse(&changed, &changed).await;
        }
        refusals.refuse(&token[..position], position).await;
    }
    assert!(refusals.count > 2500, "{}", refusals.count);
}

#[tokio::test]
async fn other_numbers_and_orders_of_parts_are_refused() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        let token = valid(signer);
        let parts: Vec<&str> = token.split('.').collect();
        let (header, payload, signature) = (parts[0], parts[1], parts[2]);
        for changed in [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "...".to_owned(),
            header.to_owned(),
            format!("{header}.{payload}"),
            format!("{header}.{payload}."),
            format!("{header}..{signature}"),
            format!(".{payload}.{signature}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}"),
            format!("{token}.{payload}.{signature}"),
            format!("{header}.{header}.{signature}"),
            format!("{payload}.{header}.{signature}"),
            format!("{header}.{signature}.{payload}"),
            format!("{header}=.{payload}.{signature}"),
            format!("{header}.{payload}=.{signature}"),
            format!("{header}.{payload}.{signature}="),
            format!("{header}.{payload}.{signature}=="),
            format!(" {token}"),
            format!("{token} "),
            format!("{token}\n"),
            format!("{token}\0"),
            format!("{token}A"),
            format!("{token}AAAA"),
            format!("Bearer {token}"),
            format!("{token},{token}"),
            format!("{header}.{payload}.AA"),
        ] {
            refusals.refuse(&changed, &changed).await;
        }
    }
}

#[tokio::test]
async fn a_part_that_is_not_one_json_object_is_refused() {
    let mut refusals = Refusals::new();
    let signer = Signer::all()[2];
    let (header, claims) = (header(signer).to_string(), claims().to_string());
    for (before, after) in [
        ("", "x"),
        ("", "{}"),
        ("", "\0"),
        ("", ","),
        ("\u{feff}", ""),
        ("[", "]"),
        ("\"", "\""),
        ("x", ""),
        ("/**/", ""),
    ] {
        let changed = format!("{before}{claims}{after}");
        let error = refusals.refuse_claims(signer, &changed).await;
        assert_eq!(error, JwtError::Malformed, "{changed}");
        let changed = format!("{before}{header}{after}");
        let error = refusals.refuse_header(signer, &changed).await;
        assert_eq!(error, JwtError::Malformed, "{changed}");
    }
    for text in ["", "null", "1", "\"x\"", "[]", "{", "{\"a\":\"\\ud800\"}"] {
        refusals.refuse_claims(signer, text).await;
        refusals.refuse_header(signer, text).await;
    }
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let changed = claims.replacen('{', &format!("{{\"x\":{deep},"), 1);
    let error = refusals.refuse_claims(signer, &changed).await;
    assert_eq!(error, JwtError::Malformed);
}

#[tokio::test]
async fn a_token_of_more_than_8_kib_is_refused_unread() {
    let mut refusals = Refusals::new();
    let signer = Signer::all()[2];
    let padded = |length: usize| {
        let text = with(claims(), "x", "x".repeat(length).into()).to_string();
        token(signer, &header(signer).to_string(), &text)
    };
    let longest = (1..8192)
        .rev()
        .map(|length| (length, padded(length)))
        .find(|(_, token)| token.len() <= 8192)
        .unwrap();
    assert!(refusals.verifier.verify(&longest.1, at(NOW)).await.is_ok());
    for more in [2, 100, 100_000] {
        let error = refusals.refuse(&padded(longest.0 + more), more).await;
        assert_eq!(error, JwtError::TooLong);
    }
}

#[tokio::test]
async fn a_signature_by_anybody_else_is_refused() {
    let mut refusals = Refusals::new();
    for stranger in Signer::strangers() {
        for own in Signer::all() {
            let token = token(stranger, &header(own).to_string(), &claims().to_string());
            let error = refusals.refuse(&token, own.id()).await;
            assert_eq!(error, JwtError::Signature);
        }
    }
    for length in [1, 32, 63, 64, 65, 255, 256, 257] {
        for (own, byte) in Signer::all().iter().zip([0_u8, 0, 0xff]) {
            let token = valid(own);
            let signed = token.rsplit_once('.').unwrap().0;
            let forged = format!("{signed}.{}", encode(&vec![byte; length]));
            refusals.refuse(&forged, length).await;
        }
    }
}

#[tokio::test]
async fn the_keys_of_one_issuer_sign_nothing_for_another() {
    let (_, first_file) = verifier_with(|_| {});
    let second_file = tempfile::NamedTempFile::new().unwrap();
    let keys: Vec<_> = Signer::strangers().map(Signer::jwk).into();
    std::fs::write(second_file.path(), json!({"keys": keys}).to_string()).unwrap();
    let mut first = minimal();
    first.jwks_file = Some(first_file.path().to_owned());
    let mut second = minimal();
    second.name = "second".to_owned();
    second.issuer = "https://second.example".to_owned();
    second.jwks_file = Some(second_file.path().to_owned());
    let verifier = JwtVerifier::new(vec![first, second]).unwrap();
    let groups = [
        (ISSUER, Signer::all()),
        ("https://second.example", Signer::strangers()),
    ];
    for (issuer, _) in groups {
        for (owner, signers) in groups {
            for signer in signers {
                let claims = with(claims(), "iss", issuer.into()).to_string();
                let token = token(signer, &header(signer).to_string(), &claims);
                let outcome = verifier.verify(&token, at(NOW)).await;
                if issuer == owner {
                    assert_eq!(outcome.unwrap().issuer, issuer);
                } else {
                    assert_eq!(outcome, Err(JwtError::Signature));
                }
            }
        }
    }
}
