//! The stored format is fixed: with a different one, no stored trail would verify.

use super::*;
use crate::digest::{hexadecimal, sha256};

#[test]
fn the_stored_bytes_of_a_trail_never_change() {
    let trail = trail();
    let page = &trail.pages[4];
    assert_eq!(
        hexadecimal(&page.hash),
        "278c6e98a15fbaf5a038c0430900c4ea8881627c6d7a46beb3b9333827f7acaf"
    );
    assert_eq!(
        hexadecimal(&sha256(&page.signature)),
        "f1ab548b464188086d27c9e0babba3984e69681bdc2f1a3e13b9fe0130fc79ee"
    );
    assert_eq!(
        hexadecimal(&sha256(&trail.epochs[2].certificate)),
        "87513dc49e574c7acc3b946e7f927697e27efba957f390c6a8a86a394fcb0768"
    );
}
