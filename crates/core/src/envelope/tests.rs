//! Sealed bytes open only with the right key and identity, and no input panics.

use proptest::prelude::*;

use super::*;
use crate::entropy::deterministic::{Deterministic, bytes};

fn key(id: u32) -> NumberedKey {
    NumberedKey {
        id,
        key: Key::generate(&Deterministic::new(u64::from(id))).unwrap(),
    }
}

fn bound() -> Transcript {
    Transcript::new("toolvault/test/v1")
        .text("identity")
        .number(3)
}

fn seal_some(plaintext: &[u8]) -> Vec<u8> {
    seal(&key(7), bound(), plaintext, &Deterministic::new(1)).unwrap()
}

fn try_open(sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    open(&key(7), bound(), sealed).map(|plaintext| plaintext.expose().to_vec())
}

/// The error for a changed byte at this position.
fn expected_at(byte: usize) -> OpenError {
    match byte {
        0..2 => OpenError::UnknownFormat,
        2..HEADER_LENGTH => OpenError::UnknownKey,
        _ => OpenError::Forged,
    }
}

proptest! {
    #[test]
    fn what_was_sealed_opens(length in 0_usize..=65_536, seed in any::<u64>(), id in any::<u32>()) {
        let plaintext = bytes(seed, length);
        let sealed = seal(&key(id), bound(), &plaintext, &Deterministic::new(seed)).unwrap();
        prop_assert_eq!(sealed.len(), HEADER_LENGTH + NONCE_LENGTH + length + TAG_LENGTH);
        prop_assert_eq!(key_id(&sealed), Ok(id));
        let opened = open(&key(id), bound(), &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &plaintext);
    }

    #[test]
    fn arbitrary_bytes_never_open_nor_panic(sealed in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(try_open(&sealed).is_err());
        let _ = key_id(&sealed);
    }

    #[test]
    fn arbitrary_bytes_behind_a_good_header_are_forged(
        body in prop::collection::vec(any::<u8>(), NONCE_LENGTH + TAG_LENGTH..200),
    ) {
        let mut sealed = vec![FORMAT, SUITE_AES_256_GCM, 0, 0, 0, 7];
        sealed.extend(body);
        prop_assert_eq!(try_open(&sealed), Err(OpenError::Forged));
    }
}

#[test]
fn every_single_flipped_bit_is_refused() {
    let sealed = seal_some(&bytes(5, 100));
    assert!(try_open(&sealed).is_ok());
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(try_open(&changed), Err(expected_at(bit / 8)), "bit {bit}");
    }
}

#[test]
fn every_other_byte_in_the_header_is_refused() {
    let sealed = seal_some(b"value");
    for place in 0..HEADER_LENGTH {
        for byte in (0..=255).filter(|byte| *byte != sealed[place]) {
            let mut changed = sealed.clone();
            changed[place] = byte;
            assert_eq!(
                try_open(&changed),
                Err(expected_at(place)),
                "{byte} at {place}"
            );
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    let sealed = seal_some(&bytes(5, 100));
    let shortest = HEADER_LENGTH + NONCE_LENGTH + TAG_LENGTH;
    for length in 0..sealed.len() {
        let expected = if length < shortest {
            OpenError::Truncated
        } else {
            OpenError::Forged
        };
        assert_eq!(
            try_open(&sealed[..length]),
            Err(expected),
            "length {length}"
        );
        assert_eq!(
            key_id(&sealed[..length]).is_ok(),
            length >= shortest,
            "length {length}"
        );
        assert!(
            try_open(&sealed[sealed.len() - length..]).is_err(),
            "the last {length} bytes"
        );
    }
}

#[test]
fn bytes_at_the_end_are_refused() {
    for extra in 1..40 {
        let mut sealed = seal_some(b"value");
        sealed.resize(sealed.len() + extra, 0);
        assert_eq!(try_open(&sealed), Err(OpenError::Forged), "{extra} more");
    }
}

#[test]
fn two_seals_of_the_same_bytes_share_nothing_behind_the_header() {
    let entropy = Deterministic::new(1);
    let first = seal(&key(7), bound(), b"value", &entropy).unwrap();
    let second = seal(&key(7), bound(), b"value", &entropy).unwrap();
    assert_eq!(first[..HEADER_LENGTH], second[..HEADER_LENGTH]);
    let body = HEADER_LENGTH + NONCE_LENGTH;
    assert_ne!(first[HEADER_LENGTH..body], second[HEADER_LENGTH..body]);
    assert_ne!(first[body..], second[body..]);
    // A nonce does not fit another ciphertext.
    let mixed = [&first[..body], &second[body..]].concat();
    assert_eq!(try_open(&mixed), Err(OpenError::Forged));
}

#[test]
fn other_additional_data_is_refused() {
    let sealed = seal_some(b"value");
    let others = [
        Transcript::new("toolvault/test/v1"),
        Transcript::new("toolvault/test/v2")
            .text("identity")
            .number(3),
        Transcript::new("toolvault/test/v1")
            .text("identity")
            .number(4),
        Transcript::new("toolvault/test/v1")
            .text("identit")
            .number(3),
        Transcript::new("toolvault/test/v1")
            .number(3)
            .text("identity"),
        bound().text(""),
    ];
    for (place, other) in others.into_iter().enumerate() {
        let opened = open(&key(7), other, &sealed).map(|_| ());
        assert_eq!(opened, Err(OpenError::Forged), "{place}");
    }
}

#[test]
fn another_key_is_refused_whatever_its_number() {
    let sealed = seal_some(b"value");
    let opened = open(&key(8), bound(), &sealed).map(|_| ());
    assert_eq!(opened, Err(OpenError::UnknownKey));
    let same_number = NumberedKey {
        id: 7,
        key: key(8).key,
    };
    let opened = open(&same_number, bound(), &sealed).map(|_| ());
    assert_eq!(opened, Err(OpenError::Forged));
}

#[test]
fn the_number_of_the_key_is_bound() {
    let mut sealed = seal_some(b"value");
    sealed[5] = 9;
    let renumbered = NumberedKey {
        id: 9,
        key: key(7).key,
    };
    let opened = open(&renumbered, bound(), &sealed).map(|_| ());
    assert_eq!(opened, Err(OpenError::Forged));
}

#[test]
fn nothing_is_sealed_without_randomness() {
    let entropy = Deterministic::failing_after(1, 0);
    assert!(seal(&key(7), bound(), b"value", &entropy).is_err());
}

#[test]
fn errors_name_no_bytes() {
    for error in [
        OpenError::Truncated,
        OpenError::UnknownFormat,
        OpenError::UnknownKey,
        OpenError::Forged,
    ] {
        assert!(error.to_string().starts_with("sealed bytes "), "{error}");
        assert!(
            !error
                .to_string()
                .contains(|character: char| character.is_ascii_digit()),
            "{error}"
        );
    }
}
