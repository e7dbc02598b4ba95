//! Values with a unique core, and that core in every encoding that could occur.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The middle of every value; `display` never shows the middle.
const CORE: &str = "Zq8vW3kX7rT1yN5mJ2cQ9hB4";

/// What only the value of this number contains.
pub(super) fn core(number: usize) -> String {
    format!("{CORE}{number:04}")
}

/// A value with the core, surrounded by characters that JSON, URLs and shells escape.
pub(super) fn value(number: usize) -> String {
    format!("abc\"\\é%&\n{}<é>\u{1f511}' wxyz", core(number))
}

/// A value of its own that a header can carry.
pub(super) fn plain_value(number: usize) -> String {
    format!("abc {} wxyz", core(number))
}

/// The texts to search for.
pub(super) struct Needles(Vec<(String, Vec<u8>)>);

impl Needles {
    pub(super) fn of_values() -> Self {
        Self::of(CORE)
    }

    pub(super) fn of(core: &str) -> Self {
        let mut needles = Vec::new();
        for (name, bytes) in disguises(core.as_bytes()) {
            needles.push((name.to_owned(), bytes));
        }
        for (name, engine) in [("base64", &STANDARD), ("base64url", &URL_SAFE)] {
            for shift in 0..3 {
                // Digits that depend only on the core, whatever surrounds it.
                let text = engine.encode([&vec![0; shift], core.as_bytes()].concat());
                let from = if shift == 0 { 0 } else { 4 };
                let to = text.trim_end_matches('=').len() - 2;
                let digits = &text.as_bytes()[from..to];
                needles.push((format!("{name} {shift}"), digits.to_vec()));
            }
        }
        Self(needles)
    }

    /// The encoding in which `haystack` contains the core.
    pub(super) fn find(&self, haystack: &[u8]) -> Option<String> {
        let found = self.0.iter().find(|(_, needle)| contains(haystack, needle));
        found.map(|(name, _)| name.clone())
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return false;
    };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// `bytes` in each encoding in which a whole value could be written.
pub(super) fn disguises(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hexadecimal = |width: &str| -> String {
        let digit = |byte: &u8| match width {
            "lower" => format!("{byte:02x}"),
            "upper" => format!("{byte:02X}"),
            "percent" => format!("%{byte:02X}"),
            _ => format!("{byte}, "),
        };
        bytes.iter().map(digit).collect::<Vec<_>>().concat()
    };
    let text = String::from_utf8_lossy(bytes);
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect();
    let escaped: String = text
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect::<Vec<_>>()
        .concat();
    vec![
        ("raw", bytes.to_vec()),
        (
            "JSON",
            serde_json::to_vec(&text)
                .unwrap()
                .split(|byte| *byte == b'"')
                .max_by_key(|part| part.len())
                .unwrap()
                .to_vec(),
        ),
        ("all escaped", escaped.into_bytes()),
        ("hexadecimal", hexadecimal("lower").into_bytes()),
        ("HEXADECIMAL", hexadecimal("upper").into_bytes()),
        ("percent", hexadecimal("percent").into_bytes()),
        (
            "list of bytes",
            hexadecimal("list")
                .trim_end_matches(", ")
                .as_bytes()
                .to_vec(),
        ),
        ("base64 whole", STANDARD.encode(bytes).into_bytes()),
        ("base64url whole", URL_SAFE.encode(bytes).into_bytes()),
        ("UTF-16LE", utf16(u16::to_le_bytes)),
        ("UTF-16BE", utf16(u16::to_be_bytes)),
    ]
}
