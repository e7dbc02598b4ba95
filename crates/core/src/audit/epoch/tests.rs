//! A certificate is valid for one epoch, after one page, from one key.

use super::*;
use crate::audit::chain::tests::trail::Trail;

#[test]
fn a_certificate_covers_the_epoch_and_the_page_before_it() {
    let trail = Trail::new(1, &[(2, false), (1, false), (1, true)]);
    let head = trail.pages[1].head();
    let key = &trail.epochs[0].public_key;
    let epoch = &trail.epochs[1];
    assert!(epoch.is_certified(trail.installation, key, &head));

    let edits: [fn(&mut Epoch); 4] = [
        |epoch| epoch.number += 1,
        |epoch| epoch.public_key[31] ^= 1,
        |epoch| epoch.first_page += 1,
        |epoch| epoch.certificate[63] ^= 1,
    ];
    for (place, edit) in edits.into_iter().enumerate() {
        let mut edited = epoch.clone();
        edit(&mut edited);
        assert!(
            !edited.is_certified(trail.installation, key, &head),
            "{place}"
        );
    }
    let elsewhere = Trail::new(2, &[]).installation;
    assert!(!epoch.is_certified(elsewhere, key, &head));
    assert!(!epoch.is_certified(trail.installation, &epoch.public_key, &head));
    assert!(!epoch.is_certified(trail.installation, key, &trail.pages[0].head()));
    let mut other_hash = head;
    other_hash.hash[0] ^= 1;
    assert!(!epoch.is_certified(trail.installation, key, &other_hash));
}
