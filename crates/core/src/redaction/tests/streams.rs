//! A thousand secrets in twelve encodings, split everywhere; and what a stream holds back.

use super::spellings::{self, EXACT};
use super::{Numbers, looks_for, streamed};
use crate::redaction::decoder::LONGEST_SPELLING;
use crate::redaction::escape::LONGEST;

const LETTERS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \"\\&%<>\né";

fn secrets(count: usize) -> Vec<(String, String)> {
    let mut numbers = Numbers(19);
    let mut secret = |index| {
        let length = 8 + numbers.below(33);
        (format!("secret-{index}"), numbers.text(length, LETTERS))
    };
    (0..count).map(&mut secret).collect()
}

/// One value in each of twelve encodings, between words.
fn encodings(value: &str) -> [String; 12] {
    let base64 = |before: &str, is_url| {
        let bytes = [before.as_bytes(), value.as_bytes(), b"."].concat();
        spellings::base64(&bytes, is_url, 1000)
    };
    let [raw, percent, reserved, form, json, json_all, _, html, ..] =
        EXACT.map(|(_, spell)| spell(value.as_bytes()));
    let hexadecimal = EXACT[10].1(value.as_bytes());
    let base64 = [base64("", false), base64("-", true), base64("--", false)];
    let [first, second, third] = base64;
    [
        raw,
        percent,
        reserved,
        form,
        json,
        json_all,
        html,
        hexadecimal,
        first,
        second,
        third,
        json_in_url(value),
    ]
}

fn json_in_url(value: &str) -> String {
    EXACT[12].1(value.as_bytes())
}

#[test]
fn a_thousand_secrets_are_found_in_twelve_encodings_however_they_are_parted() {
    are_found_however_they_are_parted(1000);
}

#[test]
fn a_few_secrets_are_found_in_twelve_encodings_however_they_are_parted() {
    are_found_however_they_are_parted(12);
}

fn are_found_however_they_are_parted(count: usize) {
    let secrets = secrets(count);
    let redactor = looks_for(secrets.iter().map(|(name, value)| (&**name, &**value)));
    let mut numbers = Numbers(4096);
    for (name, value) in &secrets {
        for (encoding, spelled) in encodings(value).iter().enumerate() {
            let text = format!("The result: <{spelled}>, and so on");
            let splits: Vec<usize> = (0..text.len()).collect();
            let (whole, markers) = streamed(&redactor, text.as_bytes(), &[]);
            let redacted = String::from_utf8(whole).unwrap();
            assert_eq!(markers, 1, "{name} in {encoding}");
            // Another test checks that the rest of base64 has no bits of the value.
            assert!(redacted.starts_with("The result: <") && redacted.ends_with(">, and so on"));
            assert!(
                redacted.len() <= text.len() - spelled.len() + name.len() + "[secret:]".len() + 4,
                "{redacted}"
            );
            let (bytewise, _) = streamed(&redactor, text.as_bytes(), &splits);
            assert_eq!(
                String::from_utf8(bytewise).unwrap(),
                redacted,
                "{name} in {encoding}, bytewise"
            );
            let split = numbers.below(text.len());
            let (parted, _) = streamed(&redactor, text.as_bytes(), &[split]);
            assert_eq!(
                String::from_utf8(parted).unwrap(),
                redacted,
                "{name} in {encoding} at {split}"
            );
        }
    }
}

