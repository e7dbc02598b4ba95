//! Entropy that tests can repeat and exhaust. It exists in test builds only.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Entropy, EntropyError};
use crate::digest::sha256;

/// Blocks of SHA-256 over a seed and a counter, until a given number of fills is used up.
pub(crate) struct Deterministic {
    seed: u64,
    block: AtomicU64,
    fills_left: AtomicU64,
}

impl Deterministic {
    /// Yields the same bytes for the same seed, without end.
    pub(crate) fn new(seed: u64) -> Self {
        Self::failing_after(seed, u64::MAX)
    }

    /// Yields `fills` times, then fails for ever.
    pub(crate) fn failing_after(seed: u64, fills: u64) -> Self {
        Self {
            seed,
            block: AtomicU64::new(0),
            fills_left: AtomicU64::new(fills),
        }
    }
}

impl Entropy for Deterministic {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.fills_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .map_err(|_| EntropyError)?;
        for chunk in bytes.chunks_mut(32) {
            let mut input = self.seed.to_be_bytes().to_vec();
            input.extend(self.block.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&sha256(&input)[..chunk.len()]);
        }
        Ok(())
    }
}

/// `length` bytes that look random and follow from `seed`. A property test can name a long input with a short seed.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Deterministic::new(seed).fill(&mut bytes).unwrap();
    bytes
}
