//! Text that comes from others, where people read it in a terminal or copy it into one.

/// Whether a terminal may interpret the character, or show nothing of it.
///
/// These are control characters, those that change the direction of text (Unicode Standard Annex 9) or join lines, and
/// the invisible ones (`Default_Ignorable_Code_Point`), except U+FE0E and U+FE0F, which many emoji have.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0d}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
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
            ("a\u{e0041}b", None),
        ] {
            assert_eq!(shell_word(text).as_deref(), word);
        }
    }
}
