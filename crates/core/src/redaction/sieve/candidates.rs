//! Where an escape may begin. In most texts its first byte is common, and what must follow it is not.

use memchr::{memchr, memchr2};

use super::block::{Block, SIZE};

/// If two first bytes are nearer to each other than this, a whole block is looked at.
const NEAR: usize = 8;

/// The positions of `first` or `other` for which `is` is true of that byte and the two after it, 0 after the end.
#[inline]
pub(super) fn candidates(
    reading: &[u8],
    [first, other]: [u8; 2],
    is: impl Fn(u8, u8, u8) -> bool,
) -> impl Iterator<Item = usize> {
    let byte = |at: usize| reading.get(at).copied().unwrap_or_default();
    let (mut from, mut end, mut bits) = (0, 0, 0_u64);
    std::iter::from_fn(move || {
        while bits == 0 {
            let rest = reading.get(end..)?;
            let distance = if first == other {
                memchr(first, rest)?
            } else {
                memchr2(first, other, rest)?
            };
            from = end + distance;
            if distance < NEAR {
                end = from + SIZE;
                bits = Block::at(reading, from, &mut [0; _]).which(&is);
            } else {
                end = from + 1;
                bits = u64::from(is(byte(from), byte(from + 1), byte(from + 2)));
            }
        }
        let found = from + bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(found)
    })
}
