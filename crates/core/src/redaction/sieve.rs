//! Tells quickly which parts of a text may hold a value, so that the rest is read once and no more.
//!
//! Of a text only letters and digits are looked at, in one case: what stands between the letters of encoded text, white
//! space and quotes fall away. At every eighth of them a window is hashed; of each pattern all windows in a stretch of
//! it are known, so one is met wherever the eighths fall. Where escapes change letters the same is done with them undone
//! (`undone`). More is noticed than is found, but nothing less.

mod undone;

use std::collections::HashMap;
use std::ops::Range;

use zeroize::Zeroizing;

use super::escape::Left;
use super::filter::{Filter, Spread};
use super::key::{Key, Window};
use super::table::{FURTHEST, WIDTHS, choose, width};
use super::values::Form;

/// How far apart windows are looked at, at most.
const STRIDE: usize = 8;

/// The longest stretch of letters that must be seen at once.
const STRETCH: usize = 32 + STRIDE - 1;

/// So much is read at once, and so much is told apart.
const LARGE: usize = 32 << 10;
const SMALL: usize = 1 << 10;

/// So many bytes may spell a stretch with one kind of escape undone, and with several.
const SPELLED: usize = 2 << 10;
const SPELLED_DEEP: usize = 12 << 10;

const CHUNK: usize = 512;

