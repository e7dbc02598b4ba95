//! Adding and removing a value costs only that value.

use super::{Numbers, looks_for};

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[test]
fn what_was_removed_is_not_found_and_the_rest_still_is() {
    let mut numbers = Numbers(11);
    let values: Vec<String> = (0..300)
        .map(|index| numbers.text(8 + index % 40, LETTERS))
        .collect();
    let redactor = looks_for([]);
    let added: Vec<_> = values
        .iter()
        .map(|value| redactor.add("key", value).unwrap())
        .collect();
    for value in &values {
        assert!(redactor.text(value).is_some());
    }
    for added in added.iter().step_by(2) {
        redactor.remove(*added);
    }
    for (index, value) in values.iter().enumerate() {
        assert_eq!(redactor.text(value).is_some(), index % 2 == 1, "{index}");
    }
}

#[test]
fn ten_thousand_rotations_of_a_long_value_take_no_more_memory_than_a_few() {
    let mut numbers = Numbers(13);
    let body = numbers.text(64 << 10, LETTERS);
    let redactor = looks_for([]);
    let mut added = std::collections::VecDeque::new();
    let mut rotate = |times: usize| {
        for _ in 0..times {
            // Longer inputs where that is not slow.
            let value = numbers.text(64, LETTERS) + &body[..1 << 10];
            added.push_back(redactor.add("key", &value).unwrap());
            if added.len() > 4 {
                redactor.remove(added.pop_front().unwrap());
            }
        }
        redactor.bytes()
    };
    let few = rotate(50);
    let many = rotate(2000);
    assert!(many <= few * 12 / 10, "{few}, then {many}");
    let long = looks_for([("long", &*body)]);
    assert!(long.bytes() < 16 << 10, "{}", long.bytes());
}

#[test]
fn values_that_share_all_windows_are_found_and_cost_no_more() {
    let values: Vec<String> = (8..200).map(|length| "a".repeat(length)).collect();
    let redactor = looks_for(values.iter().map(|value| ("key", &**value)));
    for value in &values {
        assert_eq!(redactor.text(value).as_deref(), Some("[secret:key]"));
    }
    let text = "a".repeat(20_000);
    assert_eq!(redactor.text(&text).as_deref(), Some("[secret:key]"));
}
