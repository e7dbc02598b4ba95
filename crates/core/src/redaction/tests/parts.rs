//! Different white space, and the parts of a value that are as confidential as the whole.

use proptest::prelude::*;

use super::spellings;
use super::{looks_for, streamed};

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3S\n-----END PRIVATE KEY-----\n";

pub(super) fn redact(value: &str, text: &str) -> String {
    let redactor = looks_for([("key", value)]);
    let redacted = redactor.text(text).unwrap_or_else(|| text.to_owned());
    let every: Vec<usize> = (0..text.len()).collect();
    let (bytewise, _) = streamed(&redactor, text.as_bytes(), &every);
    assert_eq!(String::from_utf8(bytewise).unwrap(), redacted);
    redacted
}

#[test]
fn a_value_with_a_last_line_break_is_found_without_it() {
    assert_eq!(
        redact("hunter2-hunter2\n", "<hunter2-hunter2>"),
        "<[secret:key]>"
    );
    assert_eq!(
        redact("hunter2-hunter2\r\n", "hunter2-hunter2\nok"),
        "[secret:key]ok"
    );
    for spelled in [
        spellings::base64(b"hunter2-hunter2", false, 76),
        "68756e746572322d68756e74657232".to_owned(),
    ] {
        assert_eq!(redact("hunter2-hunter2\n", &spelled), "[secret:key]");
    }
}

#[test]
fn the_white_space_of_a_value_may_be_any_other_or_none() {
    let forms = [
        PEM.to_owned(),
        PEM.trim().to_owned(),
        PEM.replace('\n', "\r\n"),
        PEM.replace('\n', " "),
        PEM.replace('\n', ""),
        PEM.replace('\n', "\n    "),
        PEM.replace('\n', "\\n"),
        PEM.replace('\n', "\\r\\n"),
    ];
    for form in &forms {
        let redacted = redact(PEM, &format!("<{form}>"));
        assert!(redacted.starts_with("<[secret:key]"), "{redacted}");
        assert!(
            !redacted.contains("KEY") && redacted.ends_with('>'),
            "{redacted}"
        );
    }
    let crlf = PEM.replace('\n', "\r\n");
    assert_eq!(redact(&crlf, PEM.trim()), "[secret:key]");
    for (stored, printed) in [(PEM, &crlf), (&*crlf, &PEM.to_owned())] {
        let spelled = spellings::base64(printed.trim().as_bytes(), false, 64);
        assert_eq!(redact(stored, &spelled), "[secret:key]");
    }
    assert_eq!(
        redact("correct horse battery", "correct\n  horse battery"),
        "[secret:key]"
    );
    // A value without white space matches only text without any.
    assert_eq!(redact("correct-horse", "correct- horse"), "correct- horse");
}

#[test]
fn each_line_of_sixteen_characters_is_found_by_itself() {
    let text = "line 2: BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj, then";
    assert_eq!(redact(PEM, text), "line 2: [secret:key], then");
    assert_eq!(
        redact("short\n0123456789abcdef\n", "0123456789abcdef"),
        "[secret:key]"
    );
    assert_eq!(
        redact("short\n0123456789abcde\n", "0123456789abcde"),
        "0123456789abcde"
    );
    let armor = "-----BEGIN PRIVATE KEY-----";
    assert_eq!(redact(PEM, armor), armor);
}

#[test]
fn only_the_frame_of_a_key_is_public() {
    let value = "-----begins-with-dashes\nends-with-dashes-----\n-----BEGIN FRAME-----\n";
    for line in ["-----begins-with-dashes", "ends-with-dashes-----"] {
        assert_eq!(redact(value, &format!("<{line}>")), "<[secret:key]>");
    }
    assert_eq!(
        redact(value, "-----BEGIN FRAME-----"),
        "-----BEGIN FRAME-----"
    );
}

#[test]
fn the_texts_of_a_list_are_found_by_themselves() {
    let value = r#"["first-t0k3n", "second \"t0k3n\"", {"name": "not-a-t0k3n"}, 12345678]"#;
    for text in ["first-t0k3n", "second \"t0k3n\""] {
        assert_eq!(redact(value, &format!("<{text}>")), "<[secret:key]>");
    }
    for text in ["not-a-t0k3n", "12345678"] {
        assert_eq!(redact(value, text), text);
    }
}

