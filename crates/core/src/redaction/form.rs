//! One spelling of a value that is searched for, as the letters of an alphabet.

use crate::confidential::Wiped;

use super::alphabet::Alphabet;

/// A form in one alphabet.
pub(super) struct Form {
    pub(super) alphabet: Alphabet,
    pub(super) letters: Wiped<Vec<u8>>,
    /// How many of the first letters are public.
    pub(super) public: usize,
    /// Whether it is of UTF-16.
    pub(super) is_wide: bool,
    /// Whether white space may occur between the letters.
    pub(super) is_spaced: bool,
    pub(super) lead: Edge,
    pub(super) tail: Edge,
}

/// What belongs to a value before its first letter or after its last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    Nothing,
    /// A letter that has some bits of the value.
    Letter,
    /// This much white space, if it is there.
    Spaces(u8),
}

impl Edge {
    pub(super) fn letter(is_shared: bool) -> Self {
        if is_shared {
            Self::Letter
        } else {
            Self::Nothing
        }
    }

    /// What `trimmed` lacks of `text`.
    pub(super) fn spaces(text: &str, trimmed: &str) -> Self {
        match text.len() - trimmed.len() {
            0 => Self::Nothing,
            count => Self::Spaces(u8::try_from(count).unwrap_or(u8::MAX)),
        }
    }
}

impl Form {
    /// Whether it has as many letters as the narrowest window.
    pub(super) fn has_window(&self) -> bool {
        self.letters.len() >= self.width(0, 0)
    }

    /// The window width of a pattern: a safe one if there are enough `letters` to choose from, and some `more`;
    /// otherwise the one for 8 characters.
    pub(super) fn width(&self, letters: usize, more: usize) -> usize {
        let (safe, least, all) = match (self.alphabet, self.is_wide) {
            (Alphabet::Plain | Alphabet::Exact, _) => (16, 8, 8),
            (Alphabet::Base64, false) => (16, 11, 10),
            (Alphabet::Base64, true) => (32, 22, 20),
            (Alphabet::Hexadecimal, false) => (16, 16, 16),
            (Alphabet::Hexadecimal, true) => (32, 32, 30),
        };
        if letters >= safe + more {
            safe
        } else if self.letters.len() >= least {
            least
        } else {
            all
        }
    }
}
