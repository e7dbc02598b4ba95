//! A page numbers its records and is never empty.

use super::*;
use crate::audit::chain::tests::trail::{NOW, Trail};
use crate::audit::record::{Action, Actor, Decision};

fn record(microseconds: i64) -> Record {
    let moment = NOW.plus(microseconds);
    Record::new(
        moment,
        &Actor::Anonymous,
        None,
        Action::SignInFailed,
        Decision::Denied,
    )
}

#[test]
fn a_page_without_records_is_not_made() {
    let trail = Trail::new(1, &[(1, false)]);
    let signer = &trail.signers[0];
    let empty = Page::append(trail.installation, &trail.head, 1, signer.pair(), &mut []);
    assert!(matches!(empty, Err(PageError::Empty)));
}

#[test]
fn records_are_numbered_behind_the_head() {
    let trail = Trail::new(1, &[(3, false)]);
    let mut records = [record(0), record(1)];
    let signer = &trail.signers[0];
    let page = Page::append(
        trail.installation,
        &trail.head,
        1,
        signer.pair(),
        &mut records,
    )
    .unwrap();
    assert_eq!(
        (page.number, page.first_sequence, page.last_sequence),
        (2, 4, 5)
    );
    assert_eq!(records.each_ref().map(|record| record.sequence), [4, 5]);
    assert_eq!(page.read_records().unwrap(), records);
    assert_eq!(
        page.head(),
        Head {
            page: 2,
            sequence: 5,
            hash: page.hash
        }
    );
}

#[test]
fn the_span_is_from_the_earliest_record_to_the_latest_in_any_order() {
    assert_eq!(span(&[]), None);
    let records = [record(5), record(-3), record(9), record(0)];
    assert_eq!(span(&records), Some((NOW.plus(-3), NOW.plus(9))));
}

#[test]
fn a_hash_depends_on_the_page_before_and_on_the_installation() {
    let trail = Trail::new(1, &[(1, false), (1, false)]);
    let page = &trail.pages[1];
    let previous = trail.pages[0].hash;
    assert_eq!(page.compute_hash(trail.installation, &previous), page.hash);
    let mut other = previous;
    other[0] ^= 1;
    assert_ne!(page.compute_hash(trail.installation, &other), page.hash);
    let elsewhere = Trail::new(2, &[]).installation;
    assert_ne!(page.compute_hash(elsewhere, &previous), page.hash);
}

#[test]
fn a_page_follows_only_the_head_at_which_it_was_appended() {
    let trail = Trail::new(1, &[(1, false), (1, false)]);
    let (page, head) = (&trail.pages[1], trail.pages[0].head());
    assert!(page.follows(trail.installation, &head));
    assert!(trail.pages[0].follows(trail.installation, &Head::EMPTY));
    let mut others = [head.clone(), head.clone(), head.clone()];
    others[0].page += 1;
    others[1].sequence += 1;
    others[2].hash[0] ^= 1;
    for other in others {
        assert!(!page.follows(trail.installation, &other), "{other:?}");
    }
    let mut changed = page.clone();
    changed.records.push(' ');
    assert!(!changed.follows(trail.installation, &head));
    changed.number = i64::MIN;
    assert!(!changed.follows(trail.installation, &head));
}

#[test]
fn a_page_is_signed_by_its_epochs_key_only() {
    let trail = Trail::new(1, &[(1, false)]);
    let (page, key) = (&trail.pages[0], trail.signers[0].public_key());
    assert!(page.is_signed(trail.installation, key));
    let other = Trail::new(2, &[(1, false)]);
    assert!(!page.is_signed(trail.installation, other.signers[0].public_key()));
    assert!(!page.is_signed(other.installation, key));
    let mut changed = page.clone();
    changed.hash[0] ^= 1;
    assert!(!changed.is_signed(trail.installation, key));
}
