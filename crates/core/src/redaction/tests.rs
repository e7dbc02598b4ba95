//! What is found and what is not, and that neither depends on chunks or on the sieve.

mod chunks;
mod cost;
mod documents;
mod escapes;
mod examples;
mod gaps;
mod held;
mod memory;
mod parts;
mod properties;
mod reference;
mod sieves;
mod spellings;
mod streams;
mod tables;
mod takeover;
mod time;

use super::{Key, Redactor};

fn key() -> Key {
    let mut numbers = Numbers(61);
    Key::new(&std::array::from_fn(|_| numbers.next().to_le_bytes()[0]))
}

fn looks_for<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Redactor {
    let redactor = Redactor::new(&key());
    for (name, value) in values {
        redactor.add(name, value);
    }
    redactor
}

/// `text` as one stream, split before each of `splits`, and the number of markers.
fn streamed(redactor: &Redactor, text: &[u8], splits: &[usize]) -> (Vec<u8>, usize) {
    let (mut stream, mut out, mut markers, mut from) = (redactor.stream(), Vec::new(), 0, 0);
    for split in splits.iter().copied().chain([text.len()]) {
        markers += stream.push(&text[from..split], &mut out);
        from = split;
    }
    markers += stream.finish(&mut out);
    (out, markers)
}

/// Pseudorandom numbers (`SplitMix64`), the same in every run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn text(&mut self, length: usize, alphabet: &str) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }
}
