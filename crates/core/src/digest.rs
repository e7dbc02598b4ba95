//! The one hash function, SHA-256 (FIPS 180-4), in the shape the rest of the crate wants.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    for (target, byte) in output.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *target = *byte;
    }
    output
}

/// Lower-case hexadecimal, as hashes and public keys are printed.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of an even number of hexadecimal digits.
pub fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}
