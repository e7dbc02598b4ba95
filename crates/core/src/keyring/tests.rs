//! Only the root key that created a keyring opens it, and only if no row was changed.

mod layout;
mod uses;

use super::*;
use crate::entropy::deterministic::Deterministic;
use crate::timestamp::Timestamp;

const NOW: Timestamp = Timestamp::from_microseconds(1_767_323_045_000_000);

struct Fixture {
    entropy: Deterministic,
    root: Key,
    installation: InstallationId,
    rows: Vec<WrappedKey>,
}

impl Fixture {
    fn new(seed: u64) -> Self {
        let entropy = Deterministic::new(seed);
        let root = Key::generate(&entropy).unwrap();
        let installation = InstallationId::generate(&entropy, NOW).unwrap();
        let rows = Keyring::create(&root, installation, &entropy).unwrap();
        Self {
            entropy,
            root,
            installation,
            rows,
        }
    }

    fn open(&self, rows: &[WrappedKey]) -> Result<Keyring, KeyringError> {
        Keyring::open(&self.root, self.installation, rows)
    }

    fn keyring(&self) -> Keyring {
        self.open(&self.rows).unwrap()
    }

    fn user(&self) -> UserId {
        UserId::generate(&self.entropy, NOW).unwrap()
    }

    /// Opening these rows fails with this error.
    fn assert_refused(&self, rows: &[WrappedKey], expected: &KeyringError, what: &str) {
        assert_eq!(self.open(rows).err().as_ref(), Some(expected), "{what}");
    }
}

/// Another keyring for each seed.
pub(crate) fn keyring(seed: u64) -> Keyring {
    Fixture::new(seed).keyring()
}

fn keys(keyring: &Keyring) -> [&NumberedKey; 5] {
    Purpose::ALL.map(|purpose| keyring.key(purpose))
}

#[test]
fn there_is_one_independent_key_for_each_purpose() {
    let fixture = Fixture::new(1);
    let keyring = fixture.keyring();
    let keys = keys(&keyring);
    for (place, key) in keys.iter().enumerate() {
        assert_eq!(key.id, u32::try_from(place).unwrap() + 1);
        assert_ne!(key.key.expose(), fixture.root.expose());
        for other in &keys[place + 1..] {
            assert_ne!(key.key.expose(), other.key.expose());
        }
    }
    assert_eq!(keyring.installation(), fixture.installation);
    assert_eq!(keyring.audit().id, 4);
    assert_eq!(keyring.cursor().id, 5);
}

#[test]
fn another_root_key_or_installation_opens_nothing() {
    let fixture = Fixture::new(1);
    let other = Fixture::new(2);
    let opened = Keyring::open(&other.root, fixture.installation, &fixture.rows);
    assert_eq!(opened.err(), Some(KeyringError::WrongRootKey));
    let opened = Keyring::open(&fixture.root, other.installation, &fixture.rows);
    assert_eq!(opened.err(), Some(KeyringError::WrongRootKey));
    for bit in 0..Key::LENGTH * 8 {
        let mut bytes = *fixture.root.expose();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let near = Key::from_slice(&bytes).unwrap();
        let opened = Keyring::open(&near, fixture.installation, &fixture.rows);
        assert_eq!(opened.err(), Some(KeyringError::WrongRootKey), "bit {bit}");
    }
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let fixture = Fixture::new(1);
    let mut rows = fixture.rows.clone();
    rows.reverse();
    let (reversed, keyring) = (fixture.open(&rows).unwrap(), fixture.keyring());
    for (left, right) in keys(&reversed).into_iter().zip(keys(&keyring)) {
        assert_eq!((left.id, left.key.expose()), (right.id, right.key.expose()));
    }
}

#[test]
fn rows_whose_purposes_numbers_or_wraps_were_swapped_do_not_open() {
    let fixture = Fixture::new(1);
    let count = fixture.rows.len();
    for left in 0..count {
        for right in left + 1..count {
            let what = format!("{left} and {right}");
            let swap = |exchange: fn(&mut WrappedKey, &mut WrappedKey)| {
                let mut rows = fixture.rows.clone();
                let (head, tail) = rows.split_at_mut(right);
                exchange(&mut head[left], &mut tail[0]);
                fixture.assert_refused(&rows, &KeyringError::WrongRootKey, &what);
            };
            swap(|left, right| std::mem::swap(&mut left.purpose, &mut right.purpose));
            swap(|left, right| std::mem::swap(&mut left.id, &mut right.id));
            swap(|left, right| std::mem::swap(&mut left.wrapped, &mut right.wrapped));
            // Number and wrap together, so that only the purpose is wrong.
            swap(|left, right| {
                std::mem::swap(&mut left.purpose, &mut right.purpose);
                std::mem::swap(left, right);
                std::mem::swap(&mut left.id, &mut right.id);
            });
        }
    }
}

