//! Every kind of tampering with a trail is found, at the page where it happened.

mod attacks;
mod checkpoints;
mod edits;
mod epochs;
mod layout;
mod order;
mod properties;
mod pruned;
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
    assert_eq!(verifier.finish().unwrap().head, trail.head);
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
        let epochs = trail.epochs.clone();
        ChainVerifier::new(trail.installation, key, epochs, Head::EMPTY).map(|_| ())
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
fn the_first_fault_is_told_with_what_was_before_it_for_any_number_of_threads() {
    for threads in 1..=10 {
        for faulty in 0..8 {
            let mut trail = trail();
            trail.pages[faulty].signature[0] ^= 1;
            // A later fault of another kind, which is found first.
            let gap = trail.pages.len() - 1;
            if faulty < gap {
                trail.pages[gap].number += 1;
            }
            let verifier = trail.verifier().unwrap();
            let threads = NonZeroUsize::new(threads).unwrap();
            let (read, next) = verifier.pages(&trail.pages, threads, |place, records| {
                assert_eq!(records[0].sequence, trail.pages[place].first_sequence);
                Ok(place)
            });
            assert_eq!(read, (0..faulty).collect::<Vec<_>>());
            let number = i64::try_from(faulty).unwrap() + 1;
            assert_eq!(next.err(), Some(ChainError::Unsigned(number)));
        }
    }
}

#[test]
fn records_that_the_reader_refuses_are_a_fault() {
    let trail = trail();
    let (read, next) =
        trail
            .verifier()
            .unwrap()
            .pages(&trail.pages, NonZeroUsize::MIN, |place, _| {
                if place == 2 {
                    Err(ChainError::Changed(3))
                } else {
                    Ok(())
                }
            });
    assert_eq!((read.len(), next.err()), (2, Some(ChainError::Changed(3))));
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
    assert_eq!(verifier.finish().unwrap().head, trail.head);
}