#[test]
fn four_kibibytes_may_be_parted_anywhere() {
    let secrets = secrets(1000);
    let redactor = looks_for(secrets.iter().map(|(name, value)| (&**name, &**value)));
    let mut text: String = secrets
        .iter()
        .take(3)
        .flat_map(|(_, value)| encodings(value))
        .collect();
    while text.len() < 4096 {
        text.push_str(" and \"words\" %between them;");
    }
    text.truncate(4096);
    let (whole, markers) = streamed(&redactor, text.as_bytes(), &[]);
    assert!(markers >= 30);
    let every: Vec<usize> = (0..text.len()).collect();
    assert!(streamed(&redactor, text.as_bytes(), &every).0 == whole);
    // Two chunks: only text near the border can depend on it.
    for split in 0..=text.len() {
        let window = split.saturating_sub(200)..text.len().min(split + 200);
        let near = &text.as_bytes()[window.clone()];
        let (whole, _) = streamed(&redactor, near, &[]);
        let (parted, _) = streamed(&redactor, near, &[split - window.start]);
        assert!(parted == whole, "at {split}");
    }
}

#[test]
fn text_without_values_leaves_at_once() {
    let redactor = looks_for([("key", "sk-live-0123456789")]);
    let (mut stream, mut out, mut pushed) = (redactor.stream(), Vec::new(), 0);
    for line in [
        "listening on port 8080\n",
        "100% done, \\o/ & more\n",
        "sk-live-01234567 is not it\n",
    ] {
        assert_eq!(stream.push(line.as_bytes(), &mut out), 0);
        pushed += line.len();
        // The line break may still belong to base64.
        assert!(pushed - out.len() <= 8, "{} of {pushed}", out.len());
    }
    stream.finish(&mut out);
    assert_eq!(out.len(), pushed);
}

#[test]
fn what_is_held_back_is_bounded() {
    let value = "secret value 0123456789 secret value";
    let redactor = looks_for([("key", value)]);
    let longest = value.len() * 40 + 64;
    for piece in [
        "A",
        "%",
        "&#0",
        "\\u",
        "\\\\",
        " ",
        "0x",
        "0",
        "\n",
        "MDEy ",
        value,
        "s%65cret value ",
    ] {
        let (mut stream, mut out) = (redactor.stream(), Vec::new());
        for _ in 0..2000 {
            stream.push(piece.as_bytes(), &mut out);
            assert!(
                stream.held.len() <= longest,
                "{piece:?}: {}",
                stream.held.len()
            );
        }
    }
}

#[test]
fn escapes_within_escapes_hold_back_no_more_than_two_can() {
    let value = "sk-live-0123456789";
    let redactor = looks_for([("key", value)]);
    let braces = |text: &str| {
        let escapes = text.bytes().map(|byte| format!("\\u{{{byte:08x}}}"));
        escapes.collect::<Vec<_>>().concat()
    };
    let mut spelled = value.to_owned();
    for times in 1..=4 {
        spelled = braces(&spelled);
        let (mut stream, mut out, mut markers) = (redactor.stream(), Vec::new(), 0);
        for chunk in spelled.as_bytes().chunks(7) {
            markers += stream.push(chunk, &mut out);
            let longest = (value.len() + LONGEST) * LONGEST_SPELLING;
            assert!(stream.held.len() <= longest, "{}", stream.held.len());
        }
        markers += stream.finish(&mut out);
        assert_eq!(markers, usize::from(times <= 2));
    }
}

#[test]
fn json_in_json_may_be_parted_anywhere() {
    let value = "p\"q\\r/s\\\"é😀\n\\";
    let redactor = looks_for([("key", value)]);
    for times in 1..=4 {
        let once = spellings::json(value.as_bytes());
        for spelled in [once.replace('/', "\\/"), once] {
            let text = format!(
                " {{\"a\":\"{}\"}}",
                spellings::nested_json(spelled.as_bytes(), times - 1)
            );
            let every: Vec<usize> = (0..text.len()).collect();
            let splits = every.iter().map(std::slice::from_ref);
            for splits in splits.chain([&*every, &[]]) {
                let (out, markers) = streamed(&redactor, text.as_bytes(), splits);
                assert_eq!((&*out, markers), (&b" {\"a\":\"[secret:key]\"}"[..], 1));
            }
        }
    }
}

