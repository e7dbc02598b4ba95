//! Properties over generated texts, most of which contain values or near misses.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::spellings::{self, DUMPS, EXACT};
use super::{looks_for, reference, streamed};
use crate::redaction::Redactor;
use crate::redaction::ranges::Range;
use crate::redaction::search::Search;

/// Values that contain each other, overlap, repeat themselves, and have every character that encoders change.
const VALUES: &[&str] = &[
    "abcdefgh",
    "abcdefghijkl",
    "efghijkl%41mno",
    "aaaaaaaa",
    "aaaaaaaaaaaa",
    "p\"q\\r&s<t>u'v%w+x y/z",
    "naïve-κλειδί-😀",
    "-----BEGIN-----\nQUJD\nREVG\n-----END-----\n",
    "(.*)[a-z]+$^{2}|?",
    "12345678",
    "00000000",
    "\u{461}\u{c341}\u{461}\u{461}\u{c341}\u{461}\u{461}\u{461}",
    "%25%25%25",
    "\\\\\\\\\\\\\\\\",
    "&amp;&amp;",
];

fn spelled() -> impl Strategy<Value = String> {
    let exact = (select(VALUES), select(&EXACT[..]), select(&EXACT[..]));
    let exact = exact.prop_map(|(value, (_, first), (_, second))| {
        let middle = value.char_indices().nth(4).unwrap().0;
        first(&value.as_bytes()[..middle]) + &second(&value.as_bytes()[middle..])
    });
    let dump = (select(VALUES), select(&DUMPS[..]))
        .prop_map(|(value, (_, spell))| spell(value.as_bytes()));
    let base64 = (
        select(VALUES),
        vec(any::<u8>(), 0..4),
        vec(any::<u8>(), 0..4),
        any::<bool>(),
        4..80_usize,
    );
    let base64 = base64.prop_map(|(value, before, after, is_url, width)| {
        spellings::base64(&[&before, value.as_bytes(), &after].concat(), is_url, width)
    });
    let in_url = base64
        .clone()
        .prop_map(|text| spellings::percent(text.as_bytes(), |byte| byte != b'a', true));
    let wide = select(VALUES).prop_map(|value| {
        let bytes = value.encode_utf16().flat_map(u16::to_be_bytes);
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    });
    prop_oneof![4 => exact, 1 => dump, 2 => base64, 1 => in_url, 1 => wide]
}

/// Pieces of values and of escapes between words.
fn text() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "%",
        "%2",
        "%25",
        "%41",
        "\\",
        "\\\\",
        "\\\\\\",
        "\\\\\\\\\\\\\\\\",
        "\\u005c",
        "\\u",
        "\\u00",
        "\\u0061",
        "\\ud83d",
        "\\ude00",
        "\\x61",
        "&",
        "&#",
        "&#97;",
        "&#x00061;",
        "&a",
        "&amp;",
        "&quot",
        ";",
        "+",
        " ",
        "\n",
        "0",
        "0x",
        "x",
        "=",
        "a",
        "aaaa",
        "61",
        "abcd",
        "efgh",
        "The result is here: ",
        "é",
        "\u{0}",
        "                                  ",
    ];
    let piece = prop_oneof![
        3 => spelled(),
        1 => (spelled(), any::<Index>()).prop_map(|(text, end)| {
            text.chars().take(end.index(text.chars().count() + 1)).collect()
        }),
        3 => select(PIECES).prop_map(str::to_owned),
        1 => "[ -~]{0,40}",
    ];
    let times = prop_oneof![3 => Just(0), 1 => 1..=4_usize];
    (vec(piece, 0..12), times)
        .prop_map(|(pieces, times)| spellings::nested_json(pieces.concat().as_bytes(), times))
}

fn given() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    const NAMES: [&str; 3] = ["first", "second", "third"];
    vec(select(VALUES), 1..4).prop_map(|values| NAMES.into_iter().zip(values).collect())
}

fn found(redactor: &Redactor, text: &str, is_thorough: bool) -> Vec<Range> {
    let mut search = Search::default();
    search.is_thorough = is_thorough;
    search.whole(&redactor.table(), text.as_bytes());
    search.found.iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_found_is_what_the_slow_search_finds(given in given(), text in text()) {
        let redactor = looks_for(given.iter().copied());
        let expected = reference::find(&given, text.as_bytes());
        prop_assert_eq!(&found(&redactor, &text, true), &expected, "views");
        prop_assert_eq!(&found(&redactor, &text, false), &expected, "sieve");
    }

    #[test]
    fn chunks_change_nothing(given in given(), text in text(), splits in vec(any::<Index>(), 0..6)) {
        let redactor = looks_for(given);
        let whole = redactor.text(&text);
        let whole = whole.as_deref().unwrap_or(&text).as_bytes();
        let mut splits: Vec<usize> = splits.iter().map(|split| split.index(text.len() + 1)).collect();
        splits.sort_unstable();
        let (parted, _) = streamed(&redactor, text.as_bytes(), &splits);
        prop_assert_eq!(String::from_utf8_lossy(&parted), String::from_utf8_lossy(whole));
        let every: Vec<usize> = (0..text.len()).collect();
        let (bytewise, _) = streamed(&redactor, text.as_bytes(), &every);
        prop_assert_eq!(String::from_utf8_lossy(&bytewise), String::from_utf8_lossy(whole));
    }
}
