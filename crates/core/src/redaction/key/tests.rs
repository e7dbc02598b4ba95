use std::collections::HashSet;

use super::*;
use crate::redaction::tests::Numbers;
use crate::redaction::window::WIDTHS;

fn random(seed: u64) -> [u8; 64] {
    let mut numbers = Numbers(seed);
    std::array::from_fn(|_| numbers.next().to_le_bytes()[0])
}

fn windows(count: u64, width: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut numbers = Numbers(count);
    (0..count).map(move |_| {
        (0..width)
            .map(|_| numbers.next().to_le_bytes()[1])
            .collect()
    })
}

/// Each bit must be set in about half of the hashes, otherwise different windows often have equal hashes.
fn are_spread(hashes: &[u64]) {
    for bit in 0..64 {
        let set = hashes.iter().filter(|hash| *hash >> bit & 1 == 1).count();
        let share = set * 100 / hashes.len();
        assert!((40..=60).contains(&share), "bit {bit} is set in {share} %");
    }
}

#[test]
fn hashes_of_windows_are_spread_over_all_bits() {
    let key = Key::new(&random(1));
    for width in [16, 32] {
        let hashes: Vec<u64> = windows(2000, width)
            .map(|window| key.hash(Window::of(&window), 3))
            .collect();
        are_spread(&hashes);
        let samples: Vec<u64> = windows(2000, width)
            .map(|window| key.sample(&window))
            .collect();
        are_spread(&samples);
    }
}

#[test]
fn the_hash_of_a_window_depends_on_every_bit_of_it_and_of_the_key_and_on_the_kind() {
    let (window, secret) = (windows(1, 32).next().unwrap(), random(2));
    let hash =
        |window: &[u8], secret: &[u8; 64], kind| Key::new(secret).hash(Window::of(window), kind);
    let first = hash(&window, &secret, 1);
    let (mut windows, mut keys) = (HashSet::from([first]), HashSet::from([first]));
    for bit in 0..256 {
        let mut other = window.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(
            windows.insert(hash(&other, &secret, 1)),
            "bit {bit} of the window"
        );
        // Four words of the key.
        let mut other = secret;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(
            keys.insert(hash(&window, &other, 1)),
            "bit {bit} of the key"
        );
    }
    let kinds: HashSet<u64> = (0..256).map(|kind| hash(&window, &secret, kind)).collect();
    assert_eq!(kinds.len(), 256);
}

#[test]
fn a_sample_depends_on_every_letter_but_not_on_its_case() {
    let key = Key::new(&random(3));
    for width in WIDTHS {
        let window: Vec<u8> = (b'a'..=b'z').cycle().take(width).collect();
        let sample = key.sample(&window);
        assert_eq!(key.sample(&window.to_ascii_uppercase()), sample);
        for index in 0..width {
            let mut other = window.clone();
            other[index] ^= 1;
            assert_ne!(key.sample(&other), sample, "{index} of {width}");
        }
        let turned: Vec<u8> = window.iter().rev().copied().collect();
        assert_ne!(key.sample(&turned), sample);
        assert_ne!(Key::new(&random(4)).sample(&window), sample);
    }
    // The halves of a window cannot change places.
    let (one, other) = (b"abcdefghijklmnop", b"qrstuvwxyzabcdef");
    let both = |first: &[u8], second: &[u8]| key.sample(&[first, second].concat());
    assert_ne!(both(one, other), both(other, one));
    assert_eq!(both(one, other), joined(key.sample(one), key.sample(other)));
}

#[test]
fn a_fingerprint_is_a_polynomial_in_the_letters_modulo_the_prime() {
    for seed in 0..20 {
        let key = Key::new(&random(seed));
        assert!((257..PRIME).contains(&key.base));
        let text = windows(1, 40).next().unwrap();
        let mut expected = 0_u128;
        for letter in &text {
            expected =
                (expected * u128::from(key.base) + u128::from(*letter) + 1) % u128::from(PRIME);
        }
        let whole = key.fingerprint(&text);
        assert_eq!(u128::from(whole), expected);
        let mut power = 1_u128;
        for letters in 0..=text.len() {
            assert_eq!(u128::from(key.power(letters)), power);
            let (before, last) = text.split_at(text.len() - letters);
            let read = without(whole, key.fingerprint(before), key.power(letters));
            assert_eq!(read, key.fingerprint(last), "{letters}");
            power = power * u128::from(key.base) % u128::from(PRIME);
        }
    }
    // Letters of value 0 count, too.
    let key = Key::new(&random(1));
    assert_ne!(key.fingerprint(&[0]), key.fingerprint(&[]));
}

#[test]
fn every_product_is_reduced_to_less_than_the_prime() {
    let prime = u128::from(PRIME);
    let most = prime - 1;
    for number in [
        0,
        1,
        most,
        prime,
        prime + 1,
        prime * 2,
        prime << 61,
        most * most,
        most * most + 256,
        u128::from(u64::MAX),
        (1 << 122) - 1,
    ] {
        assert_eq!(u128::from(reduce(number)), number % prime, "{number:x}");
    }
}

#[test]
fn the_base_is_larger_than_any_letter_whatever_the_randomness() {
    assert_eq!(Key::new(&[0; 64]).base, 257);
    assert!(Key::new(&[255; 64]).base >= 257);
    let mut largest = [0; 64];
    largest[32..40].copy_from_slice(&(PRIME - 258).to_le_bytes());
    assert_eq!(Key::new(&largest).base, PRIME - 1);
}