#[test]
fn a_missing_purpose_is_named() {
    let fixture = Fixture::new(1);
    for (place, purpose) in Purpose::ALL.into_iter().enumerate() {
        let mut rows = fixture.rows.clone();
        rows.remove(place);
        fixture.assert_refused(
            &rows,
            &KeyringError::Missing(purpose.name()),
            purpose.name(),
        );
        let mut rows = fixture.rows.clone();
        rows[place].purpose.push('x');
        fixture.assert_refused(
            &rows,
            &KeyringError::Missing(purpose.name()),
            purpose.name(),
        );
    }
    fixture.assert_refused(&[], &KeyringError::Missing("user-wrap"), "no rows");
}

#[test]
fn every_flipped_bit_truncation_or_other_number_of_a_row_is_refused() {
    let fixture = Fixture::new(1);
    for place in 0..fixture.rows.len() {
        let assert_changed = |change: &dyn Fn(&mut WrappedKey), what: &str| {
            let mut rows = fixture.rows.clone();
            change(&mut rows[place]);
            let what = format!("row {place}, {what}");
            fixture.assert_refused(&rows, &KeyringError::WrongRootKey, &what);
        };
        let length = fixture.rows[place].wrapped.len();
        for bit in 0..length * 8 {
            let flip = move |row: &mut WrappedKey| row.wrapped[bit / 8] ^= 1 << (bit % 8);
            assert_changed(&flip, &format!("bit {bit}"));
        }
        for shorter in 0..length {
            assert_changed(
                &|row| row.wrapped.truncate(shorter),
                &format!("{shorter} bytes"),
            );
        }
        assert_changed(&|row| row.id += 100, "number");
    }
}

#[test]
fn of_two_keys_for_a_purpose_the_one_with_the_higher_number_counts_in_any_order() {
    let fixture = Fixture::new(1);
    let purpose = Purpose::RowMac.name();
    let successor = Key::generate(&fixture.entropy).unwrap();
    let additional = bind(fixture.installation, 9, purpose);
    let root = root_key(&fixture.root);
    let wrapped = seal(&root, additional, successor.expose(), &fixture.entropy).unwrap();
    let newer = WrappedKey {
        id: 9,
        purpose: purpose.to_owned(),
        wrapped,
    };
    for place in 0..=fixture.rows.len() {
        let mut rows = fixture.rows.clone();
        rows.insert(place, newer.clone());
        let keyring = fixture.open(&rows).unwrap();
        assert_eq!(keyring.row_mac.id, 9);
        assert_eq!(keyring.row_mac.key.expose(), successor.expose());
    }
    // Nor can the older be renumbered to come after it.
    let mut rows = fixture.rows.clone();
    rows.push(newer);
    rows[2].id = 10;
    fixture.assert_refused(&rows, &KeyringError::WrongRootKey, "renumbered");
}

#[test]
fn the_same_keys_under_another_root_key_open_with_that_one_only() {
    let fixture = Fixture::new(1);
    let keyring = fixture.keyring();
    let root = Key::generate(&fixture.entropy).unwrap();
    let rows = keyring.rewrap(&root, &fixture.entropy).unwrap();
    fixture.assert_refused(&rows, &KeyringError::WrongRootKey, "the old root key");
    let opened = Keyring::open(&root, fixture.installation, &rows).unwrap();
    for (left, right) in keys(&opened).into_iter().zip(keys(&keyring)) {
        assert_eq!((left.id, left.key.expose()), (right.id, right.key.expose()));
    }
    // Rows of both do not mix: a writer cannot keep one of them openable by the old root key.
    let mut mixed = rows;
    mixed[0] = fixture.rows[0].clone();
    fixture.assert_refused(&mixed, &KeyringError::WrongRootKey, "mixed");
    let opened = Keyring::open(&root, fixture.installation, &mixed);
    assert_eq!(opened.err(), Some(KeyringError::WrongRootKey));
}

#[test]
fn no_keyring_is_made_when_randomness_ends_on_the_way() {
    let fixture = Fixture::new(1);
    let create = |fills: u64| {
        let entropy = Deterministic::failing_after(1, fills);
        Keyring::create(&fixture.root, fixture.installation, &entropy)
    };
    for fills in 0..10 {
        assert!(create(fills).is_err(), "{fills}");
    }
    assert_eq!(create(10).unwrap().len(), Purpose::ALL.len());
}
