//! New keys are well formed and uniform, and the checksum finds every typing error.

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;

/// Bytes with a long period: a xorshift generator (Marsaglia, 2003).
struct Seeded(Mutex<u64>);

impl Seeded {
    fn new(seed: u64) -> Self {
        Self(Mutex::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let mut state = self.0.lock().unwrap();
        for byte in bytes {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *byte = u8::try_from(*state >> 56).unwrap();
        }
        Ok(())
    }
}

/// Yields one byte for ever, or fails.
struct Stuck(Option<u8>);

impl Entropy for Stuck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        bytes.fill(self.0.ok_or(EntropyError)?);
        Ok(())
    }
}

fn key(seed: u64) -> ApiKey {
    ApiKey::generate(&Seeded::new(seed)).unwrap()
}

/// Whether it matches `^tvk_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$`.
fn has_published_form(text: &str) -> bool {
    let fields: Vec<&str> = text.split('_').collect();
    let [prefix, id, rest] = fields[..] else {
        return false;
    };
    let all_digits = |field: &str| field.bytes().all(|byte| byte.is_ascii_alphanumeric());
    prefix == "tvk" && id.len() == 8 && rest.len() == 49 && all_digits(id) && all_digits(rest)
}

/// Every text that is `text` with one byte replaced, removed or inserted.
fn single_edits(text: &str) -> impl Iterator<Item = String> {
    (0..=text.len()).flat_map(move |position| {
        let (before, after) = text.split_at(position);
        let rest = after.get(1..).unwrap_or_default();
        let removed = std::iter::once(format!("{before}{rest}"));
        removed.chain((0_u8..128).map(char::from).flat_map(move |character| {
            [
                format!("{before}{character}{rest}"),
                format!("{before}{character}{after}"),
            ]
        }))
    })
}

#[test]
fn the_checksum_is_the_published_crc32_in_base_62() {
    // CRC-32/ISO-HDLC has the check value 0xCBF43926 for "123456789": 3421780262 in decimal.
    assert_eq!(&checksum_of("123456789"), b"3jZRME");
    assert_eq!(&checksum_of(""), b"000000");
}

#[test]
fn a_fixed_key_keeps_its_meaning() {
    let text = format!("tvk_00000000_{}", "0".repeat(43));
    let checksum = String::from_utf8(checksum_of(&text).to_vec()).unwrap();
    let generated = ApiKey::generate(&Stuck(Some(62))).unwrap();
    assert_eq!(generated.expose(), format!("{text}{checksum}"));
}

#[test]
fn entropy_that_fails_or_is_useless_makes_no_key() {
    assert!(ApiKey::generate(&Stuck(None)).is_err());
    assert!(ApiKey::generate(&Stuck(Some(255))).is_err());
    assert!(ApiKey::generate(&Stuck(Some(248))).is_err());
    assert!(ApiKey::generate(&Stuck(Some(247))).is_ok());
}

#[test]
fn every_usable_byte_makes_its_digit_equally_often() {
    let mut counts = [0_u32; 128];
    for byte in 0..248 {
        let mut digits = [0; 1];
        fill_with_digits(&mut digits, &Stuck(Some(byte))).unwrap();
        counts[usize::from(digits[0])] += 1;
    }
    for digit in BASE62 {
        assert_eq!(counts[usize::from(*digit)], 4);
    }
}

#[test]
fn every_single_character_edit_is_rejected() {
    for seed in 0..8 {
        let key = key(seed);
        let mut tried = 0_u32;
        for edited in single_edits(key.expose()).filter(|edited| edited != key.expose()) {
            assert!(ApiKey::parse(&edited).is_none(), "{edited}");
            tried += 1;
        }
        assert!(tried > 15_000, "{tried}");
    }
}

