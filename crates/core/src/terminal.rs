//! Text that comes from others, where people read it in a terminal or copy it into one.

/// Whether a terminal may interpret the character instead of showing it: control characters, and those that change the
/// direction of text (Unicode Standard Annex 9), join lines, or are invisible.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{061c}'
                | '\u{feff}'
        )
}

/// The text as one argument of a command in a POSIX shell, in quotes. `None` if the command could take it for an
/// option, or if a terminal would not show it as it is.
pub fn shell_word(text: &str) -> Option<String> {
    if text.starts_with('-') || text.contains(is_unsafe) {
        return None;
    }
    Some(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_does_not_end_before_its_last_quote() {
        for (text, word) in [
            ("linear__get_issue", Some("'linear__get_issue'")),
            ("", Some("''")),
            ("x'; touch a; '", Some(r"'x'\''; touch a; '\'''")),
            ("$(x) `y` \\ é", Some("'$(x) `y` \\ é'")),
            ("--url=https://evil.example", None),
            ("a\nb", None),
            ("a\u{1b}[2Kb", None),
            ("a\u{202e}b", None),
        ] {
            assert_eq!(shell_word(text).as_deref(), word);
        }
    }
}
