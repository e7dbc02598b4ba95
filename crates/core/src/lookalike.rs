//! Names that look like others, and characters that people do not see (Unicode Technical Standard 39).

use unicode_security::RestrictionLevel::ModeratelyRestrictive;
use unicode_security::RestrictionLevelDetection as _;
use unicode_security::confusable_detection::skeleton;

use crate::terminal::is_unsafe;

/// What two names have in common if people take one for the other: the skeleton of UTS 39, section 4, in lower case.
pub fn appearance(name: &str) -> String {
    skeleton(name).collect::<String>().to_lowercase()
}

/// Whether the letters of a name are ones that names mix seldom, as Latin with Cyrillic, or that are not for names.
///
/// The name is then more than moderately restrictive in UTS 39, section 5.2.
pub fn is_unusual(name: &str) -> bool {
    let letters: String = name
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    !letters.check_restriction_level(ModeratelyRestrictive)
}

/// The characters of a text that people do not see, but that programs and models read. Line breaks and tabs are none,
/// nor are selectors and joiners where emoji and other scripts need them.
pub fn hidden(text: &str) -> impl Iterator<Item = char> {
    let mut characters = text.chars().peekable();
    let mut before = None;
    std::iter::from_fn(move || {
        loop {
            let character = characters.next()?;
            let around = (before.replace(character), characters.peek().copied());
            if is_hidden(character, around) {
                return Some(character);
            }
        }
    })
}

fn is_hidden(character: char, (before, after): (Option<char>, Option<char>)) -> bool {
    let is_joined = |beside: Option<char>| {
        beside.is_some_and(|beside| !beside.is_ascii() && !is_unsafe(beside))
    };
    match character {
        '\n' | '\r' | '\t' => false,
        // Text or emoji; also for the digits of a keycap.
        '\u{fe0e}' | '\u{fe0f}' => {
            let is_shown = |before: char| {
                matches!(before, '0'..='9' | '#' | '*')
                    || !matches!(before, '\u{fe0e}' | '\u{fe0f}') && is_joined(Some(before))
            };
            !before.is_some_and(is_shown)
        }
        // They decide between forms of letters, and join emoji.
        '\u{200c}' | '\u{200d}' => !(is_joined(before) && is_joined(after)),
        other => is_unsafe(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_one_appearance() {
        for (one, other) in [
            ("get_issue", "gеt_issue"),
            ("get_issue", "get_іssue"),
            ("send_mail", "send_mai1"),
            ("send_Mail", "send_MaiI"),
            ("modern", "rnodern"),
            ("read", "Read"),
            ("read", "ｒｅａｄ"),
            ("read", "re\u{200b}ad"),
        ] {
            assert_ne!(one, other);
            assert_eq!(appearance(one), appearance(other), "{other}");
        }
        for (one, other) in [
            ("get_issue", "get_issues"),
            ("read", "write"),
            ("a_b", "a-b"),
        ] {
            assert_ne!(appearance(one), appearance(other), "{other}");
        }
    }

    #[test]
    fn letters_that_names_mix_seldom_are_unusual() {
        for name in ["gеt_issue", "αpi", "𝐠et_issue"] {
            assert!(is_unusual(name), "{name}");
        }
        for name in [
            "get_issue/2.0",
            "получить",
            "課題を読む",
            "获取_issue",
            "größe",
            "",
        ] {
            assert!(!is_unusual(name), "{name}");
        }
    }

    #[test]
    fn what_people_do_not_see_is_found_and_what_they_see_is_not() {
        let found = |text: &str| hidden(text).collect::<Vec<_>>();
        for (text, expected) in [
            ("a\u{200b}b\u{2060}", &['\u{200b}', '\u{2060}'][..]),
            ("a\u{202e}b\u{2066}", &['\u{202e}', '\u{2066}']),
            ("a\u{e0041}\u{e007f}", &['\u{e0041}', '\u{e007f}']),
            ("a\u{fe0f}", &['\u{fe0f}']),
            ("é\u{fe0f}\u{fe0f}", &['\u{fe0f}']),
            ("a\u{fe00}\u{e0100}", &['\u{fe00}', '\u{e0100}']),
            ("a\u{200d}b", &['\u{200d}']),
            ("é\u{200d}", &['\u{200d}']),
            (
                "a\u{ad}b\u{3164}\u{115f}",
                &['\u{ad}', '\u{3164}', '\u{115f}'],
            ),
            ("a\u{1b}[2K", &['\u{1b}']),
            ("\u{feff}a", &['\u{feff}']),
        ] {
            assert_eq!(found(text), expected, "{}", text.escape_unicode());
        }
        for text in [
            "two\r\n\tlines",
            "⚠\u{fe0f} 1\u{fe0f}\u{20e3}",
            "👩\u{200d}🚀 ❤\u{fe0f}\u{200d}🔥",
            "می\u{200c}خواهم",
            "ü日本",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
