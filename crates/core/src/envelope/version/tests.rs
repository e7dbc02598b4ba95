//! A stored version opens only as exactly the row that was stored, and reveals nothing otherwise.

mod fixture;
mod identity;
mod layout;
mod state;

use proptest::prelude::*;

use self::fixture::{Blob, Fixture};
use super::*;
use crate::entropy::deterministic::{Deterministic, bytes};

proptest! {
    // PROPTEST_CASES counts here too.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    #[test]
    fn a_value_of_any_length_opens(length in 0_usize..=65_536, seed in any::<u64>(), display in ".{0,40}") {
        let fixture = Fixture::new(seed);
        let value = Confidential::new(bytes(seed, length));
        let shown = Shown { display: display.into(), bytes: u32::try_from(length).unwrap() };
        let sealed = fixture.seal_value(&value, &shown);
        prop_assert_eq!(fixture.open_value(&sealed).unwrap(), value.expose());
        prop_assert_eq!(fixture.open_shown(&sealed).unwrap(), shown);
    }
}

#[test]
fn every_single_flipped_bit_of_each_blob_is_refused() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    for part in Blob::ALL {
        for bit in 0..part.of(&sealed).len() * 8 {
            let mut changed = sealed.clone();
            part.of_mut(&mut changed)[bit / 8] ^= 1 << (bit % 8);
            fixture.assert_refused(&changed, part, &format!("{part:?} bit {bit}"));
        }
    }
}

#[test]
fn every_truncation_of_each_blob_is_refused() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    for part in Blob::ALL {
        for length in 0..part.of(&sealed).len() {
            let mut changed = sealed.clone();
            part.of_mut(&mut changed).truncate(length);
            fixture.assert_refused(&changed, part, &format!("{part:?} of {length} bytes"));
        }
    }
}

#[test]
fn blobs_do_not_open_in_each_others_place() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    for to in Blob::ALL {
        for from in Blob::ALL.into_iter().filter(|from| *from != to) {
            let mut changed = sealed.clone();
            *to.of_mut(&mut changed) = from.of(&sealed).clone();
            fixture.assert_refused(&changed, to, &format!("{from:?} as {to:?}"));
        }
    }
    let mut swapped = sealed.clone();
    std::mem::swap(&mut swapped.value, &mut swapped.display);
    assert!(fixture.open_value(&swapped).is_err());
    assert!(fixture.open_shown(&swapped).is_err());
}

#[test]
fn neither_the_key_nor_the_label_of_the_other_part_opens_a_blob() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    let (user_keys, identity) = (&fixture.user_keys, &fixture.identity);
    let data_key = open_data_key(&sealed.data_key, user_keys, identity, fixture.current()).unwrap();
    for (blob, own, other) in [
        (&sealed.value, Part::Value, Part::Display),
        (&sealed.display, Part::Display, Part::Value),
    ] {
        let open_as = |key: Part, label: Part| {
            let key = derive(&data_key, key).unwrap();
            open(&key, part_transcript(&fixture.identity, label), blob).map(|_| ())
        };
        assert_eq!(open_as(own, own), Ok(()));
        assert_eq!(open_as(other, own), Err(OpenError::Forged));
        assert_eq!(open_as(own, other), Err(OpenError::Forged));
        assert_eq!(open_as(other, other), Err(OpenError::Forged));
    }
    let undivided = NumberedKey {
        id: 0,
        key: data_key,
    };
    let label = part_transcript(&fixture.identity, Part::Value);
    assert!(open(&undivided, label, &sealed.value).is_err());
}

#[test]
fn padding_hides_the_length() {
    let fixture = Fixture::new(1);
    let sealed_length = |length: usize| {
        let value = Confidential::new(bytes(3, length));
        let shown = Shown {
            display: "********".into(),
            bytes: 0,
        };
        fixture.seal_value(&value, &shown).value.len()
    };
    let shortest = sealed_length(1);
    for length in 0..=60 {
        assert_eq!(sealed_length(length), shortest, "{length} bytes");
    }
    let next = sealed_length(61);
    assert!(next > shortest);
    for length in 61..=124 {
        assert_eq!(sealed_length(length), next, "{length} bytes");
    }
    assert!(sealed_length(125) > next);
}

#[test]
fn a_use_takes_the_stored_parts_without_the_display_form() {
    let sealed = Fixture::new(1).seal();
    let value = sealed.value();
    assert_eq!(value.data_key(), sealed.data_key);
    assert_eq!(value.weight(), sealed.data_key.len() + sealed.value.len());
}

#[test]
fn two_seals_of_the_same_value_differ_in_every_blob() {
    let fixture = Fixture::new(1);
    let (first, second) = (fixture.seal(), fixture.seal());
    for part in Blob::ALL {
        // After the header, which is the same for all.
        assert_ne!(part.of(&first)[6..], part.of(&second)[6..], "{part:?}");
        let mut mixed = first.clone();
        *part.of_mut(&mut mixed) = part.of(&second).clone();
        fixture.assert_refused(&mixed, part, &format!("{part:?} of another seal"));
    }
}

#[test]
fn a_length_that_does_not_fit_is_refused() {
    for (padded, expected) in [
        (vec![], OpenError::Truncated),
        (vec![0, 0, 0], OpenError::Truncated),
        (vec![0, 0, 0, 1], OpenError::Forged),
        (vec![0xff, 0xff, 0xff, 0xff, 1, 2], OpenError::Forged),
    ] {
        assert_eq!(unpad(&Confidential::new(padded)).map(|_| ()), Err(expected));
    }
    let whole = unpad(&Confidential::new(vec![0, 0, 0, 2, 5, 6])).unwrap();
    assert_eq!(whole.expose(), [5, 6]);
}

#[test]
fn nothing_is_sealed_when_randomness_ends_on_the_way() {
    let fixture = Fixture::new(1);
    let value = Confidential::from("value");
    let shown = Shown {
        display: Box::default(),
        bytes: 5,
    };
    let seal_with = |fills: u64| {
        let entropy = Deterministic::failing_after(1, fills);
        let (user_keys, identity) = (&fixture.user_keys, &fixture.identity);
        SealedVersion::seal(
            user_keys,
            identity,
            fixture.current(),
            &value,
            &shown,
            &entropy,
        )
    };
    // One fill for the data key and one for the nonce of each blob.
    for fills in 0..4 {
        assert!(seal_with(fills).is_err(), "{fills}");
    }
    assert!(seal_with(4).is_ok());
}
