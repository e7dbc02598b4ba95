//! A user's keys through a rotation, and their only encoding.

use super::*;
use crate::entropy::deterministic::Deterministic;
use crate::envelope::seal;
use crate::transcript::Transcript;

const NOW: Timestamp = Timestamp::from_microseconds(1_767_323_045_000_000);

fn sealed_with(key: &NumberedKey) -> Vec<u8> {
    seal(key, Transcript::new("test"), b"x", &Deterministic::new(9)).unwrap()
}

fn stages() -> [UserKeys; 3] {
    let entropy = Deterministic::new(1);
    let first = UserKeys::generate(&entropy).unwrap();
    let rotating = first.clone().renew(NOW, &entropy).unwrap();
    let alone = rotating.clone().without_former();
    [first, rotating, alone]
}

#[test]
fn a_rotation_has_two_keys_and_ends_with_the_newer() {
    let [first, rotating, alone] = stages();
    let [old, new] = [first.newest(), alone.newest()].map(sealed_with);
    let numbers =
        |keys: &UserKeys| [&old, &new].map(|sealed| keys.of(sealed).ok().map(|key| key.id));
    assert_eq!(numbers(&first), [Some(1), None]);
    assert_eq!(numbers(&rotating), [Some(1), Some(2)]);
    assert_eq!(numbers(&alone), [None, Some(2)]);
    assert_eq!(rotating.newest().id, 2);
    let times = [&first, &rotating, &alone].map(|keys| (keys.made_at(), keys.is_rotating()));
    assert_eq!(
        times,
        [(None, false), (Some(NOW), true), (Some(NOW), false)]
    );
    assert_ne!(first.newest().key.expose(), alone.newest().key.expose());
}

#[test]
fn every_stage_is_read_back() {
    for keys in stages() {
        let bytes = keys.encode();
        let read = UserKeys::decode(&bytes).unwrap();
        assert_eq!(read.encode().expose(), bytes.expose());
        assert_eq!(read.newest().id, keys.newest().id);
        assert_eq!(read.made_at(), keys.made_at());
        assert_eq!(read.is_rotating(), keys.is_rotating());
    }
}

#[test]
fn only_the_lengths_of_the_three_stages_are_read() {
    let lengths: Vec<usize> = (0..200)
        .filter(|length| UserKeys::decode(&Confidential::new(vec![7; *length])).is_ok())
        .collect();
    let first = Key::LENGTH;
    let alone = TIME_LENGTH + ENTRY_LENGTH;
    assert_eq!(lengths, [first, alone, alone + ENTRY_LENGTH]);
}

#[test]
fn there_is_no_new_key_without_randomness_or_a_number() {
    let [first, ..] = stages();
    let exhausted = Deterministic::failing_after(1, 0);
    assert!(first.clone().renew(NOW, &exhausted).is_err());
    let last = UserKeys {
        newest: NumberedKey {
            id: u32::MAX,
            key: first.newest.key,
        },
        ..stages()[2].clone()
    };
    assert!(last.renew(NOW, &Deterministic::new(2)).is_err());
}
