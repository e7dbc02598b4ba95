//! Keyed hashes. Without the key they reveal neither their input nor which inputs collide.

use zeroize::ZeroizeOnDrop;

use super::window::Window;

/// A Mersenne prime: reduction of a sum of products needs no division.
const PRIME: u64 = (1 << 61) - 1;

/// The key of a process for [`Redactor`](super::Redactor); 64 bytes of randomness.
///
/// The key prevents an attacker who measures search times from computing which other texts take as long.
#[derive(Clone, ZeroizeOnDrop)]
#[expect(missing_debug_implementations, reason = "it is confidential")]
pub struct Key {
    words: [u64; 4],
    base: u64,
}

impl Key {
    /// `random` must be unpredictable and differ between processes.
    pub fn new(random: &[u8; 64]) -> Self {
        let (words, _) = random.as_chunks::<8>();
        let word = |index: usize| words.get(index).map_or(1, |word| u64::from_le_bytes(*word));
        Self {
            words: [word(0), word(1), word(2), word(3)],
            // Larger than any letter.
            base: 257 + word(4) % (PRIME - 257),
        }
    }

    /// The hash of a window; `kind` separates hashes of different alphabets.
    #[inline]
    pub(super) fn hash(&self, window: Window, kind: u64) -> u64 {
        let [first, second, third, fourth] = self.words;
        let (low, high) = halves(window.last);
        let hash = fold(low ^ first, high ^ second ^ kind << 56);
        if window.first == 0 {
            return hash;
        }
        let (low, high) = halves(window.first);
        hash ^ fold(low ^ third, high ^ fourth)
    }

    /// The hash of a window of 8 to 32 letters in either case. It is made of overlapping parts, so no letter has to be
    /// masked.
    pub(super) fn sample(&self, window: &[u8]) -> u64 {
        let part = |letters: &[u8]| {
            let first = letters.first_chunk().copied().unwrap_or_default();
            let last = letters.last_chunk().copied().unwrap_or_default();
            self.part(first, last)
        };
        match (window.first_chunk::<16>(), window.last_chunk::<16>()) {
            (Some(first), Some(last)) if window.len() > 16 => joined(part(first), part(last)),
            _ => part(window),
        }
    }

    /// The hash of 8 to 16 letters: the first eight and the last eight.
    #[inline]
    pub(super) fn part(&self, first: [u8; 8], last: [u8; 8]) -> u64 {
        const LOWER: u64 = 0x2020_2020_2020_2020;
        let [one, other, ..] = self.words;
        let first = u64::from_le_bytes(first) | LOWER;
        let last = u64::from_le_bytes(last) | LOWER;
        fold(first ^ one, last ^ other)
    }

    /// The fingerprint of a text with one more letter (Karp and Rabin 1987).
    #[inline]
    pub(super) fn append(&self, fingerprint: u64, letter: u8) -> u64 {
        reduce(u128::from(fingerprint) * u128::from(self.base) + u128::from(letter) + 1)
    }

    /// The fingerprint of a text.
    pub(super) fn fingerprint(&self, letters: &[u8]) -> u64 {
        let append = |fingerprint, letter: &u8| self.append(fingerprint, *letter);
        letters.iter().fold(0, append)
    }

    /// The power that [`without`] needs for a text of this many letters.
    pub(super) fn power(&self, letters: usize) -> u64 {
        let (mut power, mut square, mut left) = (1, self.base, letters);
        while left > 0 {
            if left & 1 == 1 {
                power = reduce(u128::from(power) * u128::from(square));
            }
            square = reduce(u128::from(square) * u128::from(square));
            left >>= 1;
        }
        power
    }
}

/// The fingerprint of the last letters of a text, given the fingerprint of the whole text and of what precedes them.
#[inline]
pub(super) fn without(whole: u64, before: u64, power: u64) -> u64 {
    let before = reduce(u128::from(before) * u128::from(power));
    reduce(u128::from(whole) + u128::from(PRIME - before))
}

/// The hash of more than 16 letters, from those of the first 16 and the last 16.
#[inline]
pub(super) fn joined(first: u64, last: u64) -> u64 {
    first.rotate_left(32) ^ last
}

fn reduce(number: u128) -> u64 {
    let (low, high) = halves(number);
    let sum = (low & PRIME) + (high << 3 | low >> 61);
    let sum = (sum & PRIME) + (sum >> 61);
    if sum >= PRIME { sum - PRIME } else { sum }
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let (low, high) = halves(u128::from(left) * u128::from(right));
    low ^ high
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
fn halves(number: u128) -> (u64, u64) {
    (number as u64, (number >> 64) as u64)
}

#[cfg(test)]
mod tests;
