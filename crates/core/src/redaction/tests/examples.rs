//! Examples of each spelling.

use super::spellings::{self, DUMPS, EXACT};
use super::{Numbers, looks_for, streamed};

const AWKWARD: &str = "a\"b\\c&d%e+f g/h'i<j>k\n🔑é.*";

fn redact(values: &[(&str, &str)], text: &str) -> String {
    let redactor = looks_for(values.iter().copied());
    redactor.text(text).unwrap_or_else(|| text.to_owned())
}

#[test]
fn each_spelling_is_replaced_and_nothing_around_it() {
    for value in [
        AWKWARD,
        "sk-live-0123456789",
        "(.*)[a-z]+$",
        "exactly8",
        "ümläute!",
    ] {
        for (name, spell) in EXACT.iter().chain(&DUMPS) {
            let text = format!("token: <{}> ok", spell(value.as_bytes()));
            // The first `0x` may stay: it reveals nothing.
            let redacted = redact(&[("key", value)], &text);
            let redacted = redacted.replace("<0x", "<").replace("<0X", "<");
            assert_eq!(redacted, "token: <[secret:key]> ok", "{name}");
        }
    }
}

#[test]
fn base64_is_replaced_at_every_alignment_with_every_bit() {
    let value = "user:pässwörd?~";
    for (before, after) in [0, 1, 2, 3, 4]
        .into_iter()
        .flat_map(|before| [0, 1, 2, 3].map(|after| (before, after)))
    {
        for (is_url, width) in [(false, 1000), (true, 1000), (false, 76), (true, 8)] {
            let bytes = [&b"xyzw"[..before], value.as_bytes(), &b"~~~~"[..after]].concat();
            let text = spellings::base64(&bytes, is_url, width);
            let redacted = redact(&[("key", value)], &format!("<{text}>"));
            // The remaining letters have no bit of the value.
            let left = before * 8 / 6;
            let value_end = ((before + value.len()) * 8).div_ceil(6);
            let kept: String = text
                .chars()
                .filter(|letter| !letter.is_whitespace())
                .collect();
            let (left, right) = (&kept[..left], &kept[value_end..]);
            let redacted = redacted.replace("\r\n", "");
            assert_eq!(
                redacted,
                format!("<{left}[secret:key]{right}>"),
                "{before} {after}"
            );
        }
    }
}

#[test]
fn parts_may_be_spelled_differently() {
    let values = [("key", "sk/live+secret&more")];
    assert_eq!(
        redact(&values, r"sk%2flive\u002bsecret&amp;more"),
        r"sk%2flive\u002bsecret&amp;more"
    );
    assert_eq!(redact(&values, "s%6B%2flive+secret&more"), "[secret:key]");
    assert_eq!(
        redact(&values, r"\u0073k\/live+secret&more"),
        "[secret:key]"
    );
    assert_eq!(
        redact(&values, "sk%2Flive%2Bsecret%26amp%3Bmore"),
        "[secret:key]"
    );
    assert_eq!(
        redact(&[("key", "two words+more")], "q=two+words%2Bmore&x=1"),
        "q=[secret:key]&x=1"
    );
    assert_eq!(
        redact(&[("key", "two words+more")], "q=two%20words+more"),
        "q=[secret:key]"
    );
    assert_eq!(
        redact(&[("key", "snake_case_key")], r"**snake\_case\_key**"),
        "**[secret:key]**"
    );
}

