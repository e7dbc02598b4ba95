//! An escape may begin anywhere in a value: what was read before it still counts.

use super::parts::redact;
use super::spellings::{base64, hexadecimal, numbers, percent};

#[test]
fn an_escape_may_follow_a_zero_of_hexadecimal() {
    let value = "abcdefgpqrst";
    let digits = hexadecimal(value.as_bytes());
    for at in 0..digits.len() {
        let (before, after) = digits.split_at(at);
        let all = percent(after.as_bytes(), |_| true, true);
        let one = percent(&after.as_bytes()[..1], |_| true, true);
        for spelled in [
            format!("{before}{all}"),
            format!("{before}{one}{}", &after[1..]),
        ] {
            assert_eq!(
                redact(value, &format!("<{spelled}>")),
                "<[secret:key]>",
                "{spelled}"
            );
        }
    }
}

#[test]
fn what_belongs_to_the_end_of_a_value_may_be_escaped() {
    for (value, text) in [
        ("k3y-with-letters\n", "<k3y-with-letters%0A>"),
        ("k3y-with-letters\n", "<k3y-with-letters\\n>"),
        ("k3y-with-letters \n", "<k3y-with-letters %0A>"),
        ("\tk3y-with-letters", "<%09k3y-with-letters>"),
    ] {
        assert_eq!(redact(value, text), "<[secret:key]>");
    }
    // The last letter has two bits of the value and four of what follows.
    let value = "k3y-with-letters";
    let letters = base64(format!("{value}~~").as_bytes(), false, 1000);
    let (whole, last) = letters.split_at(21);
    let last = percent(&last.as_bytes()[..1], |_| true, true);
    assert_eq!(redact(value, &format!("<{whole}{last}>")), "<[secret:key]>");
}

#[test]
fn a_space_of_form_encoding_may_follow_a_line_of_sixteen_letters() {
    // The last four letters of the line, and one more, belong to the value.
    for value in ["k3y!8ch.", "k3y!8ch.9"] {
        let letters = base64(format!("123456789{value}").as_bytes(), false, 1000);
        let (line, rest) = letters.split_at(16);
        let text = format!("<{line}+{rest}>");
        assert_eq!(redact(value, &text), "<MTIzNDU2Nzg5[secret:key]>");
    }
}

#[test]
fn an_incomplete_escape_at_the_end_is_text() {
    for (value, text) in [
        ("k3y with%4", "k3y%20with%4"),
        ("k3y with%", "k3y%20with%"),
        ("k3y\"with\\", "k3y\\\"with\\"),
        ("k3y\"with\\u00", "k3y\\\"with\\u00"),
        ("k3y&with&a", "k3y&amp;with&a"),
        ("k3y=with=", "k3y=3Dwith="),
    ] {
        assert_eq!(redact(value, text), "[secret:key]", "{text}");
    }
}

#[test]
fn an_escape_may_begin_inside_another_one() {
    for (value, text) in [
        ("k3y&with", "k3y&a%6Dp;with"),
        ("k3y&with", "k3y&%61mp%3Bwith"),
        ("k3y&with", "k3y%26amp;with"),
        ("k3y\"with", "k3y\\u0%30%32%32with"),
        ("k3y<with", "k3y&#\\x360;with"),
        ("k3y%with", "k3y%2&#53;with"),
    ] {
        assert_eq!(redact(value, text), "[secret:key]", "{text}");
    }
}

#[test]
fn a_character_may_be_spelled_with_four_hundred_bytes() {
    let entity = |text: &str| numbers(text.as_bytes(), |code| format!("&#x{code:016x};"));
    let braces = |text: &str| numbers(text.as_bytes(), |code| format!("\\u{{{code:08x}}}"));
    let value = "k3y-with-letters";
    let twice = entity(&entity("3"));
    assert_eq!(twice.len(), 400);
    assert_eq!(redact(value, &value.replace('3', &twice)), "[secret:key]");
    let thrice = value.replace('3', &braces(&braces(&braces("3"))));
    assert_eq!(redact(value, &thrice), thrice);
}
