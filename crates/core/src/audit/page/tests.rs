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
