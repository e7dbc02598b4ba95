//! Sixty-four bytes of a text, looked at together. The work depends on which bytes are letters, not on which letters.

/// The size of a block: its bytes are numbered by the bits of a `u64`.
pub(super) const SIZE: usize = 64;

/// How many bytes are copied at once.
const WHOLE: usize = 16;

/// Room for a block, and for what is copied with its last letter.
pub(super) type Room = [u8; SIZE + WHOLE];

/// A block, and the bytes after it.
pub(super) struct Block<'a>(&'a Room);

impl<'a> Block<'a> {
    /// The block of `text` at `at`. If the text ends soon after, the block is a copy in `room`, followed by zeros.
    #[inline]
    pub(super) fn at(text: &'a [u8], at: usize, room: &'a mut Room) -> Self {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(bytes) = rest.first_chunk() {
            return Self(bytes);
        }
        room.fill(0);
        if let Some(room) = room.get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
        Self(room)
    }

    #[inline]
    pub(super) fn byte(&self, index: usize) -> u8 {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Which bytes are letters or digits.
    #[inline]
    pub(super) fn letters(&self) -> u64 {
        self.which(|byte, _, _| {
            // Without branches, so that the compiler can test many bytes at once.
            let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            is_letter | (byte.wrapping_sub(b'0') < 10)
        })
    }

    #[inline]
    pub(super) fn backslashes(&self) -> u64 {
        let bytes = self.0.iter().take(SIZE);
        let any = bytes.fold(0, |any, byte| any | u8::from(*byte == b'\\'));
        // Most blocks have none, which costs less to find out.
        match any {
            0 => 0,
            _ => self.which(|byte, _, _| byte == b'\\'),
        }
    }

    /// For which bytes `is` is true of the byte and the two after it.
    #[inline]
    pub(super) fn which(&self, is: impl Fn(u8, u8, u8) -> bool) -> u64 {
        let mut flags = [0_u8; SIZE];
        let bytes = self.0.iter();
        let after = bytes.clone().skip(1).zip(bytes.clone().skip(2));
        for (flag, (byte, (second, third))) in flags.iter_mut().zip(bytes.zip(after)) {
            *flag = u8::from(is(*byte, *second, *third));
        }
        let (words, _) = flags.as_chunks::<8>();
        words.iter().enumerate().fold(0, |bits, (index, word)| {
            // Moves bit 8i to bit 56 + i.
            let gathered = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080);
            bits | (gathered & 0xff << 56) >> (56 - 8 * index)
        })
    }

    /// Copies those bytes to the beginning of `out`, and returns how many there are. Overwrites what follows, too.
    #[inline]
    pub(super) fn copy(&self, bits: u64, out: &mut Room) -> usize {
        let mut starts = bits & !(bits << 1);
        let mut ends = !bits & bits << 1;
        let is_long = has_long_run(bits);
        let mut length = 0;
        while starts != 0 {
            // Two at once, because the end of this loop is hard to predict. The second may be empty.
            for _ in 0..2 {
                let (start, end) = (next(&mut starts), next(&mut ends));
                self.copy_some(start, out, length);
                if is_long {
                    for from in (start..end).step_by(WHOLE).skip(1) {
                        self.copy_some(from, out, length + from - start);
                    }
                }
                length += end - start;
            }
        }
        length
    }

    #[inline]
    fn copy_some(&self, from: usize, out: &mut Room, to: usize) {
        let from = self.0.get(from..from + WHOLE);
        let to = out.get_mut(to..to + WHOLE);
        if let (Some(from), Some(to)) = (from, to) {
            to.copy_from_slice(from);
        }
    }
}

/// Whether more than [`WHOLE`] bits in a row are set.
#[inline]
fn has_long_run(bits: u64) -> bool {
    let bits = [1, 1, 2, 4, 8]
        .iter()
        .fold(bits, |bits, by| bits & bits >> by);
    bits != 0
}

/// Removes the lowest bit, and returns its index; 64 if there is none.
#[inline]
fn next(bits: &mut u64) -> usize {
    let index = bits.trailing_zeros() as usize;
    *bits &= bits.wrapping_sub(1);
    index
}
