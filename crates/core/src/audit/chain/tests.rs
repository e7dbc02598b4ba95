//! Every kind of tampering with a trail is found, at the page where it happened.

mod attacks;
mod checkpoints;
mod edits;
mod epochs;
mod layout;
mod order;
mod properties;
pub(crate) mod trail;

use self::trail::Trail;
use super::*;

/// Pages 1 to 8; epochs begin at pages 1, 3, 6 and 7.
fn trail() -> Trail {
    let steps = [
        (2, false),
        (3, false),
        (2, true),
        (2, false),
        (2, false),
        (3, true),
        (2, true),
        (2, false),
    ];
    Trail::new(1, &steps)
}

#[test]
fn a_trail_as_it_was_written_is_accepted_with_all_its_records() {
    let trail = Trail::new(
        1,
        &[(3, false), (1, false), (2, true), (4, true), (1, false)],
    );
    assert_eq!(trail.epochs.len(), 3);
    let mut verifier = trail.verifier().unwrap();
    let mut sequences = Vec::new();
    for page in &trail.pages {
        sequences.extend(
            verifier
                .page(page)
                .unwrap()
                .iter()
                .map(|record| record.sequence),
        );
        assert_eq!(*verifier.head(), page.head());
    }
    assert_eq!(sequences, (1..=11).collect::<Vec<_>>());
    assert_eq!(verifier.finish(), Ok(trail.head.clone()));
    assert_eq!(trail.verify(), Ok(trail.head));
}

#[test]
fn an_empty_trail_is_accepted_and_a_trail_without_epochs_is_not() {
    let mut trail = Trail::new(1, &[]);
    assert_eq!(trail.verify(), Ok(Head::EMPTY));
    trail.epochs.clear();
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(1)));
}

#[test]
fn epochs_that_sign_no_page_are_accepted_if_they_are_certified() {
    let mut trail = Trail::new(1, &[(1, false)]);
    trail.begin_epoch();
    trail.begin_epoch();
    assert_eq!(trail.verify().unwrap(), trail.head);
    trail.append(2);
    trail.begin_epoch();
    assert_eq!(trail.verify().unwrap(), trail.head);
}

#[test]
fn only_the_first_key_that_the_auditor_holds_is_accepted() {
    let trail = Trail::new(1, &[(1, false), (1, true)]);
    let verify = |key: Option<&[u8]>| {
        ChainVerifier::new(trail.installation, key, trail.epochs.clone()).map(|_| ())
    };
    let first = &trail.epochs[0].public_key;
    assert_eq!(verify(Some(first)), Ok(()));
    assert_eq!(verify(None), Ok(()));
    assert_eq!(
        verify(Some(&trail.epochs[1].public_key)),
        Err(ChainError::WrongFirstKey)
    );
    assert_eq!(verify(Some(&first[..31])), Err(ChainError::WrongFirstKey));
    assert_eq!(verify(Some(&[])), Err(ChainError::WrongFirstKey));
}

#[test]
fn the_trail_of_another_installation_is_refused() {
    let mut trail = Trail::new(1, &[(1, false), (1, false)]);
    trail.installation = Trail::new(2, &[]).installation;
    assert_eq!(trail.verify(), Err(ChainError::Changed(1)));
}

#[test]
fn a_page_that_was_refused_does_not_move_the_verifier() {
    let trail = Trail::new(1, &[(1, false), (1, false)]);
    let mut verifier = trail.verifier().unwrap();
    verifier.page(&trail.pages[0]).unwrap();
    let mut changed = trail.pages[1].clone();
    changed.signature[0] ^= 1;
    assert_eq!(verifier.page(&changed), Err(ChainError::Unsigned(2)));
    assert_eq!(*verifier.head(), trail.pages[0].head());
    assert!(verifier.page(&trail.pages[1]).is_ok());
}

#[test]
fn a_long_trail_is_verified_page_by_page_without_being_held() {
    let mut trail = Trail::new(1, &[]);
    let mut verifier = trail.verifier().unwrap();
    for number in 1..=2_000 {
        trail.append(1);
        // The only page so far.
        let page = trail.pages.pop().unwrap();
        assert_eq!(page.number, number);
        verifier.page(&page).unwrap();
    }
    assert_eq!(verifier.finish(), Ok(trail.head));
}
