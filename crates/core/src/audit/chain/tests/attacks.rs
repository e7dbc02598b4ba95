//! The holder of a current signing key cannot rewrite what an earlier key signed.

use super::trail::Trail;
use super::*;

/// Pages 1 to 6; epochs begin at pages 1, 3 and 5.
fn trail() -> Trail {
    Trail::new(
        1,
        &[
            (2, false),
            (2, false),
            (2, true),
            (2, false),
            (2, true),
            (2, false),
        ],
    )
}

/// The trail with page `number` rewritten, before anything is sealed again.
fn rewritten(number: usize) -> Trail {
    let mut trail = trail();
    let page = &mut trail.pages[number - 1];
    page.records = page.records.replace("allowed", "denied");
    trail
}

fn page_number(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

// CVE-2023-31439: journald accepted an old entry that was sealed with a later key.
#[test]
fn an_old_page_sealed_with_a_newer_key_is_refused() {
    for number in 1..=4 {
        let mut trail = rewritten(number);
        trail.reseal_from(number - 1, 3);
        assert_eq!(
            trail.verify(),
            Err(ChainError::Unsigned(page_number(number)))
        );
    }
}

#[test]
fn an_old_page_moved_to_a_newer_epoch_is_refused() {
    for number in 1..=4 {
        let mut trail = rewritten(number);
        for page in &mut trail.pages[number - 1..] {
            page.epoch = 3;
        }
        trail.reseal_from(number - 1, 3);
        assert_eq!(
            trail.verify(),
            Err(ChainError::WrongEpoch(page_number(number)))
        );
    }
}

#[test]
fn a_newer_epoch_that_claims_older_pages_is_refused() {
    for number in 3..=4 {
        let mut trail = rewritten(number);
        for page in &mut trail.pages[number - 1..] {
            page.epoch = 3;
        }
        trail.epochs[2].first_page = page_number(number);
        trail.reseal_from(number - 1, 3);
        assert_eq!(trail.verify(), Err(ChainError::Uncertified(3)));
    }
}

#[test]
fn a_newer_key_in_the_row_of_an_older_epoch_is_refused() {
    let mut trail = rewritten(3);
    trail.epochs[1].public_key = trail.epochs[2].public_key.clone();
    trail.reseal_from(2, 3);
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(2)));
}

#[test]
fn a_newer_key_cannot_certify_itself_or_its_predecessor() {
    // An epoch 2 of the intruder's own, which the key of epoch 3 signs instead of that of epoch 1.
    let mut trail = trail();
    let head = trail.pages[1].head();
    let wrap = crate::envelope::NumberedKey {
        id: 4,
        key: crate::confidential::Key::from_slice(&[7; 32]).unwrap(),
    };
    let entropy = crate::entropy::deterministic::Deterministic::new(9);
    let mut forged = crate::audit::epoch::Signer::begin(
        trail.installation,
        &wrap,
        Some(&trail.signers[2]),
        &head,
        &entropy,
    )
    .unwrap();
    assert_eq!(forged.epoch.number, 4);
    trail.epochs.truncate(1);
    trail.epochs.push(forged.epoch.clone());
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(4)));
    forged.epoch.number = 2;
    trail.epochs[1] = forged.epoch;
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(2)));
}

#[test]
fn pages_of_an_epoch_after_it_ended_are_refused() {
    // An attacker kept the key of epoch 2, which ended with page 4.
    let mut trail = trail();
    trail.pages[4].epoch = 2;
    trail.reseal_from(4, 2);
    assert_eq!(trail.verify(), Err(ChainError::WrongEpoch(5)));
}

#[test]
fn a_rewritten_page_with_a_new_hash_but_the_old_signature_is_refused() {
    for number in 1..=6 {
        let mut trail = rewritten(number);
        let signatures: Vec<Vec<u8>> = trail
            .pages
            .iter()
            .map(|page| page.signature.clone())
            .collect();
        trail.reseal_from(number - 1, 3);
        for (page, signature) in trail.pages.iter_mut().zip(signatures) {
            page.signature = signature;
        }
        assert_eq!(
            trail.verify(),
            Err(ChainError::Unsigned(page_number(number)))
        );
    }
}

#[test]
fn a_certificate_is_no_page_signature_nor_the_reverse() {
    let mut trail = trail();
    trail.pages[1].signature = trail.epochs[1].certificate.clone();
    assert_eq!(trail.verify(), Err(ChainError::Unsigned(2)));
    let mut trail = self::trail();
    trail.epochs[1].certificate = trail.pages[1].signature.clone();
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(2)));
}

