//! Whether a value can be guessed. Redaction confirms a right guess, so its owner is warned.

use std::collections::HashSet;

use toolvault_core::confidential::Confidential;

/// A value that takes fewer guesses can be found by trial.
const FEWEST_GUESSES: u64 = 1 << 50;

/// How many code points at each end of a value are estimated, until a part is found that is hard to guess. The
/// estimator takes more than linear time: about 1 ms for 20 code points.
const JUDGED: [usize; 2] = [20, 64];

/// The shortest text that can look random, in bytes.
const SHORTEST_RANDOM: usize = 20;
/// How many different characters it has at least.
const FEWEST_DIFFERENT: usize = 10;

/// Whether a value can be guessed, as zxcvbn estimates it. The secret's name is an obvious guess.
pub(super) fn is_guessable(value: &Confidential, name: &str) -> bool {
    let Some(text) = value.expose_text() else {
        return false;
    };
    if looks_random(text) && !name.contains(text) {
        return false;
    }
    let ends = JUDGED.into_iter().flat_map(|most| {
        let start = text.char_indices().nth(most);
        let start = start.map_or(text.len(), |(at, _)| at);
        let end = text.char_indices().rev().nth(most - 1);
        let end = end.map_or(0, |(at, _)| at);
        [text.get(..start), text.get(end..)]
    });
    let mut parts: Vec<&str> = ends.flatten().collect();
    // Of a short text, each is the whole text.
    parts.dedup();
    parts
        .into_iter()
        .all(|part| zxcvbn::zxcvbn(part, &[name]).guesses() < FEWEST_GUESSES)
}

/// Whether a value is certainly what a program generates, so that the estimate, which takes longer than everything else
/// in a change, can be left out. Words of more than five letters, dates, repetitions and walks over the keyboard do not
/// look random.
fn looks_random(text: &str) -> bool {
    let is_hexadecimal = |text: &str| {
        let mut bytes = text.bytes().filter(|byte| *byte != b'-');
        text.len() >= 32 && bytes.all(|byte| byte.is_ascii_hexdigit())
    };
    let is_of_three_kinds = |text: &str| {
        let has = |is_kind: fn(&u8) -> bool| text.bytes().any(|byte| is_kind(&byte));
        text.len() >= SHORTEST_RANDOM
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_digit)
            && !has_word(text)
    };
    // Behind the prefix that many services give their keys.
    let token = text.rsplit('_').next().unwrap_or_default();
    (is_hexadecimal(token) || is_of_three_kinds(token)) && is_mixed(token.as_bytes())
}

/// Whether so many lower-case letters follow each other that they may be a word.
fn has_word(text: &str) -> bool {
    let mut runs = text.as_bytes().windows(5);
    runs.any(|run| run.iter().all(u8::is_ascii_lowercase))
}

/// Whether letters and digits alternate as in random text, with few repetitions.
fn is_mixed(text: &[u8]) -> bool {
    let kind = |byte: &u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let pairs = || text.windows(2);
    let changes = pairs().filter(|pair| matches!(pair, [one, two] if kind(one) != kind(two)));
    let different: HashSet<_> = text.iter().collect();
    let different_pairs: HashSet<_> = pairs().collect();
    let is_ascii = text.iter().all(u8::is_ascii_graphic);
    is_ascii
        && different.len() >= FEWEST_DIFFERENT
        && changes.count() * 10 >= text.len() * 3
        && different_pairs.len() * 10 >= text.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESSABLE: [&str; 12] = [
        "12345678",
        "Password123!",
        "correcthorse",
        "P@ssw0rd2024",
        "19.08.1984",
        "qwertyuiop[]",
        "name-of-it",
        "Password1Password2Password3",
        "Password1Qwerty2Summer3",
        "1qaz2wsx3edc",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "01234567890123456789012345678901",
    ];
    const GENERATED: [&str; 8] = [
        "lin_api_8fK2mQ9xWz4Lr7TpNc3Yh",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "4eC39HqLyjWDarjtT1zdp7dc",
        "sk-proj-Q3v9ZkT7hLw2XpR8mBn4Yc6D",
        "9f86d081884c7d659a2feaa0c55ad015",
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzygqy",
        "AKIAIOSFODNN7EXAMPLE/bPxRfiCYwJalrXUtnFEMI7K7MDENG",
    ];

    #[test]
    fn words_dates_and_repetitions_can_be_guessed_and_keys_cannot() {
        let repeated = "abc".repeat(300);
        for value in GUESSABLE.into_iter().chain([repeated.as_str()]) {
            let guessable = is_guessable(&Confidential::from(value), "name-of-it");
            assert!(guessable, "{value}");
            assert!(!looks_random(value), "{value}");
        }
        let behind = format!("{}7Hq2ZkV9wPx4Rt8Nb5LmC3Jd", "a".repeat(100));
        let others = [
            "7d9f3c1ea84b56e2",
            "correct horse battery staple",
            behind.as_str(),
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n",
        ];
        for value in GENERATED.into_iter().chain(others) {
            assert!(!is_guessable(&Confidential::from(value), "name"), "{value}");
        }
    }

    #[test]
    fn what_looks_random_needs_as_many_guesses_as_the_estimator_asks_for() {
        for value in GENERATED {
            let estimated = zxcvbn::zxcvbn(value, &[]).guesses();
            assert!(estimated >= FEWEST_GUESSES, "{value}: {estimated}");
        }
        let random = GENERATED.into_iter().filter(|value| looks_random(value));
        assert!(random.count() >= 6);
    }
}
