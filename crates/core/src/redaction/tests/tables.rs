//! What is kept for the values, and that all of it goes with them.

use std::collections::HashSet;

use super::looks_for;
use crate::redaction::alphabet::Alphabet;
use crate::redaction::window::{WIDTHS, Window};

#[test]
fn a_value_takes_about_three_kibibytes_and_four_hundred_bytes_for_each_line() {
    let bytes = |value: &str| looks_for([("key", value)]).bytes();
    let short = bytes("k7Kq2mZv9RtB4nWc8LsD1fGh6JpY3aQe5TuVxy01");
    assert!((2500..4000).contains(&short), "{short}");
    let long = bytes(&"k7Kq2mZv9RtB4nWc8LsD1fGh6JpY3aQe5TuVxy01".repeat(50));
    assert!((short..short + 500).contains(&long), "{long}");
    let lines = |count: usize| {
        let lines = (0..count).map(|line| format!("line {line} of some letters\n"));
        bytes(&lines.collect::<String>())
    };
    let each = (lines(22) - lines(2)) / 20;
    assert!((300..500).contains(&each), "{each}");
    // The name is stored as it is.
    let named = |name: &str| looks_for([(name, "k3y-with-letters")]).bytes();
    assert_eq!(named(&"n".repeat(103)), named("key") + 100);
}

#[test]
fn nothing_is_left_of_values_that_were_removed() {
    let values = [
        "  k3y-with-letters",
        "two words and more",
        "k3y-with-letters",
        "a b c d e",
        "schlüssel-wörter",
        "-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END-----\n",
    ];
    let redactor = looks_for([]);
    let added = values.map(|value| redactor.add("name", value).unwrap());
    assert_eq!(
        redactor.bytes(),
        added.iter().map(|added| added.bytes()).sum::<usize>()
    );
    {
        let table = redactor.table();
        assert!(table.has_spaces() && table.has_leading_spaces());
        assert!(
            Alphabet::ALL
                .iter()
                .all(|alphabet| table.windows.widths(*alphabet) != 0)
        );
    }
    redactor.remove(added[0]);
    let left = added[1..].iter().map(|added| added.bytes()).sum::<usize>();
    assert_eq!(redactor.bytes(), left);
    assert!(redactor.table().has_spaces() && !redactor.table().has_leading_spaces());
    for added in &added[1..] {
        redactor.remove(*added);
    }
    // A second time makes no difference.
    redactor.remove(added[1]);
    let table = redactor.table();
    assert!(!table.has_spaces() && !table.has_leading_spaces());
    assert!(
        Alphabet::ALL
            .iter()
            .all(|alphabet| table.windows.widths(*alphabet) == 0)
    );
    assert!(table.is_empty());
    assert_eq!(table.bytes(), 0);
}

#[test]
fn a_window_has_a_hash_of_its_own_in_each_alphabet_and_width() {
    let redactor = looks_for([]);
    let table = redactor.table();
    // Letters of value 0 are not seen in a window.
    let window = Window::of(&[&[0; 24][..], b"letters!"].concat());
    let hashes: HashSet<u64> = Alphabet::ALL
        .iter()
        .flat_map(|alphabet| WIDTHS.map(|width| table.window_hash(*alphabet, width, window)))
        .collect();
    assert_eq!(hashes.len(), 4 * WIDTHS.len());
}

#[test]
fn values_with_common_windows_are_found_until_each_is_removed() {
    // Twelve values with the same letters where windows are chosen: more than may share one.
    let values: Vec<String> = (0..12)
        .map(|index| format!("X7yK2qmZv9RtB4nW{}", "a".repeat(index)))
        .collect();
    let redactor = looks_for([]);
    let mut added: Vec<_> = values
        .iter()
        .map(|value| redactor.add("key", value).unwrap())
        .collect();
    for value in &values {
        assert_eq!(redactor.text(value).as_deref(), Some("[secret:key]"));
    }
    // The shortest ones last, and not in the order in which they were added.
    for index in [5, 0, 9, 3, 7, 1, 8, 2, 6, 4, 10, 11] {
        redactor.remove(added[index]);
        added.push(added[index]);
    }
    assert!(redactor.is_empty() && redactor.bytes() == 0);
    for value in &values {
        assert_eq!(redactor.text(value), None);
    }
}

#[test]
fn too_many_values_with_the_same_beginning_are_found_by_it() {
    // Windows are chosen among the first letters, and few patterns may share one.
    let beginning = "k7Kq2mZv9RtB4nWc8LsD".repeat(6);
    let values: Vec<String> = (100..250)
        .map(|index| format!("{beginning}-{index}"))
        .collect();
    let redactor = looks_for(values.iter().map(|value| ("key", &**value)));
    for value in &values {
        let redacted = redactor.text(value).unwrap();
        assert!(redacted.contains("[secret:key]") && redacted.len() < value.len());
    }
}
