//! The masked form of a value that its owner may see: `sk_********wxyz`.

use std::iter::repeat_n;

/// Stands for the hidden part. Its width is fixed so that it does not reveal the length.
const HIDDEN: &str = "********";

/// Replaces a shown character that could disturb a terminal or the reading order.
const UNPRINTABLE: char = '\u{FFFD}';

/// A value of at least this many code points shows `SHOWN_OF_LONG` of them.
const LONG: usize = 24;
const SHOWN_OF_LONG: (usize, usize) = (3, 4);

/// A value of at least this many code points shows `SHOWN_OF_MEDIUM` of them.
const MEDIUM: usize = 16;
const SHOWN_OF_MEDIUM: (usize, usize) = (2, 2);

/// The `display` of a value on the wire: its first and last characters around a fixed `********`, or that alone.
///
/// Values of 24 or more code points show the first 3 and the last 4, values of 16 or more show 2 and 2, and shorter
/// ones none. Nothing reveals the length. Each shown control, line-separating, direction-changing or invisible
/// character (such as the line feed at the end of a PEM file) becomes one U+FFFD.
pub fn display(value: &str) -> String {
    // Counts at most `LONG` characters, so that a long value does not take longer than a short one.
    let (first, last) = match value.chars().take(LONG).count() {
        LONG.. => SHOWN_OF_LONG,
        MEDIUM.. => SHOWN_OF_MEDIUM,
        _ => return HIDDEN.to_owned(),
    };
    let tail_start = value
        .char_indices()
        .rev()
        .take(last)
        .last()
        .map_or(0, |(start, _)| start);
    let head = value.chars().take(first);
    let tail = value.get(tail_start..).unwrap_or_default().chars();
    head.map(printable)
        .chain(repeat_n('*', HIDDEN.len()))
        .chain(tail.map(printable))
        .collect()
}

fn printable(character: char) -> char {
    if character.is_control() || is_invisible(character) {
        UNPRINTABLE
    } else {
        character
    }
}

/// Whether it is a format character or a separator: invisible, but moves or changes the text around it.
///
/// These are Unicode's general categories Cf, Zl and Zp, as far as they affect other text, and the fillers.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_long_values_are_shown() {
        assert_eq!(display(""), "********");
        assert_eq!(display("0123456789abcde"), "********");
        assert_eq!(display("0123456789abcdef"), "01********ef");
        assert_eq!(display("0123456789abcdefghijklm"), "01********lm");
        assert_eq!(display("0123456789abcdefghijklmn"), "012********klmn");
        assert_eq!(display(&"x".repeat(65_536)), "xxx********xxxx");
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert_eq!(display(&"é".repeat(15)), "********");
        assert_eq!(display(&"é".repeat(16)), "éé********éé");
        assert_eq!(display(&"🔑".repeat(24)), "🔑🔑🔑********🔑🔑🔑🔑");
    }

    #[test]
    fn what_could_disturb_a_terminal_is_replaced() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n";
        assert_eq!(display(pem), "---********---\u{FFFD}");
        let hostile = "\u{1b}[2J----------------------\u{202e}\u{2028}\u{200b}\u{9b}";
        assert_eq!(
            display(hostile),
            "\u{FFFD}[2********\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
        );
    }

    proptest! {
        #[test]
        fn values_with_equal_ends_look_alike(
            head in "[a-z]{3}", tail in "[a-z]{4}",
            middle in "\\PC{17,40}", other in "\\PC{17,40}",
        ) {
            let shown = display(&format!("{head}{middle}{tail}"));
            prop_assert_eq!(&shown, &display(&format!("{head}{other}{tail}")));
            prop_assert_eq!(shown, format!("{head}********{tail}"));
        }

        #[test]
        fn any_value_shows_at_most_seven_characters(value in "(?s).{0,64}") {
            let shown = display(&value);
            let length = value.chars().count();
            let visible = shown.chars().count() - 8;
            prop_assert_eq!(visible, if length >= 24 { 7 } else if length >= 16 { 4 } else { 0 });
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
