use super::*;

#[test]
fn the_end_of_a_window_is_the_window_of_the_last_letters() {
    let text: Vec<u8> = (1..=100).map(|byte| byte * 2).collect();
    for length in 32..text.len() {
        let window = Window::of(&text[..length]);
        for width in WIDTHS {
            let end = window.end(width);
            let last = Window::of(&text[length - width..length]);
            assert_eq!((end.first, end.last), (last.first, last.last), "{width}");
        }
    }
    let window = Window::of(&text[..32]);
    let halves = [
        text[..16].try_into().unwrap(),
        text[16..32].try_into().unwrap(),
    ];
    assert_eq!([window.first, window.last], halves.map(u128::from_be_bytes));
}

#[test]
fn windows_are_chosen_where_letters_vary_most() {
    let text = b"aaaaaaaaaaaaaaaaaaaaaaaaX7yK2qmZ";
    assert_eq!(choose(text, 0, 8)[0], 24);
    let text = b"X7yK2qmZaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_eq!(choose(text, 0, 8)[0], 0);
    // Equally good ones are taken from the end.
    assert_eq!(choose(&[b'a'; 12], 0, 8), [4, 3, 2, 1, 0]);
}

#[test]
fn windows_are_chosen_after_the_public_letters_if_they_fit() {
    let text = b"X7yK2qmZaaaaaaaaaaaaaaaaaaaaaaaa";
    let after: Vec<usize> = choose(text, 8, 8);
    assert!(
        after.iter().all(|start| (8..=24).contains(start)),
        "{after:?}"
    );
    assert_eq!(choose(text, 30, 8), [24]);
    let letters: Vec<u8> = (0..60).collect();
    assert!(choose(&letters, 20, 8).len() > 7);
    assert_eq!(choose(b"X7yK2qmZ", 4, 8), [0]);
    assert!(choose(b"short", 0, 8).is_empty());
}

#[test]
fn there_are_enough_windows_to_choose_from_and_not_too_many() {
    for length in 8..200 {
        let text: Vec<u8> = (0..length).collect();
        let mut starts = choose(&text, 0, 8);
        starts.sort_unstable();
        let all = usize::from(length) - 7;
        assert!(
            (all.min(7)..=13).contains(&starts.len()),
            "{length}: {}",
            starts.len()
        );
        assert_eq!(starts[0], 0);
        // They are spread over the whole text.
        let distance = starts.get(1).copied().unwrap_or(1);
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == distance));
        assert!(starts.last().unwrap() + 8 + distance > usize::from(length));
    }
}

#[test]
fn letters_vary_by_how_many_there_are_and_how_often_their_class_changes() {
    for (window, expected) in [
        (&b"aaaaaaaa"[..], 2),
        (b"abcdefgh", 16),
        (b"aAaAaAaA", 4 + 7),
        (b"a1b2c3d4", 16 + 7),
        (b"aaaa1111", 4 + 1),
        // Equal in their lower six bits. Only the second is a letter.
        (&[1, 65, 129, 193], 8 + 2),
        (b"", 0),
    ] {
        assert_eq!(mixed(window), expected, "{}", window.escape_ascii());
    }
}
