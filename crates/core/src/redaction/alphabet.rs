//! The letters of hexadecimal and base64 text, and what may stand between them.

/// What one byte is in a run of encoded text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    /// A letter, as it is spelled in patterns.
    Is(u8),
    /// Something that encoders put between letters.
    Between,
    /// The end of the run.
    Other,
}

/// How many bytes may stand between two letters of one run, so that what is held back is bounded.
pub(super) const LONGEST_GAP: u8 = 32;

/// A digit in either case. What dumps put between bytes is passed over: `68 65`, `68:65`, `\x68\x65`, `0x68, 0x65`.
pub(super) fn hexadecimal(byte: u8) -> Letter {
    match byte {
        b'0'..=b'9' | b'a'..=b'f' => Letter::Is(byte),
        b'A'..=b'F' => Letter::Is(byte.to_ascii_lowercase()),
        b' ' | b'\t' | b'\r' | b'\n' | b':' | b'-' | b',' | b';' | b'\\' | b'x' | b'X' => {
            Letter::Between
        }
        _ => Letter::Other,
    }
}

/// A letter of either base64 alphabet (RFC 4648). Line breaks and indentation are passed over.
pub(super) fn base64(byte: u8) -> Letter {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => Letter::Is(byte),
        b'-' => Letter::Is(b'+'),
        b'_' => Letter::Is(b'/'),
        b' ' | b'\t' | b'\r' | b'\n' => Letter::Between,
        _ => Letter::Other,
    }
}

/// The digit for the lower four bits.
pub(super) fn hexadecimal_digit(bits: u8) -> u8 {
    match bits & 15 {
        low @ 0..=9 => b'0' + low,
        high => b'a' + high - 10,
    }
}

/// The letter of the standard alphabet for the lower six bits.
pub(super) fn base64_letter(bits: u8) -> u8 {
    match bits & 63 {
        upper @ 0..=25 => b'A' + upper,
        lower @ 26..=51 => b'a' + lower - 26,
        digit @ 52..=61 => b'0' + digit - 52,
        62 => b'+',
        _ => b'/',
    }
}

/// Where the run before `end` that could be the begin of a match begins: at most `letters` letters back.
pub(super) fn run_start(
    bytes: &[u8],
    end: usize,
    alphabet: fn(u8) -> Letter,
    letters: usize,
) -> usize {
    let (mut start, mut left, mut gap) = (end, letters, 0);
    for byte in bytes.get(..end).unwrap_or_default().iter().rev() {
        match alphabet(*byte) {
            Letter::Is(_) if left > 0 => (left, gap) = (left - 1, 0),
            Letter::Between if gap < LONGEST_GAP => gap += 1,
            _ => break,
        }
        start -= 1;
    }
    start
}
