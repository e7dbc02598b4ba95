//! Values of secrets found again in what a tool server sends back, and replaced by `[secret:<name>]`.
//!
//! A [`Redactor`] looks for values as text (UTF-8 and UTF-16), in hexadecimal digits and in base64 of either alphabet at
//! every alignment, each also percent-encoded, escaped with backslashes or for HTML, up to two of these within each other
//! (four if all are backslashes, as in JSON in JSON) and mixed with plain text. `view` undoes the escapes, `scanner` reads
//! letters, `automaton` compares, `search` has `sieve` skip what cannot match. The work is linear in the input, whatever
//! it is made of.
//!
//! Parts that overlap are replaced as one, named after the longest value in it. In base64 the letters at either end
//! that hold single bits of the value go too.
//!
//! # What is not found
//!
//! This is defence in depth. A server that wants to give a value away can, and some forms are left out on purpose:
//!
//! - values of fewer than 8 code points, and parts of values;
//! - a value in other case or reversed: what is merely alike would be replaced too;
//! - a value that is compressed, encrypted, hashed, or encoded twice in base64 or hexadecimal;
//! - a value spread over several JSON strings, or spelled as an array of numbers;
//! - a number written differently (`1e9` for `1000000000`);
//! - base64 or digits with more than 32 bytes between two letters; dumps that repeat addresses between lines;
//! - characters that are spelled in over 400 bytes each, by escapes within each other;
//! - named HTML entities other than XML's five, and entities without a semicolon;
//! - UTF-16 of values over 1 KiB.

mod alphabet;
mod automaton;
mod decoder;
mod document;
mod escape;
mod ranges;
mod scanner;
mod search;
mod sieve;
mod stream;
#[cfg(test)]
mod tests;
mod values;
mod view;

use std::sync::Arc;

pub use stream::Stream;

use crate::json::Value;
use automaton::Automaton;
use escape::Escape;
use scanner::Alphabet;
use search::Search;
use sieve::Sieve;
use values::FEWEST_CHARACTERS;

/// Values to look for, compiled; cheap to clone.
///
/// Takes 33 KiB, and per byte of each value about 250 bytes, of values up to 1 KiB 550; overwritten when dropped. Making
/// one takes some 20 µs per value of 40 characters, so it is kept as long as the values are the same.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "it is made of confidential values"
)]
pub struct Redactor(Arc<Compiled>);

/// What a search needs to know.
struct Compiled {
    automata: [Automaton; 3],
    sieve: Sieve,
    escapes: &'static [Escape],
    /// What each value is replaced by.
    markers: Vec<String>,
    /// Shorter input holds no value, in bytes.
    shortest: usize,
}

impl Redactor {
    /// Looks for the values of these pairs of a name and a value. Those of fewer than 8 code points are left out, and
    /// one that several names have goes by the first.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let known = values::known(values.into_iter());
        let escapes = Escape::worth_undoing(known.iter().any(|known| known.value.contains(' ')));
        let patterns = [
            values::plain(&known),
            values::hexadecimal(&known),
            values::base64(&known),
        ];
        let [plain, hexadecimal, base64] = &patterns;
        let mut compiled = Compiled {
            sieve: Sieve::new([plain, hexadecimal, base64], escapes),
            automata: patterns.map(Automaton::new),
            escapes,
            markers: Vec::new(),
            shortest: if known.is_empty() {
                usize::MAX
            } else {
                FEWEST_CHARACTERS
            },
        };
        let mut search = Search::default();
        let markers = known.iter().map(|known| {
            let marker = format!("[secret:{}]", harmless(known.name));
            [marker, "[secret]".to_owned()]
                .into_iter()
                .find(|marker| !search.finds(&compiled, marker))
                // Shorter than any value.
                .unwrap_or_else(|| "***".to_owned())
        });
        compiled.markers = markers.collect::<Vec<_>>();
        Self(Arc::new(compiled))
    }

    /// Whether it looks for nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` with markers in place of values; `None` if it holds none.
    pub fn text(&self, text: &str) -> Option<String> {
        Search::default().redacted(&self.0, text)
    }

    /// Appends `value` to `out`, and tells whether something in it was replaced.
    ///
    /// Strings, names of members and numbers that hold a value are written anew as strings, a lone surrogate in
    /// them as U+FFFD; everything else is written as it is spelled. Names may become equal.
    pub fn json(&self, value: Value<'_>, out: &mut Vec<u8>) -> bool {
        document::write(&self.0, value.raw(), out)
    }

    /// A stream of bytes that are no JSON.
    pub fn stream(&self) -> Stream {
        Stream::new(Arc::clone(&self.0))
    }
}

impl Compiled {
    fn is_empty(&self) -> bool {
        self.markers.is_empty()
    }

    fn automata(&self) -> impl Iterator<Item = (Alphabet, &Automaton)> {
        Alphabet::ALL.into_iter().zip(&self.automata)
    }

    /// What stands for the value of that number.
    fn marker(&self, value: usize) -> &str {
        self.markers.get(value).map_or("[secret]", String::as_str)
    }
}

/// A name without what could end a string, a tag or a line where its marker is put.
fn harmless(name: &str) -> String {
    let is_harmful = |character: char| {
        character.is_control() || matches!(character, '"' | '\'' | '`' | '\\' | '<' | '>' | '&')
    };
    name.replace(is_harmful, "_")
}
