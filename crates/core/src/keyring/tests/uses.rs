//! What the keys of a keyring wrap, hash and authenticate is bound to its context.

use proptest::prelude::*;

use super::*;

#[test]
fn the_key_of_a_user_opens_for_that_user_only() {
    let fixture = Fixture::new(1);
    let keyring = fixture.keyring();
    let (user, other) = (fixture.user(), fixture.user());
    let keys = UserKeys::generate(&fixture.entropy).unwrap();
    let wrapped = keyring
        .wrap_user_keys(user, &keys, &fixture.entropy)
        .unwrap();
    let opened = keyring.open_user_keys(user, &wrapped).unwrap();
    assert_eq!(opened.encode().expose(), keys.encode().expose());

    let refused = |opened: Result<UserKeys, OpenError>| opened.err().unwrap();
    assert_eq!(
        refused(keyring.open_user_keys(other, &wrapped)),
        OpenError::Forged
    );
    let mut elsewhere = keyring.clone();
    elsewhere.installation = Fixture::new(2).installation;
    assert_eq!(
        refused(elsewhere.open_user_keys(user, &wrapped)),
        OpenError::Forged
    );
    let foreign = Fixture::new(2).keyring();
    assert_eq!(
        refused(foreign.open_user_keys(user, &wrapped)),
        OpenError::Forged
    );
    for bit in 0..wrapped.len() * 8 {
        let mut changed = wrapped.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(keyring.open_user_keys(user, &changed).is_err(), "bit {bit}");
    }
    for length in 0..wrapped.len() {
        assert!(
            keyring.open_user_keys(user, &wrapped[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn the_hash_of_an_api_key_depends_on_all_of_it() {
    let (fixture, other) = (Fixture::new(1), Fixture::new(2).keyring());
    let keyring = fixture.keyring();
    let hash = keyring.hash_api_key("id", b"secret");
    assert_eq!(hash, fixture.keyring().hash_api_key("id", b"secret"));
    assert_ne!(hash, keyring.hash_api_key("ie", b"secret"));
    assert_ne!(hash, keyring.hash_api_key("id", b"secreu"));
    assert_ne!(hash, keyring.hash_api_key("ids", b"ecret"));
    assert_ne!(hash, other.hash_api_key("id", b"secret"));
    let mut elsewhere = keyring.clone();
    elsewhere.installation = other.installation;
    assert_ne!(hash, elsewhere.hash_api_key("id", b"secret"));
    let row = Transcript::new("toolvault/api-key/v1")
        .text("id")
        .bytes(b"secret");
    assert_ne!(hash, keyring.mac_row(&row));
}

fn row(fields: &[Vec<u8>]) -> Transcript {
    fields
        .iter()
        .fold(Transcript::new("users/v1"), |row, field| row.bytes(field))
}

proptest! {
    #[test]
    fn any_changed_field_of_a_row_is_noticed(
        fields in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..8),
        place in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let keyring = Fixture::new(1).keyring();
        let mac = keyring.mac_row(&row(&fields));
        prop_assert!(keyring.is_row_authentic(&row(&fields), &mac));
        let place = place.index(fields.len());
        let bit = bit.index(fields[place].len() * 8);

        let mut flipped = fields.clone();
        flipped[place][bit / 8] ^= 1 << (bit % 8);
        let mut shorter = fields.clone();
        shorter[place].pop();
        let mut fewer = fields.clone();
        fewer.remove(place);
        let mut more = fields.clone();
        more.insert(place, Vec::new());
        for changed in [flipped, shorter, fewer, more] {
            prop_assert!(!keyring.is_row_authentic(&row(&changed), &mac));
        }
    }
}

#[test]
fn a_row_is_authentic_with_its_whole_mac_only() {
    let fixture = Fixture::new(1);
    let keyring = fixture.keyring();
    let row = row(&[b"user".to_vec()]);
    let mac = keyring.mac_row(&row);
    for bit in 0..mac.len() * 8 {
        let mut changed = mac;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!keyring.is_row_authentic(&row, &changed), "bit {bit}");
    }
    for length in 0..mac.len() {
        assert!(
            !keyring.is_row_authentic(&row, &mac[..length]),
            "{length} bytes"
        );
    }
    assert!(!keyring.is_row_authentic(&row, &[mac.as_slice(), &[0]].concat()));
    assert!(!Fixture::new(2).keyring().is_row_authentic(&row, &mac));
    let mut elsewhere = keyring.clone();
    elsewhere.installation = Fixture::new(2).installation;
    assert!(!elsewhere.is_row_authentic(&row, &mac));
    let other_table = Transcript::new("api_keys/v1").text("user");
    assert!(!keyring.is_row_authentic(&other_table, &mac));
}