#[test]
fn an_escape_is_read_as_one_thing_in_each_view() {
    // The entity is decoded first, then the percent-encoding around it.
    let values = [("key", "&amp;&amp;")];
    assert_eq!(redact(&values, "%26%61%6D%70;&amp;amp;"), "[secret:key]");
    // The digits of a decoded escape are not text.
    let text = "%43%67%44%52%0000%30%30%30%30";
    assert_eq!(redact(&[("key", "00000000")], text), text);
    let text = "%aaaa%61%61%61%61";
    assert_eq!(redact(&[("key", "aaaaaaaa")], text), text);
    let values = [("literal", "\\nab\\\"cdxyz"), ("key", "nab\"cdefg")];
    assert_eq!(redact(&values, r#"\\nab\"cdefg"#), r"\\[secret:key]");
}

#[test]
fn encodings_of_base64_and_inside_it_are_found() {
    let value = "two\nlines>>>???of text";
    let plain = spellings::base64(value.as_bytes(), false, 1000);
    let in_url = spellings::percent(plain.as_bytes(), |byte| !byte.is_ascii_alphanumeric(), true);
    assert_eq!(
        redact(&[("key", value)], &format!("?v={in_url}&")),
        "?v=[secret:key]&"
    );
    let document = format!("{{\"a\":\"{}\"}}", spellings::json(value.as_bytes()));
    let token = spellings::base64(document.as_bytes(), true, 1000);
    assert!(redact(&[("key", value)], &token).contains("[secret:key]"));
    let wide: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(
        redact(&[("key", value)], &spellings::base64(&wide, false, 1000)).contains("[secret:key]")
    );
}

#[test]
fn base64_of_utf_16_is_replaced_with_every_bit() {
    let letters = "k7Kq2mZv9RtB4nWc8LsD1fGh6JpY3aQe5TuV";
    for length in 9..letters.len() {
        let value = &letters[..length];
        for before in 0..3 {
            let wide = value.encode_utf16().flat_map(u16::to_le_bytes);
            let bytes: Vec<u8> = b"xy"[..before].iter().copied().chain(wide).collect();
            let text = spellings::base64(&bytes, false, 1000);
            let left = &text[..before * 8 / 6];
            let redacted = redact(&[("key", value)], &text);
            assert!(
                redacted.starts_with(&format!("{left}[secret:key]")),
                "{redacted}"
            );
        }
    }
}

#[test]
fn utf_16_is_found_in_both_byte_orders() {
    for value in ["plain-ascii", "schlüssel-wörter"] {
        let redactor = looks_for([("key", value)]);
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = value.encode_utf16().flat_map(to_bytes).collect();
            let (out, markers) = streamed(&redactor, &bytes, &[5]);
            assert_eq!(markers, 1, "{value}");
            assert!(out.len() <= "[secret:key]".len() + 1);
        }
    }
}

#[test]
fn the_memory_of_a_value_is_counted_until_it_is_removed() {
    let redactor = looks_for([]);
    let before = redactor.bytes();
    let added = redactor.add("key", "a value of some length").unwrap();
    assert!(!redactor.is_empty());
    assert!(added.bytes() > 1_000 && redactor.bytes() >= before + added.bytes() / 2);
    redactor.remove(added);
    assert!(redactor.is_empty());
}

#[test]
fn seven_characters_are_left_alone_and_eight_are_not() {
    assert!(looks_for([("short", "1234567"), ("short", "üüüüüüü"), ("none", "")]).is_empty());
    assert_eq!(redact(&[("short", "1234567")], "1234567"), "1234567");
    assert_eq!(
        redact(&[("key", "üüüüüüüü")], "xüüüüüüüüx"),
        "x[secret:key]x"
    );
}

#[test]
fn the_longest_value_names_what_overlaps() {
    let values = [
        ("inner", "cdefghijkl"),
        ("outer", "abcdefghijklmnop"),
        ("next", "mnopqrstuv"),
    ];
    assert_eq!(redact(&values, "-cdefghijkl-"), "-[secret:inner]-");
    assert_eq!(redact(&values, "-abcdefghijklmnop-"), "-[secret:outer]-");
    assert_eq!(
        redact(&values, "-abcdefghijklmnopqrstuv-"),
        "-[secret:outer]-"
    );
    assert_eq!(
        redact(&values, "-cdefghijklmnopqrstuv-"),
        "-[secret:inner][secret:next]-"
    );
    assert_eq!(
        redact(&[("one", "aaaaaaaa")], "aaaaaaaaaaaaaaaaaaaaaa"),
        "[secret:one]"
    );
    assert_eq!(
        redact(
            &[("first", "the-same-value"), ("second", "the-same-value")],
            "the-same-value"
        ),
        "[secret:first]"
    );
}

#[test]
fn a_long_value_is_found_whole_and_not_in_part() {
    let mut numbers = Numbers(1);
    let body = numbers.text(
        65_536,
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    );
    let lines: Vec<&str> = (0..body.len() / 64)
        .map(|line| &body[line * 64..line * 64 + 64])
        .collect();
    let pem = format!(
        "-----BEGIN KEY-----\n{}\n-----END KEY-----\n",
        lines.join("\n")
    );
    let redactor = looks_for([("pem", &*pem)]);
    for (name, spell) in EXACT {
        let redacted = redactor.text(&format!("<{}>", spell(pem.as_bytes())));
        assert_eq!(redacted.as_deref(), Some("<[secret:pem]>"), "{name}");
    }
    let text = spellings::base64(format!("{pem}x").as_bytes(), false, 76);
    assert!(redactor.text(&text).unwrap().starts_with("[secret:pem]"));
    let redactor = looks_for([("body", &*body)]);
    assert_eq!(redactor.text(&body).as_deref(), Some("[secret:body]"));
    assert_eq!(redactor.text(&body[1..]), None);
}

#[test]
fn a_marker_gives_nothing_away_and_breaks_nothing() {
    assert_eq!(
        redact(
            &[("a\"b\\c\n\u{1b}[31m<&'`\u{202e}", "some-value")],
            "some-value"
        ),
        "[secret:a_b_c__[31m_____]"
    );
    let values = [
        ("production-password", "first-value"),
        ("b", "production-password"),
    ];
    assert_eq!(
        redact(&values, "first-value production-password"),
        "[secret] [secret:b]"
    );
    let named_in_hexadecimal = [("6162636465666768", "first-value"), ("b", "abcdefgh")];
    assert_eq!(redact(&named_in_hexadecimal, "first-value"), "[secret]");
    assert_eq!(
        redact(
            &[("a", "[secret:a]"), ("b", "[secret]")],
            "the [secret:a] word"
        ),
        "the *** word"
    );
    // Text after a marker is not read as a continuation of it.
    assert_eq!(
        redact(
            &[("a", "some-value"), ("b", "a]some-more")],
            "some-valuesome-more"
        ),
        "[secret:a]some-more"
    );
}

#[test]
fn an_escaped_first_character_belongs_to_the_value_wherever_it_is_noticed() {
    let values = [("key", "(.*)[a-z]+$^{2}|?")];
    for length in 0..40 {
        let before = "\0\\".repeat(length);
        for shift in ["", "x", "xx", "xxx"] {
            let text = format!("{before}{shift}\\(.*)[a-z]+$^{{2}}|?");
            let found = redact(&values, &text);
            assert!(
                found.ends_with("[secret:key]") && !found.ends_with("\\[secret:key]"),
                "{found:?}"
            );
        }
    }
}

#[test]
fn what_is_merely_alike_is_left_alone() {
    let values = [("key", "Secret-Value-1")];
    for text in [
        "secret-value-1",
        "1-eulaV-terceS",
        "Secret-Value-",
        "ecret-Value-1",
        "Secret-\nValue-1",
        "",
    ] {
        assert_eq!(redact(&values, text), text);
    }
}
