//! What may stand between the letters of a value and around them, and how much of it.

use super::parts::redact;
use super::spellings::{base64, hexadecimal};
use super::{looks_for, streamed};

/// `text` in pieces of `width`, with `gap` between them.
fn parted(text: &str, width: usize, gap: &str) -> String {
    let pieces: Vec<&str> = (0..text.len())
        .step_by(width)
        .map(|at| &text[at..text.len().min(at + width)])
        .collect();
    pieces.join(gap)
}

#[test]
fn thirty_two_bytes_may_stand_between_two_letters() {
    let value = "k3y-with-letters";
    let digits = hexadecimal(value.as_bytes());
    let letters = base64(value.as_bytes(), false, 1000);
    for (value, spelled) in [
        (
            value,
            [":", ", ", " \t\r\n"].map(|gap| parted(&digits, 2, &gap.repeat(32 / gap.len()))),
        ),
        (
            value,
            ["\n", "\r\n", "\n "].map(|gap| parted(&letters, 7, &gap.repeat(32 / gap.len()))),
        ),
        (
            "two words",
            [" ", "\n", " \t"].map(|gap| format!("two{}words", gap.repeat(32 / gap.len()))),
        ),
    ] {
        for spelled in spelled {
            assert_eq!(redact(value, &spelled), "[secret:key]", "{spelled:?}");
        }
    }
    for (value, text) in [
        (value, parted(&digits, 2, &":".repeat(33))),
        (value, parted(&letters, 7, &"\n".repeat(33))),
        ("two words", format!("two{}words", " ".repeat(33))),
    ] {
        assert_eq!(redact(value, &text), text);
    }
}

#[test]
fn base64_may_be_interrupted_by_spaces_after_lines_of_sixteen_letters() {
    let value = "a value of some more letters than one line";
    let letters = base64(value.as_bytes(), false, 1000);
    for width in [16, 17, 40] {
        let text = parted(&letters, width, " ");
        assert_eq!(redact(value, &text), "[secret:key]", "{width}");
    }
    let text = parted(&letters, 15, " ");
    assert_eq!(redact(value, &text), text);
    // Indented lines may be of any length.
    assert_eq!(
        redact(value, &parted(&letters, 4, "\n    ")),
        "[secret:key]"
    );
}

#[test]
fn letters_of_words_may_not_be_parted_only_because_another_value_has_words() {
    let redactor = looks_for([
        ("words", "correct horse battery"),
        ("word", "correct-horse"),
    ]);
    for text in ["correct- horse", "correct-\nhorse", "correct -horse"] {
        assert_eq!(redactor.text(text), None, "{text:?}");
        let every: Vec<usize> = (0..text.len()).collect();
        assert_eq!(streamed(&redactor, text.as_bytes(), &every).1, 0);
    }
    assert_eq!(
        redactor
            .text("correct-horse correct  horse battery")
            .as_deref(),
        Some("[secret:word] [secret:words]")
    );
}

#[test]
fn white_space_around_a_value_belongs_to_it_if_the_value_has_some_there() {
    for (value, words) in [("  k3y-with-letters", ""), ("  k3y with letters", " ")] {
        let text = |spaces: usize| {
            format!(
                "<{}k3y{words}{}with{words}{}letters>",
                " ".repeat(spaces),
                if words.is_empty() { "-" } else { "" },
                if words.is_empty() { "-" } else { "" }
            )
        };
        for spaces in [0, 1, 2, 3, 31, 32] {
            assert_eq!(redact(value, &text(spaces)), "<[secret:key]>", "{spaces}");
        }
        // More is not searched for, so that a stream never holds back much.
        for (spaces, kept) in [(33, 33), (34, 33), (65, 33), (66, 66)] {
            let expected = format!("<{}[secret:key]>", " ".repeat(kept));
            assert_eq!(redact(value, &text(spaces)), expected, "{spaces}");
        }
    }
    // As much as the value has follows it.
    for (spaces, left) in [(0, ""), (1, ""), (2, ""), (3, " ")] {
        let text = format!("<k3y-with-letters{}>", " ".repeat(spaces));
        assert_eq!(
            redact("k3y-with-letters  ", &text),
            format!("<[secret:key]{left}>")
        );
    }
}

#[test]
fn a_stream_holds_back_at_most_a_gap_of_white_space() {
    for values in [
        [("key", "  k3y-with-letters")].as_slice(),
        &[("key", "  k3y with letters")],
    ] {
        let redactor = looks_for(values.iter().copied());
        let (mut stream, mut out) = (redactor.stream(), Vec::new());
        for _ in 0..200 {
            stream.push(b" ", &mut out);
            assert!(stream.held.len() <= 33, "{}", stream.held.len());
        }
    }
}

#[test]
fn a_last_or_first_zero_of_hexadecimal_belongs_to_the_value() {
    // `p` is 70, and a tab 09.
    for value in ["abcdefgp", "abcdefghijkp", "abc\tdefgp"] {
        let digits = hexadecimal(value.as_bytes());
        assert_eq!(redact(value, &digits), "[secret:key]");
        assert_eq!(redact(value, &format!("{digits}0x00")), "[secret:key]0x00");
    }
}
