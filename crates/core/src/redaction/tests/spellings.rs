//! Spellings of a value, written without any code of the search.

use std::fmt::Write as _;

/// A spelling of bytes, and its name.
pub(super) type Spelling = (&'static str, fn(&[u8]) -> String);

/// Those in which only the value is replaced, so that the text around it can be compared.
pub(super) const EXACT: [Spelling; 16] = [
    ("raw", raw),
    ("percent, all", |value| percent(value, |_| true, true)),
    ("percent, as it must be", |value| {
        percent(value, |byte| !byte.is_ascii_alphanumeric(), false)
    }),
    ("form", form),
    ("JSON", json),
    ("JSON, all escaped", json_all),
    ("JSON in JSON", |value| json(json(value).as_bytes())),
    ("HTML", html),
    ("HTML, decimal", |value| {
        numbers(value, |code| format!("&#{code:05};"))
    }),
    ("HTML, hexadecimal", |value| {
        numbers(value, |code| format!("&#X{code:x};"))
    }),
    ("hexadecimal", hexadecimal),
    ("hexadecimal, upper case", |value| {
        joined(value, "", "", true)
    }),
    ("percent-encoded JSON", |value| {
        percent(json(value).as_bytes(), |_| true, false)
    }),
    ("JSON three times", |value| nested_json(value, 3)),
    ("JSON four times", |value| nested_json(value, 4)),
    ("JSON four times, all escaped", |value| {
        nested_json(json_all(value).as_bytes(), 3)
    }),
];

/// Hexadecimal as in dumps.
pub(super) const DUMPS: [Spelling; 6] = [
    ("colons", |value| joined(value, "", ":", true)),
    ("spaces", |value| joined(value, "", " ", false)),
    ("C string", |value| joined(value, "\\x", "", false)),
    ("C array", |value| joined(value, "0x", ", ", true)),
    ("0x", |value| joined(value, "0x", "", false)),
    ("0X", |value| joined(value, "0X", "", true)),
];

pub(super) fn raw(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

pub(super) fn percent(value: &[u8], is_encoded: fn(u8) -> bool, is_upper: bool) -> String {
    let mut text = String::new();
    for byte in value {
        match (is_encoded(*byte) || !byte.is_ascii(), is_upper) {
            (false, _) => text.push(char::from(*byte)),
            (true, true) => write!(text, "%{byte:02X}").unwrap(),
            (true, false) => write!(text, "%{byte:02x}").unwrap(),
        }
    }
    text
}

pub(super) fn form(value: &[u8]) -> String {
    let encoded = percent(
        value,
        |byte| !byte.is_ascii_alphanumeric() && byte != b' ',
        true,
    );
    encoded.replace(' ', "+")
}

pub(super) fn json(value: &[u8]) -> String {
    let quoted = serde_json::to_string(&raw(value)).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// JSON nested in JSON, `times` deep.
pub(super) fn nested_json(value: &[u8], times: usize) -> String {
    (0..times).fold(raw(value), |text, _| json(text.as_bytes()))
}

pub(super) fn json_all(value: &[u8]) -> String {
    let units: Vec<u16> = raw(value).encode_utf16().collect();
    units
        .iter()
        .fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"))
}

pub(super) fn html(value: &[u8]) -> String {
    let text = raw(value)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&GT;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Each character as its number.
pub(super) fn numbers(value: &[u8], number: fn(u32) -> String) -> String {
    raw(value)
        .chars()
        .map(|character| number(character.into()))
        .collect()
}

pub(super) fn hexadecimal(value: &[u8]) -> String {
    joined(value, "", "", false)
}

fn joined(value: &[u8], before: &str, between: &str, is_upper: bool) -> String {
    let digits = value.iter().map(|byte| {
        if is_upper {
            format!("{before}{byte:02X}")
        } else {
            format!("{before}{byte:02x}")
        }
    });
    digits.collect::<Vec<_>>().join(between)
}

/// Base64 of either alphabet, without padding, in lines of `width`.
pub(super) fn base64(value: &[u8], is_url: bool, width: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let last = if is_url { *b"-_" } else { *b"+/" };
    let bits: Vec<u8> = value
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    let mut text = String::new();
    for (index, six) in bits.chunks(6).enumerate() {
        if index > 0 && index % width == 0 {
            text.push_str("\r\n");
        }
        let code = (0..6).fold(0, |code, bit| {
            code << 1 | six.get(bit).copied().unwrap_or(0)
        });
        let letter = alphabet.iter().chain(&last).nth(usize::from(code)).unwrap();
        text.push(char::from(*letter));
    }
    text
}
