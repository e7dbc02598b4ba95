//! Trails of random shape, each with one random manipulation.

use proptest::prelude::*;
use proptest::sample::Index;

use super::trail::{Step, Trail};
use super::*;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((1_usize..5, prop::bool::weighted(0.3)), 2..14)
}

/// What an attacker with write access to the tables, but without a signing key, can do.
#[derive(Clone, Debug)]
enum Tampering {
    Number(i64),
    FirstSequence(i64),
    LastSequence(i64),
    Epoch(i64),
    Record(Index),
    Hash(Index),
    Signature(Index),
    Drop,
    Duplicate,
    Exchange(Index),
    Move(Index),
    EpochNumber(Index, i64),
    EpochKey(Index, Index),
    EpochBeginning(Index, i64),
    EpochCertificate(Index, Index),
    EpochDrop(Index),
    EpochExchange(Index, Index),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let shift = || prop_oneof![Just(-1_i64), Just(1), -5_i64..-1, 2_i64..5];
    let index = any::<Index>;
    prop_oneof![
        shift().prop_map(Tampering::Number),
        shift().prop_map(Tampering::FirstSequence),
        shift().prop_map(Tampering::LastSequence),
        shift().prop_map(Tampering::Epoch),
        index().prop_map(Tampering::Record),
        index().prop_map(Tampering::Hash),
        index().prop_map(Tampering::Signature),
        Just(Tampering::Drop),
        Just(Tampering::Duplicate),
        index().prop_map(Tampering::Exchange),
        index().prop_map(Tampering::Move),
        (index(), shift()).prop_map(|(epoch, shift)| Tampering::EpochNumber(epoch, shift)),
        (index(), index()).prop_map(|(epoch, bit)| Tampering::EpochKey(epoch, bit)),
        (index(), shift()).prop_map(|(epoch, shift)| Tampering::EpochBeginning(epoch, shift)),
        (index(), index()).prop_map(|(epoch, bit)| Tampering::EpochCertificate(epoch, bit)),
        index().prop_map(Tampering::EpochDrop),
        (index(), index()).prop_map(|(left, right)| Tampering::EpochExchange(left, right)),
    ]
}

fn flip(bytes: &mut [u8], bit: Index) {
    if !bytes.is_empty() {
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

impl Tampering {
    /// Applies it to the page at `place`, or to an epoch.
    fn apply(&self, trail: &mut Trail, place: usize) {
        let (pages, epochs) = (trail.pages.len(), trail.epochs.len());
        let page = &mut trail.pages[place];
        match self {
            Self::Number(shift) => page.number += shift,
            Self::FirstSequence(shift) => page.first_sequence += shift,
            Self::LastSequence(shift) => page.last_sequence += shift,
            Self::Epoch(shift) => page.epoch += shift,
            Self::Record(at) => {
                let at = at.index(page.records.chars().count());
                let edited = page.records.chars().enumerate();
                let edit = |(place, was)| if place == at && was != '#' { '#' } else { was };
                page.records = edited.map(edit).collect();
            }
            Self::Hash(bit) => flip(&mut page.hash, *bit),
            Self::Signature(bit) => flip(&mut page.signature, *bit),
            Self::Drop => drop(trail.pages.remove(place)),
            Self::Duplicate => trail.pages.insert(place, trail.pages[place].clone()),
            Self::Exchange(other) => trail.pages.swap(place, other.index(pages)),
            Self::Move(to) => {
                let page = trail.pages.remove(place);
                trail.pages.insert(to.index(pages), page);
            }
            Self::EpochNumber(epoch, shift) => trail.epochs[epoch.index(epochs)].number += shift,
            Self::EpochKey(epoch, bit) => {
                flip(&mut trail.epochs[epoch.index(epochs)].public_key, *bit);
            }
            Self::EpochBeginning(epoch, shift) => {
                trail.epochs[epoch.index(epochs)].first_page += shift;
            }
            Self::EpochCertificate(epoch, bit) => {
                flip(&mut trail.epochs[epoch.index(epochs)].certificate, *bit);
            }
            Self::EpochDrop(epoch) => drop(trail.epochs.remove(epoch.index(epochs))),
            Self::EpochExchange(left, right) => {
                trail.epochs.swap(left.index(epochs), right.index(epochs));
            }
        }
    }
}

proptest! {
    // PROPTEST_CASES counts here too.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 2))]

    #[test]
    fn whatever_a_writer_without_a_key_does_is_found(
        steps in steps(),
        place in any::<Index>(),
        tampering in tampering(),
    ) {
        let untouched = Trail::new(1, &steps);
        prop_assert_eq!(untouched.verify(), Ok(untouched.head.clone()));
        let checkpoint = untouched.checkpoint(untouched.pages.len());
        let mut trail = Trail::new(1, &steps);
        tampering.apply(&mut trail, place.index(steps.len()));
        let is_untouched = trail.pages == untouched.pages && trail.epochs == untouched.epochs;
        let agrees = |ending: Ending| ending.missed.is_empty();
        prop_assert_eq!(trail.verify_against([checkpoint]).is_ok_and(agrees), is_untouched);
        // Without the checkpoint only truncation goes unnoticed.
        let is_cut = trail.epochs == untouched.epochs && untouched.pages.starts_with(&trail.pages);
        prop_assert_eq!(trail.verify().is_ok(), is_cut);
    }

    #[test]
    fn the_holder_of_the_newest_key_rewrites_nothing_older_and_nothing_with_a_checkpoint(
        steps in steps(),
        place in any::<Index>(),
    ) {
        let mut trail = Trail::new(1, &steps);
        let place = place.index(steps.len());
        let newest = trail.epochs.len();
        let checkpoint = trail.checkpoint(place + 1);
        let is_newest = trail.pages[place].epoch == i64::try_from(newest).unwrap();
        trail.pages[place].records = trail.pages[place].records.replace("allowed", "denied");
        trail.reseal_from(place, newest);
        let number = trail.pages[place].number;
        let expected = if is_newest { Ok(()) } else { Err(ChainError::Unsigned(number)) };
        prop_assert_eq!(trail.verify().map(|_| ()), expected);
        let missed = trail.verify_against([checkpoint]).map(|ending| ending.missed);
        let expected = if is_newest { Ok(vec![(number, Missed::Replaced)]) } else { Err(ChainError::Unsigned(number)) };
        prop_assert_eq!(missed, expected);
    }
}