#[test]
fn a_trail_signed_anew_from_its_beginning_needs_another_first_key() {
    let steps = [(2, false), (2, true)];
    let original = Trail::new(1, &steps);
    let mut forged = Trail::new(2, &steps);
    assert!(forged.verify().is_ok());
    forged.first_key = original.first_key;
    assert_eq!(forged.verify(), Err(ChainError::WrongFirstKey));
}

#[test]
fn records_that_do_not_bear_the_numbers_of_their_page_are_refused_though_signed() {
    let edits: [fn(&mut Page); 5] = [
        |page| page.records = page.records.replace("\"sequence\":4", "\"sequence\":9"),
        |page| page.records = page.records.lines().next().unwrap().to_owned() + "\n",
        |page| page.last_sequence += 1,
        |page| page.records.push_str("{}\n"),
        |page| {
            page.records.clear();
            page.last_sequence = page.first_sequence - 1;
        },
    ];
    for (place, edit) in edits.into_iter().enumerate() {
        let mut trail = Trail::new(1, &[(2, false), (2, false)]);
        edit(&mut trail.pages[1]);
        trail.reseal_from(1, 1);
        assert_eq!(trail.verify(), Err(ChainError::Changed(2)), "{place}");
    }
}

#[test]
fn a_page_that_skips_sequences_is_refused_though_signed() {
    let mut trail = Trail::new(1, &[(2, false), (2, false)]);
    let page = &mut trail.pages[1];
    page.first_sequence += 2;
    page.last_sequence += 2;
    page.records = page.records.replace("\"sequence\":3", "\"sequence\":5");
    page.records = page.records.replace("\"sequence\":4", "\"sequence\":6");
    trail.reseal_from(1, 1);
    assert_eq!(trail.verify(), Err(ChainError::Changed(2)));
}

#[test]
fn an_epoch_that_skips_a_number_is_refused_though_certified() {
    let mut trail = Trail::new(1, &[(2, false)]);
    trail.signers[0].number = 7;
    trail.begin_epoch();
    assert_eq!(trail.epochs[1].number, 8);
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(8)));
}

#[test]
fn an_epoch_that_begins_before_its_predecessor_is_refused_though_certified() {
    let mut trail = Trail::new(1, &[(1, false), (1, false), (1, true)]);
    // It names the right previous page by hash, but an older position.
    trail.head = Head {
        page: 1,
        ..trail.pages[1].head()
    };
    trail.begin_epoch();
    assert_eq!(trail.epochs[2].first_page, 2);
    assert_eq!(trail.verify(), Err(ChainError::Uncertified(3)));
}

#[test]
fn a_signing_key_opens_for_its_own_epoch_and_installation_only() {
    use crate::audit::epoch::Signer;
    use crate::entropy::deterministic::Deterministic;
    use crate::envelope::{NumberedKey, OpenError};

    let trail = trail();
    let entropy = Deterministic::new(3);
    let key = crate::confidential::Key::generate(&entropy).unwrap();
    let wrap = NumberedKey { id: 4, key };
    let new = Signer::begin(trail.installation, &wrap, None, &Head::EMPTY, &entropy).unwrap();
    let open = |installation, number, wrapped: &[u8]| {
        Signer::open(installation, &wrap, number, wrapped).map(|signer| signer.number)
    };
    let elsewhere = Trail::new(2, &[]).installation;
    assert_eq!(open(trail.installation, 1, &new.wrapped), Ok(1));
    assert_eq!(
        open(trail.installation, 2, &new.wrapped),
        Err(OpenError::Forged)
    );
    assert_eq!(open(elsewhere, 1, &new.wrapped), Err(OpenError::Forged));
    for length in 0..new.wrapped.len() {
        assert!(open(trail.installation, 1, &new.wrapped[..length]).is_err());
    }
    // Fills are used up by the seed and then by the nonce.
    for fills in 0..2 {
        let exhausted = Deterministic::failing_after(3, fills);
        let begun = Signer::begin(trail.installation, &wrap, None, &Head::EMPTY, &exhausted);
        assert!(begun.is_err(), "{fills}");
    }
    assert_eq!(format!("{:?}", new.signer), "Signer { number: 1, .. }");
}