#[test]
fn words_are_no_parts_unless_a_scheme_precedes_one() {
    for (value, part) in [
        ("correct horsebattery", "horsebattery"),
        ("Bearer several words follow", "several words follow"),
        ("Basic one two", "one two"),
    ] {
        assert_eq!(redact(value, part), part);
    }
    for scheme in ["Bearer", "bearer", "Token", "ApiKey", "BASIC"] {
        let value = format!("{scheme} k3y-with-letters");
        assert_eq!(redact(&value, "<k3y-with-letters>"), "<[secret:key]>");
    }
}

#[test]
fn the_parts_that_are_credentials_are_found_by_themselves() {
    let account = serde_json::json!({
        "type": "service_account",
        "project_id": "my-project-123",
        "private_key": PEM,
        "nested": [{"api_token": "t0k3n-t0k3n"}],
        "token_uri": "https://oauth2.example.com/token",
        "database_password_url": "x",
    })
    .to_string();
    let basic = format!("Basic {}", spellings::base64(b"user:pa55-w0rd", false, 76));
    for (value, part) in [
        (&*account, PEM.trim()),
        (&account, "BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"),
        (&account, "t0k3n-t0k3n"),
        ("postgres://app:p%40ss-word@db.example.com/app", "p@ss-word"),
        (
            "postgres://app:p%40ss-word@db.example.com/app",
            "p%40ss-word",
        ),
        ("https://tokentoken@git.example.com/", "tokentoken"),
        (
            "https://x.example.com/?a=1&api_key=k3y-k3y-k3y",
            "k3y-k3y-k3y",
        ),
        (&basic, "user:pa55-w0rd"),
        (&basic, "pa55-w0rd"),
        (&basic[..], &basic["Basic ".len()..]),
        ("Bearer abc.def-ghi", "abc.def-ghi"),
        ("Basic user:pa55-w0rd", "pa55-w0rd"),
    ] {
        assert_eq!(
            redact(value, &format!("<{part}>")),
            "<[secret:key]>",
            "{part}"
        );
    }
    for public in [
        "https://oauth2.example.com/token",
        "my-project-123",
        "service_account",
    ] {
        assert_eq!(redact(&account, public), public);
    }
    let url = "postgres://app:p%40ss-word@db.example.com/app";
    assert_eq!(redact(url, "db.example.com/app"), "db.example.com/app");
}

#[test]
fn escapes_of_programs_and_of_mail_are_undone() {
    let value = "k3y/With=Signs";
    let spell = |spell: fn(u8) -> String| value.bytes().map(spell).collect::<Vec<_>>().concat();
    let octal = spell(|byte| format!("\\{byte:03o}"));
    let quoted = spell(|byte| format!("={byte:02X}"));
    assert_eq!(redact(value, &octal), "[secret:key]");
    assert_eq!(
        redact("\u{1}\u{2}abcdefgh", "\\1\\2abcdefgh"),
        "[secret:key]"
    );
    assert_eq!(redact(value, &quoted), "[secret:key]");
    assert_eq!(redact(value, "k3y/Wit=\r\nh=3DSigns"), "[secret:key]");
}

#[test]
fn characters_that_are_not_shown_hide_nothing() {
    let value = "k3y-with-letters";
    for hidden in [
        "\u{ad}", "\u{200b}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{0}",
    ] {
        let text: String = value
            .chars()
            .flat_map(|letter| [letter.to_string(), hidden.to_owned()])
            .collect();
        let text = text.strip_suffix(hidden).unwrap();
        assert_eq!(redact(value, text), "[secret:key]");
        assert_eq!(
            redact(value, &spellings::json_all(text.as_bytes())),
            "[secret:key]"
        );
    }
}

#[test]
fn a_short_value_of_words_is_found_as_it_is() {
    assert_eq!(redact("a b c d e", "<a b c d e>"), "<[secret:key]>");
    assert_eq!(redact("a b c d e", "<abcde>"), "<abcde>");
}

proptest! {
    #[test]
    fn a_value_is_found_with_whatever_white_space(
        words in proptest::collection::vec("[a-zA-Z0-9_=+/-]{4,30}", 2..8),
        spaces in proptest::collection::vec("[ \t\r\n]{0,6}", 8),
        before in "[a-z ]{0,9}",
    ) {
        let value = words.join("\n");
        let mut text = before + "<";
        for (word, space) in words.iter().zip(&spaces) {
            text = text + word + space;
        }
        let redactor = looks_for([("key", &*value)]);
        let redacted = redactor.text(&text).unwrap();
        let first = &words[0];
        let all = words.concat();
        let kept: String = redacted.split_whitespace().collect();
        prop_assert!(!kept.contains(&all), "{}", redacted);
        let begin = format!("<{first}");
        prop_assert!(kept.contains("[secret:key]") && !kept.contains(&begin), "{}", redacted);
    }
}
