//! Claims with a wrong type, time or place, all with valid signatures.

use serde_json::{Value, json};

use super::super::JwtError;
use super::issuer::{Signer, token};
use super::{
    AUDIENCE, ISSUER, NOW, NOW_AS_FLOAT, Refusals, at, claims, header, verifier_with, with, without,
};

/// Values that no registered claim may have, whatever its type.
fn junk() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!([]),
        json!([[]]),
        json!([null]),
        json!([1]),
        json!([["x"]]),
        json!({}),
        json!({"a": "b"}),
        json!(-1),
        json!(-0.5),
        json!(-1e300),
        json!(1e300),
        json!(253_402_300_800_i64),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
    ]
}

/// Texts that are not a valid date, audience or issuer.
fn texts() -> Vec<Value> {
    vec![
        json!(""),
        json!(" "),
        json!("0"),
        json!((NOW + 300).to_string()),
        json!("2026-01-01T00:05:00Z"),
        json!("9999999999"),
        json!("Infinity"),
        json!("NaN"),
        json!("\u{0}"),
    ]
}

#[tokio::test]
async fn a_claim_of_the_wrong_type_is_refused_and_never_taken_for_absent() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "scope"] {
            for value in junk() {
                let claims = with(claims(), name, value).to_string();
                refusals.refuse_claims(signer, &claims).await;
            }
        }
        for name in ["iss", "aud", "exp", "nbf", "iat"] {
            for value in texts() {
                let claims = with(claims(), name, value).to_string();
                refusals.refuse_claims(signer, &claims).await;
            }
        }
    }
    assert_eq!(refusals.count, 3 * (7 * 18 + 5 * 9));
}

