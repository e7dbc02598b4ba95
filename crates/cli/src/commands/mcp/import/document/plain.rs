//! JSON as editors write it: with comments, commas at an end, and a byte order mark.

use toolvault_core::confidential::Wiped;

/// The text with spaces for comments, and for commas before a closing bracket.
pub(super) fn plain(text: &str) -> Wiped<String> {
    let mut bytes = Wiped::new(text.as_bytes().to_vec());
    if text.starts_with(super::BYTE_ORDER_MARK) {
        for place in bytes.iter_mut().take(super::BYTE_ORDER_MARK.len()) {
            *place = b' ';
        }
    }
    let mut at = 0;
    let mut comma = None;
    while let Some(&byte) = bytes.get(at) {
        let end = match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                comma = None;
                at = end_of_string(&bytes, at);
                continue;
            }
            (b'/', Some(b'/')) => end_of(&bytes, at, b"\n", 0),
            (b'/', Some(b'*')) => end_of(&bytes, at, b"*/", 2),
            (b',', _) => {
                comma = Some(at);
                at + 1
            }
            (b'}' | b']', _) => {
                if let Some(place) = comma.take().and_then(|comma: usize| bytes.get_mut(comma)) {
                    *place = b' ';
                }
                at + 1
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    comma = None;
                }
                at + 1
            }
        };
        if byte == b'/' && end > at + 1 {
            for place in bytes.get_mut(at..end).into_iter().flatten() {
                if !matches!(place, b'\n' | b'\r') {
                    *place = b' ';
                }
            }
        }
        at = end;
    }
    // Only whole comments were replaced, so it is UTF-8 still.
    Wiped::new(String::from_utf8(bytes.to_vec()).unwrap_or_default())
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the next occurrence of `mark`, of which `length` bytes belong to what ends; or the end of all.
fn end_of(bytes: &[u8], start: usize, mark: &[u8], length: usize) -> usize {
    let rest = bytes.get(start + 2..).unwrap_or_default();
    let found = rest.windows(mark.len()).position(|window| window == mark);
    found.map_or(bytes.len(), |found| start + 2 + found + length)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn comments_and_last_commas_are_space_and_strings_stay() {
        for (text, expected) in [
            ("{\"a\": 1, // ä\n}", "{\"a\": 1       \n}"),
            ("[1, /* , \n */ 2,]", "[1,      \n    2 ]"),
            (
                "{\"a\": \"// no, ]\\\", /* */\",\n}",
                "{\"a\": \"// no, ]\\\", /* */\" \n}",
            ),
            ("[1,,]", "[1, ]"),
            ("[\"a\", \"b\"]", "[\"a\", \"b\"]"),
            ("/", "/"),
            ("// all", "      "),
            ("\u{feff}{}", "   {}"),
        ] {
            let plain = plain(text);
            assert_eq!(plain.as_str(), expected, "{text}");
            assert_eq!(plain.len(), text.len());
        }
    }
}
