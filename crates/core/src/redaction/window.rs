//! Windows: the stretches of letters that are hashed, how long they are, and where in a value they are chosen.

/// The possible window widths in letters, for 8 or more characters of text. In base64, 8 characters take 11 letters, of
/// which 10 depend on nothing else; in UTF-16 twice as many. An attacker who knows all but a few letters of a window
/// could try the rest, so wider windows are safer.
pub(super) const WIDTHS: [usize; 8] = [8, 10, 11, 16, 20, 22, 30, 32];

/// Windows are chosen among this many first letters: the scanner must remember the letters before a window.
pub(super) const FURTHEST: usize = 96;

/// Up to 32 letters, one per byte; the last 16 in a number of their own.
#[derive(Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Window {
    pub(super) fn of(letters: &[u8]) -> Self {
        let mut window = Self::default();
        for letter in letters {
            window.push(*letter);
        }
        window
    }

    #[inline]
    pub(super) fn push(&mut self, letter: u8) {
        self.first = self.first << 8 | self.last >> 120;
        self.last = self.last << 8 | u128::from(letter);
    }

    /// Its last letters.
    #[inline]
    pub(super) fn end(self, width: usize) -> Self {
        if width > 16 {
            let mask = u128::MAX >> (256 - width * 8);
            return Self {
                first: self.first & mask,
                ..self
            };
        }
        Self {
            first: 0,
            last: self.last & u128::MAX >> (128 - width * 8),
        }
    }
}

/// Where windows of that width may begin, the best first: after the public prefix, where the letters vary most.
pub(super) fn choose(letters: &[u8], public: usize, width: usize) -> Vec<usize> {
    let last = letters.len().saturating_sub(width);
    let first = public.min(last);
    let windows = letters.windows(width.max(1)).enumerate().skip(first);
    // Enough to choose from.
    let windows = windows.step_by(1 + (last - first) / 12);
    let mut starts: Vec<_> = windows
        .map(|(start, window)| (mixed(window), start))
        .collect();
    starts.sort_unstable_by(|one, other| other.cmp(one));
    starts.into_iter().map(|(_, start)| start).collect()
}

/// How many letters differ, and how often the class of letter changes.
fn mixed(window: &[u8]) -> u32 {
    let seen = window.iter().fold([0_u64; 4], |mut seen, letter| {
        if let Some(bits) = seen.get_mut(usize::from(letter >> 6)) {
            *bits |= 1 << (letter & 63);
        }
        seen
    });
    let different: u32 = seen.iter().map(|bits| bits.count_ones()).sum();
    let class = |letter: &u8| (letter.is_ascii_digit(), letter.is_ascii_uppercase());
    let changes = window.windows(2).filter(|pair| match pair {
        [one, other] => class(one) != class(other),
        _ => false,
    });
    different * 2 + u32::try_from(changes.count()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