#[test]
fn a_value_is_never_seen_before_it_is_whole() {
    let value = "sk-live-0123456789";
    let redactor = looks_for([("key", value)]);
    let (mut stream, mut out) = (redactor.stream(), Vec::new());
    for byte in value.bytes() {
        stream.push(&[byte], &mut out);
    }
    assert!(out.is_empty() || out == b"[secret:key]");
    stream.finish(&mut out);
    assert_eq!(out, b"[secret:key]");
}

#[test]
fn bytes_that_are_no_text_pass() {
    let redactor = looks_for([("key", "sk-live-0123456789")]);
    let text = [&[0xff, 0xfe, 0x80][..], b"sk-live-0123456789", &[0xc3]].concat();
    let (out, markers) = streamed(&redactor, &text, &[1, 9]);
    assert_eq!(
        (&*out, markers),
        (
            &[&[0xff, 0xfe, 0x80][..], b"[secret:key]", &[0xc3]].concat()[..],
            1
        )
    );
    let empty = looks_for([]);
    assert_eq!(streamed(&empty, &text, &[3]), (text, 0));
}

#[test]
fn what_was_held_back_is_still_found_when_more_is_looked_for() {
    let first = ("first", "first-value-0123");
    let second = ("second", "second\nvalue-4567");
    let text = "a first-value-0123 b second\nvalue-4567 c first-value-0123 d";
    let whole = "a [secret:first] b [secret:second] c [secret:first] d";
    let without_second = "a [secret:first] b second\nvalue-4567 c [secret:first] d";
    let (begin, end) = (text.find("second").unwrap(), text.find(" c ").unwrap());
    for split in 0..=text.len() {
        let (before, after) = text.split_at(split);
        let redactor = looks_for([first]);
        let mut stream = redactor.stream();
        let mut out = Vec::new();
        stream.push(before.as_bytes(), &mut out);
        redactor.add(second.0, second.1);
        stream.push(after.as_bytes(), &mut out);
        stream.finish(&mut out);
        let read = String::from_utf8(out).unwrap();
        assert!(!read.contains("first-value"), "{split}: {read}");
        // The second value may show where it came before it was added. Here all of it came before, or none.
        if split <= begin {
            assert_eq!(read, whole, "{split}");
        } else if split > end {
            assert_eq!(read, without_second, "{split}");
        }
    }
}

#[test]
fn large_chunks_make_no_difference() {
    chunks_of_any_size_make_no_difference(1000, 40_000);
}

#[test]
fn chunks_make_no_difference_with_a_few_secrets() {
    chunks_of_any_size_make_no_difference(12, 5_000);
}

fn chunks_of_any_size_make_no_difference(count: usize, length: usize) {
    let secrets = secrets(count);
    let redactor = looks_for(secrets.iter().map(|(name, value)| (&**name, &**value)));
    let mut numbers = Numbers(2026);
    for calm in [
        " The gateway answered in time.\n",
        "{\"level\":\"info\",\"path\":\"/v1/a?b=c&d=e\",\"text\":\"one\\ntwo\"}\n",
        "100%25 \\u0041\\\\u0041 &#65;",
    ] {
        let mut text = String::new();
        while text.len() < length {
            for _ in 0..numbers.below(100) {
                text.push_str(calm);
            }
            let (_, value) = &secrets[numbers.below(secrets.len())];
            text.push_str(&encodings(value)[numbers.below(12)]);
        }
        let mut splits = |longest: usize| {
            let mut split = 0;
            let next = std::iter::from_fn(|| {
                split += 1 + numbers.below(longest);
                (split < text.len()).then_some(split)
            });
            next.collect::<Vec<_>>()
        };
        let (small, markers) = streamed(&redactor, text.as_bytes(), &splits(500));
        assert!(markers >= length / 4000, "{markers}");
        for longest in [8_000, 20_000, 80_000] {
            let (large, _) = streamed(&redactor, text.as_bytes(), &splits(longest));
            assert!(large == small, "{longest}: {calm}");
        }
    }
}
