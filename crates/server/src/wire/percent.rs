//! Percent-decoding as Python does it.

/// Decodes `%XX` as Python's `unquote` does: invalid UTF-8 becomes U+FFFD, a stray `%` stays.
pub(super) fn percent_decode(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while !rest.is_empty() {
        // Decoded bytes do not join with characters that were not encoded.
        let ascii = rest
            .find(|character: char| !character.is_ascii())
            .unwrap_or(rest.len());
        let (encoded, after) = rest.split_at_checked(ascii).unwrap_or((rest, ""));
        text.push_str(&percent_encoding::percent_decode_str(encoded).decode_utf8_lossy());
        let plain = after
            .find(|character: char| character.is_ascii())
            .unwrap_or(after.len());
        let (plain, after) = after.split_at_checked(plain).unwrap_or((after, ""));
        text.push_str(plain);
        rest = after;
    }
    text
}