/// How each byte is looked at; 0 if it is not.
const LETTERS: [u8; 256] = letters();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, and `get_mut` cannot be"
)]
const fn letters() -> [u8; 256] {
    let mut letters = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            letters[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    letters
}

#[inline]
fn letter(byte: u8) -> u8 {
    LETTERS.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Where something was noticed.
#[derive(Default)]
pub(super) struct Noticed {
    /// In order.
    pub(super) parts: Vec<Range<usize>>,
    /// Whether there are escapes within escapes.
    pub(super) is_deep: bool,
}

/// What must be known to remove a pattern again: its windows, and of which width.
pub(super) struct Planted {
    width: u8,
    hashes: Box<[u64]>,
}

impl Planted {
    pub(super) fn bytes(&self) -> usize {
        // Here, and in the table of windows, a third of which is empty.
        self.hashes.len() * (8 + 26) + 16
    }
}

/// The windows of all patterns.
#[derive(Default)]
pub(super) struct Sieve {
    filter: Filter,
    /// How many patterns have that window.
    windows: HashMap<u64, u16, Spread>,
    /// Per width how many patterns have so many windows.
    counts: [[usize; STRIDE + 1]; WIDTHS.len()],
}

impl Sieve {
    /// Adds a pattern.
    pub(super) fn plant(&mut self, key: &Key, form: &Form) -> Planted {
        let begin = form.letters.iter().take(FURTHEST);
        let mut letters = Zeroizing::new(Vec::with_capacity(FURTHEST));
        letters.extend(
            begin
                .map(|byte| letter(*byte))
                .filter(|letter| *letter != 0),
        );
        let public = form.letters.iter().take(form.public);
        let public = public.filter(|byte| letter(**byte) != 0).count();
        let open = letters.len().saturating_sub(public);
        let width = width(form, open, STRIDE - 1);
        let index = WIDTHS.iter().position(|other| *other == width);
        let index = index.unwrap_or_default();
        let most = (open + 1).saturating_sub(width);
        let count = most.min(STRIDE);
        let stretches = choose(&letters, public, (width + count).saturating_sub(1));
        let stretch = stretches.first().copied().unwrap_or_default();
        let windows = letters.windows(width).skip(stretch).take(count);
        let hash = |window: &[u8]| key.hash(Window::of(window), index as u64);
        let hashes: Box<[u64]> = windows.map(hash).collect();
        for hash in &hashes {
            let count = self.windows.entry(*hash).or_default();
            *count = count.saturating_add(1);
            self.filter.add(short(*hash));
        }
        if self.filter.is_full() {
            self.filter = Filter::of(self.windows.keys().map(|hash| short(*hash)));
        }
        self.change(index, hashes.len(), |count| count + 1);
        Planted {
            width: u8::try_from(index).unwrap_or_default(),
            hashes,
        }
    }

    /// Removes a pattern.
    pub(super) fn uproot(&mut self, planted: &Planted) {
        for hash in &planted.hashes {
            if let Some(count) = self.windows.get_mut(hash)
                && *count < u16::MAX
            {
                *count -= 1;
                if *count == 0 {
                    self.windows.remove(hash);
                }
            }
        }
        let windows = planted.hashes.len();
        self.change(usize::from(planted.width), windows, |count| {
            count.saturating_sub(1)
        });
    }

    fn change(&mut self, width: usize, windows: usize, change: fn(usize) -> usize) {
        let counts = self.counts.get_mut(width);
        if let Some(count) = counts.and_then(|counts| counts.get_mut(windows)) {
            *count = change(*count);
        }
    }

    /// The parts of `bytes` in or shortly before which windows are.
    pub(super) fn find(&self, key: &Key, bytes: &[u8], left: Left) -> Noticed {
        let mut noticed = Noticed::default();
        let strides = self.strides();
        if strides.contains(&Some(0)) {
            noticed.parts.push(0..bytes.len());
        } else if strides.iter().any(Option::is_some) {
            let search = Search {
                sieve: self,
                key,
                strides,
            };
            search.find(bytes, 0..bytes.len(), LARGE, left, &mut noticed);
        }
        noticed
    }

    /// How far apart windows of each width are looked at; 0 if a pattern has too few letters for one.
    fn strides(&self) -> [Option<usize>; WIDTHS.len()] {
        self.counts.map(|counts| {
            let fewest = counts.iter().position(|count| *count > 0)?;
            Some(if fewest == 0 { 0 } else { 1 << fewest.ilog2() })
        })
    }
}

#[inline]
fn short(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

struct Search<'a> {
    sieve: &'a Sieve,
    key: &'a Key,
    strides: [Option<usize>; WIDTHS.len()],
}

impl Search<'_> {
    /// Looks at `part` of `bytes` in pieces of `size`, and again at those in which something is noticed.
    fn find(
        &self,
        bytes: &[u8],
        part: Range<usize>,
        size: usize,
        left: Left,
        noticed: &mut Noticed,
    ) {
        let (mut at, mut overlap) = (part.start, SPELLED_DEEP);
        while at < part.end {
            let end = part.end.min(at + size);
            let piece = bytes
                .get(at.saturating_sub(overlap)..end)
                .unwrap_or_default();
            let mut is_deep = false;
            let is_noticed = self.notices(piece, left, 0, &mut is_deep);
            if is_noticed && size > SMALL {
                self.find(bytes, at..end, SMALL, left, noticed);
            } else if is_noticed {
                noticed.parts.push(at..end);
            }
            noticed.is_deep |= is_deep;
            overlap = if is_deep { SPELLED_DEEP } else { SPELLED };
            at = end;
        }
    }

    /// Whether a window is in `reading`, or in what it becomes with escapes undone; `depth` of them are.
    fn notices(&self, reading: &[u8], left: Left, depth: usize, is_deep: &mut bool) -> bool {
        *is_deep |= depth > 1;
        if self.scan(reading) {
            return true;
        }
        if let Some(undone) = undone::prefixes(reading)
            && self.scan(&undone)
        {
            return true;
        }
        left.of().iter().any(|escape| {
            let undone = undone::escapes(reading, *escape);
            undone.is_some_and(|undone| {
                self.notices(&undone, left.within(*escape), depth + 1, is_deep)
            })
        })
    }

    /// Whether a window is in `reading` as it is.
    fn scan(&self, reading: &[u8]) -> bool {
        // The letters before a chunk that a window in it can begin with, the chunk, and what is read at once.
        let mut buffer = Zeroizing::new([0; STRETCH + CHUNK + 32]);
        let mut length = 0;
        for chunk in reading.chunks(CHUNK) {
            for byte in chunk {
                let letter = letter(*byte);
                if let Some(place) = buffer.get_mut(length) {
                    *place = letter;
                }
                length += usize::from(letter != 0);
            }
            if self.samples(buffer.as_slice(), length) {
                return true;
            }
            let kept = length.min(STRETCH);
            buffer.copy_within(length - kept..length, 0);
            length = kept;
        }
        false
    }

    fn samples(&self, buffer: &[u8], length: usize) -> bool {
        let widths = WIDTHS.into_iter().zip(self.strides).enumerate();
        let mut is_noticed = false;
        for (index, (width, stride)) in widths {
            if let Some(stride) = stride
                && let Some(count) = (length + 1).checked_sub(width)
            {
                let letters = buffer.get(..count + 31).unwrap_or_default();
                let windows = letters.windows(32).step_by(stride.max(1));
                is_noticed |= if width > 16 {
                    self.any(windows, index, |window| window.begin(width))
                } else {
                    let rest = 128 - width * 8;
                    self.any(windows, index, |window| Window {
                        first: 0,
                        last: window.first >> rest,
                    })
                };
            }
        }
        is_noticed
    }

    #[inline]
    fn any<'a>(
        &self,
        windows: impl Iterator<Item = &'a [u8]>,
        width: usize,
        begin: impl Fn(Window) -> Window,
    ) -> bool {
        let mut is_noticed = false;
        for letters in windows {
            let mut halves = letters.as_chunks::<16>().0.iter();
            let mut half = || u128::from_be_bytes(halves.next().copied().unwrap_or_default());
            let (first, last) = (half(), half());
            let hash = self.key.hash(begin(Window { first, last }), width as u64);
            if self.sieve.filter.may_have(short(hash)) {
                is_noticed |= self.sieve.windows.contains_key(&hash);
            }
        }
        is_noticed
    }
}