#[tokio::test]
async fn an_id_token_is_refused_whatever_its_type_and_audience() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        for name in ["nonce", "at_hash", "c_hash", "s_hash", "events"] {
            for value in [json!("n-0S6_WzA2Mj"), json!(""), json!(null), json!({})] {
                let claims = with(claims(), name, value).to_string();
                let error = refusals.refuse_claims(signer, &claims).await;
                assert_eq!(error, JwtError::NotAccessToken, "{name}");
                let header = with(header(signer), "typ", "at+jwt".into()).to_string();
                let token = token(signer, &header, &claims);
                let error = refusals.refuse(&token, name).await;
                assert_eq!(error, JwtError::NotAccessToken, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn numbers_that_json_does_not_have_are_refused() {
    let mut refusals = Refusals::new();
    let signer = Signer::all()[2];
    for name in ["exp", "nbf", "iat"] {
        for number in [
            "NaN",
            "Infinity",
            "1e400",
            "-1e400",
            "0x7fffffff",
            "01767225900",
            "+1767225900",
            "1767225900.",
            ".5",
            "1_767_225_900",
            "1767225900n",
        ] {
            let text = with(claims(), name, json!("@")).to_string();
            let text = text.replace("\"@\"", number);
            let error = refusals.refuse_claims(signer, &text).await;
            assert_eq!(error, JwtError::Malformed, "{text}");
        }
    }
}

#[tokio::test]
async fn a_required_claim_that_is_absent_is_refused() {
    let mut refusals = Refusals::new();
    for signer in Signer::all() {
        for name in ["iss", "sub", "aud", "exp"] {
            let claims = without(claims(), name).to_string();
            let error = refusals.refuse_claims(signer, &claims).await;
            assert_eq!(error, JwtError::Claim(name));
        }
        refusals.refuse_claims(signer, "{}").await;
    }
}

#[tokio::test]
async fn a_token_outside_its_time_is_refused() {
    let mut refusals = Refusals::new();
    for (name, value, expected) in [
        ("exp", json!(NOW - 60), JwtError::Expired),
        ("exp", json!(NOW - 86_400), JwtError::Expired),
        ("exp", json!(0), JwtError::Expired),
        ("exp", json!(1.5), JwtError::Expired),
        ("nbf", json!(NOW + 61), JwtError::NotYetValid),
        ("nbf", json!(NOW_AS_FLOAT + 60.5), JwtError::NotYetValid),
        ("nbf", json!(253_402_300_799_i64), JwtError::NotYetValid),
        ("iat", json!(NOW + 61), JwtError::NotYetValid),
        ("exp", json!(NOW - 9 + 86_400), JwtError::Lifetime),
        ("exp", json!(253_402_300_799_i64), JwtError::Lifetime),
        ("iat", json!(0), JwtError::Lifetime),
        ("iat", json!(NOW + 299 - 86_400), JwtError::Lifetime),
    ] {
        for signer in Signer::all() {
            let claims = with(claims(), name, value.clone()).to_string();
            let error = refusals.refuse_claims(signer, &claims).await;
            assert_eq!(error, expected, "{name} {value}");
        }
    }
    let timeless = with(without(claims(), "iat"), "exp", json!(NOW + 86_461));
    let error = refusals
        .refuse_claims(Signer::all()[2], &timeless.to_string())
        .await;
    assert_eq!(error, JwtError::Lifetime);
}

#[tokio::test]
async fn a_valid_token_is_refused_once_its_time_is_over() {
    let (verifier, _file) = verifier_with(|_| {});
    let signer = Signer::all()[2];
    let token = token(signer, &header(signer).to_string(), &claims().to_string());
    assert!(verifier.verify(&token, at(NOW + 359)).await.is_ok());
    let refused = verifier.verify(&token, at(NOW + 360)).await;
    assert_eq!(refused, Err(JwtError::Expired));
    let refused = verifier.verify(&token, at(NOW - 71)).await;
    assert_eq!(refused, Err(JwtError::NotYetValid));
}

#[tokio::test]
async fn another_audience_or_issuer_is_refused_however_similar() {
    let mut refusals = Refusals::new();
    let spellings = |text: &str| {
        let half = &text[..text.len() / 2];
        vec![
            format!("{text}/"),
            format!("{text}/x"),
            format!("{text} "),
            format!(" {text}"),
            format!("{text}\u{0}"),
            format!("{text}:443"),
            text.to_uppercase(),
            text.replace("https", "http"),
            text.replace("https", "HTTPS"),
            text.replace("example", "examp\u{1c0}e"),
            format!("{text}.evil.example"),
            half.to_owned(),
            "*".to_owned(),
        ]
    };
    for signer in Signer::all() {
        for issuer in spellings(ISSUER) {
            let claims = with(claims(), "iss", issuer.into()).to_string();
            let error = refusals.refuse_claims(signer, &claims).await;
            assert_eq!(error, JwtError::UnknownIssuer);
        }
        for audience in spellings(AUDIENCE) {
            for value in [
                json!(audience),
                json!([audience]),
                json!([ISSUER, audience]),
            ] {
                let claims = with(claims(), "aud", value).to_string();
                let error = refusals.refuse_claims(signer, &claims).await;
                assert_eq!(error, JwtError::Audience);
            }
        }
        for mixed in [
            json!([AUDIENCE, 1]),
            json!([null, AUDIENCE]),
            json!([[AUDIENCE]]),
        ] {
            let claims = with(claims(), "aud", mixed).to_string();
            let error = refusals.refuse_claims(signer, &claims).await;
            assert_eq!(error, JwtError::Claim("aud"));
        }
    }
}

#[tokio::test]
async fn a_subject_that_is_no_name_is_refused() {
    let mut refusals = Refusals::new();
    let signer = Signer::all()[2];
    for subject in [
        "",
        "\u{0}",
        "a\u{0}b",
        "a\nb",
        "\u{7f}",
        "\u{85}",
        &"x".repeat(256),
    ] {
        let claims = with(claims(), "sub", subject.into()).to_string();
        let error = refusals.refuse_claims(signer, &claims).await;
        assert_eq!(error, JwtError::Claim("sub"));
    }
    let (verifier, _file) = verifier_with(|config| config.subject_is_user_id = true);
    let token = token(signer, &header(signer).to_string(), &claims().to_string());
    let refused = verifier.verify(&token, at(NOW)).await;
    assert_eq!(refused, Err(JwtError::Claim("sub")));
}

#[tokio::test]
async fn a_claim_named_twice_is_refused_also_when_one_name_is_escaped() {
    let mut refusals = Refusals::new();
    let plain = with(with(claims(), "nbf", json!(NOW)), "scope", "manage".into());
    for signer in Signer::all() {
        for (name, value) in plain.as_object().unwrap() {
            let escaped = format!("\\u{:04x}{}", u32::from(name.as_bytes()[0]), &name[1..]);
            for second in [name, &escaped] {
                for value in [value.to_string(), "null".to_owned(), "1".to_owned()] {
                    let text = plain.to_string();
                    for text in [
                        text.replacen('{', &format!("{{\"{second}\":{value},"), 1),
                        text.replacen('}', &format!(",\"{second}\":{value}}}"), 1),
                    ] {
                        let error = refusals.refuse_claims(signer, &text).await;
                        assert_eq!(error, JwtError::Malformed, "{text}");
                    }
                }
            }
        }
    }
    assert_eq!(refusals.count, 3 * 7 * 2 * 3 * 2);
}
