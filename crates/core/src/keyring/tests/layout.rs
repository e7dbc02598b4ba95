//! The stored format is fixed: with a different one, no stored key would open.

use super::*;
use crate::digest::{hexadecimal, sha256};

#[test]
fn the_stored_bytes_of_keys_hashes_and_macs_never_change() {
    let fixture = Fixture::new(1);
    let keyring = fixture.keyring();
    let rows: Vec<u8> = fixture
        .rows
        .iter()
        .flat_map(|row| row.wrapped.clone())
        .collect();
    assert_eq!(
        hexadecimal(&sha256(&rows)),
        "d0195f1829cc5b32cf7be2a594d47cec543b116bc03552597dca4aba433de563"
    );
    let purposes: Vec<&str> = fixture
        .rows
        .iter()
        .map(|row| row.purpose.as_str())
        .collect();
    assert_eq!(
        purposes,
        ["user-wrap", "api-key-hash", "row-mac", "audit", "cursor"]
    );
    assert_eq!(
        hexadecimal(&keyring.hash_api_key("id", b"secret")),
        "99e8159922ea336d9c1b92dfcbe2ead60811f4d0db5f6e4a66cc0ad3bf791e9d"
    );
    let row = Transcript::new("users/v1").text("user").number(3);
    assert_eq!(
        hexadecimal(&keyring.mac_row(&row)),
        "07ee5fadccbca999c808e6b7f95f77e2a43ad9ad285e060945d791fc7f2ea706"
    );
    let (user, entropy) = (fixture.user(), &fixture.entropy);
    let keys = UserKeys::generate(entropy).unwrap();
    let wrapped = keyring.wrap_user_keys(user, &keys, entropy).unwrap();
    assert_eq!(
        hexadecimal(&sha256(&wrapped)),
        "141e36ea09128a528747f3faaab407436d1e3ce1587a8eb9b7057efbbba6e5c3"
    );
}
