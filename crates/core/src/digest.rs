//! The hash functions (FIPS 180-4), and hexadecimal. What is stored uses SHA-256 only.

use aws_lc_rs::digest::{SHA256, SHA512, digest};

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    for (target, byte) in output.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *target = *byte;
    }
    output
}

/// SHA-512 of `bytes`. Only for hashes that another party chose.
pub fn sha512(bytes: &[u8]) -> [u8; 64] {
    let mut output = [0; 64];
    for (target, byte) in output.iter_mut().zip(digest(&SHA512, bytes).as_ref()) {
        *target = *byte;
    }
    output
}

/// Lower-case hexadecimal, as hashes and public keys are printed.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Decodes an even number of hexadecimal digits of either case; `None` for any other text.
pub fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    // `from_str_radix` alone would accept `+f` as a number.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            text.get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // FIPS 180-4, example "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hexadecimal(&sha256(b"abc")), expected);
    }

    #[test]
    fn every_byte_survives_hexadecimal_in_either_case() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = hexadecimal(&bytes);
        assert_eq!(from_hexadecimal(&text), Some(bytes.clone()));
        assert_eq!(from_hexadecimal(&text.to_uppercase()), Some(bytes));
        assert_eq!(from_hexadecimal(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_hexadecimal_is_refused() {
        for text in [
            "0",
            "0g",
            "+f",
            "-1",
            " 0",
            "0 ",
            "é",
            "0x00",
            "\u{ff11}\u{ff11}",
            "00\n1",
        ] {
            assert_eq!(from_hexadecimal(text), None, "{text:?}");
        }
    }
}
