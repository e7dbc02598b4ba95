//! Different lists of fields never give the same bytes: the list can be read back.

use proptest::prelude::*;

use super::*;

const PURPOSE: &str = "toolvault/test/v1";

fn write(fields: &[Vec<u8>]) -> Vec<u8> {
    fields
        .iter()
        .fold(Transcript::new(PURPOSE), |so_far, field| {
            so_far.bytes(field)
        })
        .as_slice()
        .to_vec()
}

/// Reads back the fields after the purpose.
fn read(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (field, rest) = rest.split_at(usize::try_from(u64::from_be_bytes(*length)).unwrap());
        fields.push(field.to_vec());
        bytes = rest;
    }
    assert!(bytes.is_empty());
    assert_eq!(fields.remove(0), PURPOSE.as_bytes());
    fields
}

/// Fields whose bytes look like lengths, so that a missing or misplaced one would be noticed.
fn fields() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![4 => Just(0), 2 => Just(1), 2 => Just(8), 1 => any::<u8>()];
    prop::collection::vec(prop::collection::vec(byte, 0..20), 0..6)
}

proptest! {
    #[test]
    fn the_fields_can_be_read_back(fields in fields()) {
        prop_assert_eq!(read(&write(&fields)), fields);
    }

    #[test]
    fn different_fields_give_different_bytes(left in fields(), right in fields()) {
        prop_assert_eq!(left == right, write(&left) == write(&right));
    }

    #[test]
    fn a_byte_that_moves_over_a_boundary_changes_the_bytes(
        text in prop::collection::vec(any::<u8>(), 1..40),
        cut in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let (cut, other) = (cut.index(text.len()), other.index(text.len()));
        let halves = |at: usize| write(&[text[..at].to_vec(), text[at..].to_vec()]);
        prop_assert_eq!(cut == other, halves(cut) == halves(other));
    }

    #[test]
    fn optional_fields_cannot_be_confused(
        left in prop::collection::vec(prop::option::of("[01\u{0}]{0,3}"), 0..5),
        right in prop::collection::vec(prop::option::of("[01\u{0}]{0,3}"), 0..5),
    ) {
        let write = |fields: &[Option<String>]| {
            let empty = Transcript::new(PURPOSE);
            let whole = fields.iter().fold(empty, |so_far, field| so_far.optional(field.as_deref()));
            whole.as_slice().to_vec()
        };
        prop_assert_eq!(left == right, write(&left) == write(&right));
    }
}

#[test]
fn the_purpose_is_a_field_of_its_own() {
    let joined = Transcript::new("ab").text("c");
    let split = Transcript::new("a").text("bc");
    assert_ne!(joined.as_slice(), split.as_slice());
    assert_ne!(
        Transcript::new("a").as_slice(),
        Transcript::new("b").as_slice()
    );
}

#[test]
fn absent_differs_from_empty() {
    let start = || Transcript::new(PURPOSE);
    assert_ne!(
        start().optional(None).as_slice(),
        start().optional(Some("")).as_slice()
    );
    assert_ne!(start().as_slice(), start().text("").as_slice());
    assert_ne!(start().number(0).as_slice(), start().text("0").as_slice());
}

#[test]
fn the_layout_is_fixed_for_ever() {
    let bytes = Transcript::new("p")
        .text("ab")
        .number(-2)
        .optional(None)
        .optional(Some("c"));
    let expected: [&[u8]; 6] = [
        b"\x00\x00\x00\x00\x00\x00\x00\x01p",
        b"\x00\x00\x00\x00\x00\x00\x00\x02ab",
        b"\x00\x00\x00\x00\x00\x00\x00\x08\xff\xff\xff\xff\xff\xff\xff\xfe",
        b"\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x00\x00\x00\x00\x00\x00\x00\x01c",
    ];
    assert_eq!(bytes.as_slice(), expected.concat());
}

#[test]
fn it_grows_without_losing_a_byte() {
    let fields: Vec<Vec<u8>> = (0..40).map(|length| vec![7; length * length]).collect();
    assert_eq!(read(&write(&fields)), fields);
}
