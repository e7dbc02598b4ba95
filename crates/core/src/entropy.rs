//! Randomness as an argument.

/// The operating system gave no randomness; nothing may be encrypted then.
#[derive(Debug, thiserror::Error)]
#[error("no randomness from the operating system")]
pub struct EntropyError;

/// A source of cryptographically secure random bytes.
///
/// In production it is the operating system's (`getrandom(2)`), so that a restored snapshot of a
/// machine never repeats a nonce.
pub trait Entropy: Send + Sync {
    /// Fills all of `bytes`, or fails.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

#[cfg(test)]
pub(crate) mod deterministic;
