//! Randomness as an argument.

/// The operating system gave no randomness, so nothing can be encrypted.
#[derive(Debug, thiserror::Error)]
#[error("no randomness from the operating system")]
pub struct EntropyError;

/// A source of cryptographically secure random bytes.
///
/// In production this is the operating system's source (`getrandom(2)`), so that a machine restored from a snapshot
/// never repeats a nonce.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`, or fails.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

#[cfg(test)]
pub(crate) mod deterministic;
