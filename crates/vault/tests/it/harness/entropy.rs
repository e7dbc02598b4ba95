//! Pseudorandom bytes from a seed, and choices made with them.

use std::sync::atomic::{AtomicU64, Ordering};

use toolvault_core::digest::sha256;
use toolvault_core::entropy::{Entropy, EntropyError};

pub(crate) struct SeededEntropy {
    seed: u64,
    block: AtomicU64,
    /// How many keys of 64 bytes were made, as each search for values needs one.
    pub(crate) searches: AtomicU64,
}

impl SeededEntropy {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            block: AtomicU64::new(0),
            searches: AtomicU64::new(0),
        }
    }

    /// A number below `bound`.
    pub(crate) fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.fill(&mut bytes).unwrap();
        usize::try_from(u64::from_be_bytes(bytes) % u64::try_from(bound).unwrap()).unwrap()
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        if bytes.len() == 64 {
            self.searches.fetch_add(1, Ordering::Relaxed);
        }
        for chunk in bytes.chunks_mut(32) {
            let block = self.block.fetch_add(1, Ordering::Relaxed);
            let mut input = self.seed.to_be_bytes().to_vec();
            input.extend(block.to_be_bytes());
            chunk.copy_from_slice(&sha256(&input)[..chunk.len()]);
        }
        Ok(())
    }
}