#[test]
fn texts_of_other_forms_are_no_keys() {
    let good = key(1);
    let text = good.expose();
    let other_id = text.replace("tvk_", "tvk_x");
    let separator = text.rfind('_').unwrap();
    let moved = format!(
        "{}_{}",
        text[..separator].replace("tvk_", "tvk"),
        &text[separator..]
    );
    for edited in [
        String::new(),
        "tvk_".to_owned(),
        "é".repeat(31),
        other_id,
        moved,
        format!(" {text}"),
        format!("{text}\n"),
        text.to_uppercase(),
        text.replace("tvk_", "tvK_"),
    ] {
        assert!(ApiKey::parse(&edited).is_none(), "{edited}");
    }
}

#[test]
fn a_right_checksum_does_not_excuse_a_wrong_form() {
    for covered in [
        format!("tvk_0000000_{}", "0".repeat(44)),
        format!("tvk_000000000_{}", "0".repeat(42)),
        format!("tvk_0000000-_{}", "0".repeat(43)),
        format!("tvk_00000000-{}", "0".repeat(43)),
        format!("tvk_00000000_{}", "0-".repeat(22).split_at(43).0),
        format!("tvk_00000000_{}_", "0".repeat(42)),
        format!("tvx_00000000_{}", "0".repeat(43)),
        format!(
            "tvk_00000000_{}",
            "é".repeat(22).split_at(42).0.to_owned() + "0"
        ),
    ] {
        let checksum = String::from_utf8(checksum_of(&covered).to_vec()).unwrap();
        assert!(
            ApiKey::parse(&format!("{covered}{checksum}")).is_none(),
            "{covered}"
        );
    }
}

#[test]
fn a_credential_is_sorted_by_its_beginning() {
    assert!(looks_like_api_key(key(1).expose()));
    assert!(looks_like_api_key("tvk_broken"));
    assert!(!looks_like_api_key("eyJhbGciOi.tvk_"));
    assert!(!looks_like_api_key("Tvk_"));
}

#[test]
fn an_id_is_read_from_8_digits_only() {
    let id: KeyId = "0aZ9zA1b".parse().unwrap();
    assert_eq!(
        (id.as_str(), id.to_string().as_str()),
        ("0aZ9zA1b", "0aZ9zA1b")
    );
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"0aZ9zA1b\"");
    assert_eq!(serde_json::from_str::<KeyId>("\"0aZ9zA1b\"").unwrap(), id);
    assert_eq!(format!("{id:?}"), "KeyId(0aZ9zA1b)");
    for text in [
        "",
        "0aZ9zA1",
        "0aZ9zA1bc",
        "0aZ9zA1_",
        "0aZ9zAé",
        "0aZ9zA1 ",
    ] {
        assert_eq!(text.parse::<KeyId>(), Err(KeyIdError), "{text}");
    }
}

proptest! {
    #[test]
    fn a_generated_key_parses_into_its_parts(seed in any::<u64>()) {
        let generated = key(seed);
        let text = generated.expose();
        prop_assert!(has_published_form(text));
        let parsed = ApiKey::parse(text).unwrap();
        prop_assert_eq!(parsed.expose(), text);
        prop_assert_eq!(parsed.id(), generated.id());
        prop_assert_eq!(parsed.secret_bytes(), generated.secret_bytes());
        prop_assert_eq!(parsed.id().to_string(), &text[4..12]);
        prop_assert_eq!(parsed.secret_bytes(), &text.as_bytes()[13..56]);
    }

    #[test]
    fn whatever_parses_has_the_published_form(text in "(tvk_)?[0-9a-z_é]{0,58}") {
        prop_assert!(ApiKey::parse(&text).is_none_or(|key| has_published_form(key.expose())));
    }

    #[test]
    fn two_keys_are_never_mixed_up(one in any::<u64>(), other in any::<u64>()) {
        prop_assume!(one != other);
        let (one, other) = (key(one), key(other));
        prop_assume!(one.expose() != other.expose());
        let (head, _) = one.expose().split_at(13);
        let (_, tail) = other.expose().split_at(13);
        let mixed = [head, tail].concat();
        prop_assert!(ApiKey::parse(&mixed).is_none());
    }
}
