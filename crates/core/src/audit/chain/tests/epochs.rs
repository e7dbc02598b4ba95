//! Each stored field of each epoch changed in place; epochs removed, repeated and exchanged.

use super::*;

/// Changes one epoch; the first is number 1.
fn changed_epoch(number: usize, change: impl Fn(&mut Epoch)) -> Result<Head, ChainError> {
    let mut trail = trail();
    change(&mut trail.epochs[number - 1]);
    trail.verify()
}

#[test]
fn every_flipped_bit_of_a_public_key_or_certificate_is_found() {
    for bit in 0..256 {
        let flip = |epoch: &mut Epoch| epoch.public_key[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(changed_epoch(1, flip), Err(ChainError::WrongFirstKey));
        for epoch in 2..=4_usize {
            let expected = ChainError::Uncertified(i64::try_from(epoch).unwrap());
            assert_eq!(changed_epoch(epoch, flip), Err(expected), "key bit {bit}");
        }
    }
    for bit in (0..512).step_by(5) {
        let flip = |epoch: &mut Epoch| epoch.certificate[bit / 8] ^= 1 << (bit % 8);
        for epoch in 2..=4_usize {
            let expected = ChainError::Uncertified(i64::try_from(epoch).unwrap());
            assert_eq!(
                changed_epoch(epoch, flip),
                Err(expected),
                "certificate bit {bit}"
            );
        }
    }
    for length in 0..64 {
        let cut = |epoch: &mut Epoch| epoch.certificate.truncate(length);
        assert_eq!(
            changed_epoch(2, cut),
            Err(ChainError::Uncertified(2)),
            "{length} bytes"
        );
    }
    let add = |epoch: &mut Epoch| epoch.certificate.push(0);
    assert_eq!(changed_epoch(1, add), Err(ChainError::Uncertified(1)));
    assert_eq!(changed_epoch(2, add), Err(ChainError::Uncertified(2)));
}

#[test]
fn the_first_public_key_is_checked_by_its_pages_if_the_auditor_holds_none() {
    let mut trail = trail();
    trail.epochs[0].public_key[0] ^= 1;
    let epochs = trail.epochs.clone();
    let mut verifier = ChainVerifier::new(trail.installation, None, epochs, Head::EMPTY).unwrap();
    assert_eq!(verifier.page(&trail.pages[0]), Err(ChainError::Unsigned(1)));
}

#[test]
fn another_epoch_number_is_found() {
    for number in [i64::MIN, -1, 0, 2, 9, i64::MAX] {
        let expected = Err(ChainError::Uncertified(number));
        assert_eq!(changed_epoch(1, |epoch| epoch.number = number), expected);
    }
    for number in [i64::MIN, -1, 0, 1, 2, 4, 9, i64::MAX] {
        let expected = Err(ChainError::Uncertified(number));
        assert_eq!(
            changed_epoch(3, |epoch| epoch.number = number),
            expected,
            "{number}"
        );
    }
}

#[test]
fn another_beginning_of_an_epoch_is_found() {
    for first_page in [i64::MIN, 0, 2, i64::MAX] {
        let moved = changed_epoch(1, |epoch| epoch.first_page = first_page);
        assert_eq!(moved, Err(ChainError::Uncertified(1)));
    }
    // Epoch 2 begins at page 3, epoch 3 at page 6.
    for earlier in [i64::MIN, 0, 1, 2] {
        let moved = changed_epoch(2, |epoch| epoch.first_page = earlier);
        assert_eq!(moved, Err(ChainError::Uncertified(2)), "{earlier}");
    }
    for later in [4, 5, 6, 100, i64::MAX] {
        let moved = changed_epoch(2, |epoch| epoch.first_page = later);
        assert_eq!(moved, Err(ChainError::WrongEpoch(3)), "{later}");
    }
}

#[test]
fn a_removed_epoch_is_found() {
    for epoch in 1..=4_usize {
        let mut trail = trail();
        trail.epochs.remove(epoch - 1);
        let expected = match epoch {
            1 => ChainError::WrongFirstKey,
            2 => ChainError::WrongEpoch(3),
            3 => ChainError::WrongEpoch(6),
            _ => ChainError::WrongEpoch(7),
        };
        assert_eq!(trail.verify(), Err(expected), "epoch {epoch}");
    }
}

#[test]
fn repeated_and_exchanged_epochs_are_found() {
    let mut repeated = trail();
    repeated.epochs.insert(2, repeated.epochs[1].clone());
    assert_eq!(repeated.verify(), Err(ChainError::Uncertified(2)));
    let mut exchanged = trail();
    exchanged.epochs.swap(1, 2);
    assert!(exchanged.verify().is_err());
}

#[test]
fn exchanged_certificates_and_keys_of_two_epochs_are_found() {
    for left in 2..=4_usize {
        for right in left + 1..=4 {
            let swap = |exchange: fn(&mut Epoch, &mut Epoch)| {
                let mut trail = trail();
                let (before, after) = trail.epochs.split_at_mut(right - 1);
                exchange(&mut before[left - 1], &mut after[0]);
                trail.verify()
            };
            let expected = Err(ChainError::Uncertified(i64::try_from(left).unwrap()));
            assert_eq!(
                swap(|left, right| std::mem::swap(&mut left.certificate, &mut right.certificate)),
                expected
            );
            assert_eq!(
                swap(|left, right| std::mem::swap(&mut left.public_key, &mut right.public_key)),
                expected
            );
            assert_eq!(
                swap(|left, right| {
                    std::mem::swap(&mut left.certificate, &mut right.certificate);
                    std::mem::swap(&mut left.public_key, &mut right.public_key);
                }),
                expected
            );
        }
    }
}
