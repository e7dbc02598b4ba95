//! Headers that try to choose the key, the algorithm or the meaning of the signed data.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::super::JwtError;
use super::issuer::{Signer, encode, token};
use super::{NOW, Refusals, at, claims, header, verifier_with, with, without};

/// Values of every type and size that a member may be given.
fn junk() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(""),
        json!("x"),
        json!([]),
        json!([""]),
        json!({}),
        json!({"a": 1}),
    ]
}

#[tokio::test]
async fn members_that_bring_their_own_key_or_change_the_payload_are_refused() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        for name in [
            "b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip",
        ] {
            let mut values = junk();
            values.extend([
                signer.jwk(),
                json!("https://evil.example/jwks"),
                json!(["exp"]),
            ]);
            for value in values {
                let header = with(header(signer), name, value);
                let error = refusals.refuse_header(signer, &header.to_string()).await;
                assert_eq!(error, JwtError::Header);
            }
        }
    }
    assert_eq!(refusals.count, 3 * 9 * 16);
}

#[tokio::test]
async fn an_issuer_can_narrow_the_types_of_its_tokens() {
    let (verifier, _file) = verifier_with(|config| config.token_types = vec!["at+jwt".to_owned()]);
    let signer = Signer::all()[2];
    for (typ, is_accepted) in [
        (Some("at+jwt"), true),
        (Some("AT+JWT"), true),
        (Some("application/at+jwt"), true),
        (Some("JWT"), false),
        (Some("application/jwt"), false),
        (None, false),
    ] {
        let header = match typ {
            Some(typ) => with(header(signer), "typ", typ.into()),
            None => without(header(signer), "typ"),
        };
        let token = token(signer, &header.to_string(), &claims().to_string());
        let outcome = verifier.verify(&token, at(NOW)).await.map(|_| ());
        let expected = if is_accepted {
            Ok(())
        } else {
            Err(JwtError::Header)
        };
        assert_eq!(outcome, expected, "{typ:?}");
    }
}

#[tokio::test]
async fn types_of_other_tokens_and_members_of_the_wrong_type_are_refused() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        for name in ["typ", "alg", "kid"] {
            for value in junk() {
                let header = with(header(signer), name, value);
                refusals.refuse_header(signer, &header.to_string()).await;
            }
        }
        for typ in [
            "dpop+jwt",
            "logout+jwt",
            "JWE",
            "JOSE",
            "application/application/jwt",
            "jwt ",
            "at-jwt",
        ] {
            let header = with(header(signer), "typ", typ.into());
            let error = refusals.refuse_header(signer, &header.to_string()).await;
            assert_eq!(error, JwtError::Header);
        }
        refusals
            .refuse_header(signer, &without(header(signer), "alg").to_string())
            .await;
    }
}

#[tokio::test]
async fn an_algorithm_other_than_that_of_the_key_is_refused() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        for algorithm in [
            "none",
            "None",
            "NONE",
            "nOnE",
            " none",
            "HS256",
            "HS384",
            "HS512",
            "RS256",
            "RS384",
            "RS512",
            "PS256",
            "PS384",
            "PS512",
            "ES256",
            "ES256K",
            "ES384",
            "ES512",
            "EdDSA",
            "Ed25519",
            "Ed448",
            "rs256",
            "RS256 ",
            "RS256\u{0}",
            "RSA1_5",
            "dir",
            "ML-DSA-44",
        ] {
            let is_its_own = algorithm == signer.algorithm()
                || (algorithm == "Ed25519" && signer.algorithm() == "EdDSA");
            if is_its_own {
                continue;
            }
            let header = with(header(signer), "alg", algorithm.into());
            let error = refusals.refuse_header(signer, &header.to_string()).await;
            assert_eq!(error, JwtError::Algorithm, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn an_algorithm_that_the_issuer_does_not_list_is_refused() {
    for signer in Signer::all() {
        let (verifier, _file) = verifier_with(|config| {
            let own = super::super::Algorithm::named(signer.algorithm());
            config
                .algorithms
                .retain(|algorithm| Some(*algorithm) != own);
        });
        let token = super::token(signer, &header(signer).to_string(), &claims().to_string());
        let refused = verifier.verify(&token, at(NOW)).await;
        assert_eq!(refused, Err(JwtError::Algorithm));
    }
}

#[tokio::test]
async fn an_hmac_with_the_public_key_as_secret_is_refused() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        let jwk = signer.jwk();
        let secrets = [
            signer.public().to_vec(),
            jwk.to_string().into_bytes(),
            jwk["n"].as_str().unwrap_or_default().as_bytes().to_vec(),
            jwk["x"].as_str().unwrap_or_default().as_bytes().to_vec(),
            json!({"keys": [jwk]}).to_string().into_bytes(),
            Vec::new(),
        ];
        for secret in &secrets {
            for (algorithm, digest) in [
                ("HS256", hmac::HMAC_SHA256),
                ("HS384", hmac::HMAC_SHA384),
                ("HS512", hmac::HMAC_SHA512),
                (signer.algorithm(), hmac::HMAC_SHA256),
            ] {
                let header = with(header(signer), "alg", algorithm.into());
                let signed = format!(
                    "{}.{}",
                    encode(header.to_string().as_bytes()),
                    encode(claims().to_string().as_bytes())
                );
                let tag = hmac::sign(&hmac::Key::new(digest, secret), signed.as_bytes());
                let token = format!("{signed}.{}", encode(tag.as_ref()));
                refusals.refuse(&token, algorithm).await;
            }
        }
    }
    assert_eq!(refusals.count, 3 * 6 * 4);
}

#[tokio::test]
async fn a_key_id_is_opaque_and_matches_whole() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        let id = signer.id();
        let mut ids: Vec<String> = Signer::all()
            .iter()
            .map(|other| other.id().to_owned())
            .filter(|other| other != id)
            .collect();
        ids.extend([
            id.to_uppercase(),
            format!("{id} "),
            format!(" {id}"),
            format!("{id}\u{0}"),
            id[..id.len() - 1].to_owned(),
            format!("../{id}"),
            "' OR 1=1 --".to_owned(),
            "/dev/null".to_owned(),
            "*".to_owned(),
            "x".repeat(128),
            "x".repeat(129),
            "x".repeat(4000),
        ]);
        for id in ids {
            let header = with(header(signer), "kid", id.into());
            refusals.refuse_header(signer, &header.to_string()).await;
        }
    }
}

#[tokio::test]
async fn a_member_named_twice_is_refused_also_when_one_name_is_escaped() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        let plain = header(signer).to_string();
        for (name, escaped) in [
            ("alg", r"\u0061lg"),
            ("kid", r"k\u0069d"),
            ("typ", r"ty\u0070"),
        ] {
            let value = header(signer)[name].to_string();
            for second in [name, escaped] {
                for text in [
                    plain.replacen('{', &format!("{{\"{second}\":{value},"), 1),
                    plain.replacen('{', &format!("{{\"{second}\":\"none\","), 1),
                    plain.replacen('}', &format!(",\"{second}\":{value}}}"), 1),
                    plain.replacen('}', &format!(",\"{second}\":null}}"), 1),
                ] {
                    let error = refusals.refuse_header(signer, &text).await;
                    assert_eq!(error, JwtError::Malformed, "{text}");
                }
            }
        }
        let nested = plain.replacen('}', r#","x":{"a":1,"a":2}}"#, 1);
        assert_eq!(
            refusals.refuse_header(signer, &nested).await,
            JwtError::Malformed
        );
    }
}
