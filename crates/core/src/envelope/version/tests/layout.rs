//! The stored format is fixed: with a different one, no stored secret would open.

use super::super::*;
use super::fixture::Fixture;
use crate::digest::{hexadecimal, sha256};

#[test]
fn the_stored_bytes_of_a_version_never_change() {
    let fixture = Fixture::new(1);
    let mut sealed = fixture.seal();
    let hash = |bytes: &[u8]| hexadecimal(&sha256(bytes));
    assert_eq!(
        hexadecimal(fixture.state.hash(&fixture.identity).as_bytes()),
        "6234f1e15c2f7878d96fedc8b4ec89b3a374a689e47f321733f4ba9bb0c7f04e"
    );
    assert_eq!(
        hash(&sealed.data_key),
        "1bf9f02a721ae5105e1f9742dd2eb1c14e6a01c227471cfe7d78a78917b9989b"
    );
    assert_eq!(
        hash(&sealed.value),
        "e4a225d846716e04afecda739736df3e843df976a23bd5f9ecc2e82d7686a18f"
    );
    assert_eq!(
        hash(&sealed.display),
        "6d24dc209bf7a0240379dd4e92d87d365643371b7a6ed1f64f5bf2e5a7103d7f"
    );
    let (user_keys, identity) = (&fixture.user_keys, &fixture.identity);
    let entropy = &fixture.entropy;
    sealed
        .rewrap(
            user_keys,
            identity,
            fixture.current(),
            Standing::Superseded,
            entropy,
        )
        .unwrap();
    assert_eq!(
        hash(&sealed.data_key),
        "0e16e6ba9fe8c9cdbe9e61674de9f67422f566022f39a7fe25e1929084ddb373"
    );
}
