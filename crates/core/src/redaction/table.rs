//! What is known of the values that are looked for: keyed hashes of windows, and fingerprints. The values themselves
//! are not kept, so adding one costs what hashing it costs, and a long one takes no more memory than a short one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::alphabet::Alphabet;
use super::filter::{Filter, Spread};
use super::key::{Key, Window};
use super::ranges::Found;
use super::sieve::{Planted, Sieve};
use super::values::{self, Edge, Form};

/// How many letters a window may have: those of 8 characters of text, or more. In base64 as many take 11 letters, of
/// which 10 hold nothing else, in UTF-16 twice as many. Who knows all but a few letters of a window can try the rest.
pub(super) const WIDTHS: [usize; 8] = [8, 10, 11, 16, 20, 22, 30, 32];

/// How many letters the windows of a pattern have: as many as are safe if there are so many `letters` to choose them from,
/// and some `more`; else those of 8 characters.
pub(super) fn width(form: &Form, letters: usize, more: usize) -> usize {
    let (safe, least, all) = match (form.alphabet, form.is_wide) {
        (Alphabet::Plain | Alphabet::Exact, _) => (16, 8, 8),
        (Alphabet::Base64, false) => (16, 11, 10),
        (Alphabet::Base64, true) => (32, 22, 20),
        (Alphabet::Hexadecimal, false) => (16, 16, 16),
        (Alphabet::Hexadecimal, true) => (32, 32, 30),
    };
    if letters >= safe + more {
        safe
    } else if form.letters.len() >= least {
        least
    } else {
        all
    }
}

/// Windows are chosen among so many of the first letters: what may come before a window must be remembered.
pub(super) const FURTHEST: usize = 96;

/// What a pattern takes here and in [`Windows`], a third of which is empty.
const PATTERN_BYTES: usize = size_of::<Placed>() + size_of::<(u64, Pattern)>() * 3 / 2;

/// How many patterns may have the same window, so that none makes a search slow.
const MOST_ALIKE: u64 = 8;

/// Where the patterns are in the counts of [`Windows`].
fn number(alphabet: Alphabet) -> usize {
    match alphabet {
        Alphabet::Plain => 0,
        Alphabet::Hexadecimal => 1,
        Alphabet::Base64 => 2,
        Alphabet::Exact => 3,
    }
}

/// What one window stands for.
#[derive(Clone, Copy)]
pub(super) struct Pattern {
    pub(super) fingerprint: u64,
    /// See [`Key::power`], of all letters.
    pub(super) power: u64,
    pub(super) found: Found,
    pub(super) letters: u32,
    /// How many of the letters stand before the end of the window.
    pub(super) before: u32,
    /// Whether white space may stand between the letters.
    pub(super) is_spaced: bool,
    pub(super) lead: Edge,
    pub(super) tail: Edge,
}

/// The patterns by the hash of their window.
#[derive(Default)]
pub(super) struct Windows {
    filter: Filter,
    patterns: HashMap<u64, Pattern, Spread>,
    /// How many patterns have a window of that width, in each alphabet.
    widths: [[usize; WIDTHS.len()]; 4],
    /// Which of them have any, as bits.
    used: [u8; 4],
    reaches: [usize; 4],
}

impl Windows {
    /// Of which widths windows are, a bit for each of [`WIDTHS`].
    #[inline]
    pub(super) fn widths(&self, alphabet: Alphabet) -> u8 {
        let used = self.used.get(number(alphabet));
        used.copied().unwrap_or_default()
    }

    /// How many letters before the end of a window can belong to a match.
    pub(super) fn reach(&self, alphabet: Alphabet) -> usize {
        self.reaches
            .get(number(alphabet))
            .copied()
            .unwrap_or_default()
    }

    /// The patterns that have that window.
    #[inline]
    pub(super) fn of(&self, hash: u64) -> impl Iterator<Item = &Pattern> {
        let may_be = self.filter.may_have(short(hash));
        let slots = slots(hash).take_while(move |_| may_be);
        slots.map_while(|slot| self.patterns.get(&slot))
    }

    /// Adds a pattern by the hash of its window, which `alone` stands for: where too many share it, it is replaced
    /// wherever it stands.
    fn add(&mut self, hash: u64, pattern: Pattern, alone: Pattern) {
        let Some(slot) = slots(hash).find(|slot| !self.patterns.contains_key(slot)) else {
            return;
        };
        let is_last = slot % MOST_ALIKE == MOST_ALIKE - 1;
        let pattern = if is_last { alone } else { pattern };
        self.patterns.insert(slot, pattern);
        self.filter.add(short(hash));
        if self.filter.is_full() {
            self.filter = Filter::of(self.patterns.keys().map(|slot| short(*slot)));
        }
    }

    fn count(&mut self, alphabet: Alphabet, width: u8, change: fn(usize) -> usize) {
        let index = WIDTHS.iter().position(|other| *other == usize::from(width));
        let counts = self.widths.get_mut(number(alphabet));
        let used = self.used.get_mut(number(alphabet));
        if let (Some(counts), Some(used)) = (counts, used)
            && let Some(count) = index.and_then(|index| counts.get_mut(index))
        {
            *count = change(*count);
            let bits = counts.iter().rev();
            *used = bits.fold(0, |used, count| used << 1 | u8::from(*count > 0));
        }
    }

    fn extend(&mut self, alphabet: Alphabet, reach: usize) {
        if let Some(old) = self.reaches.get_mut(number(alphabet)) {
            *old = reach.max(*old);
        }
    }

    fn is_crowded(&self, hash: u64) -> bool {
        self.patterns.contains_key(&(hash | (MOST_ALIKE - 2)))
    }

    fn remove(&mut self, hash: u64, id: u64) {
        let used: Vec<u64> = slots(hash)
            .take_while(|slot| self.patterns.contains_key(slot))
            .collect();
        let is_mine = |slot: &&u64| {
            let pattern = self.patterns.get(slot);
            pattern.is_some_and(|pattern| pattern.found.id == id)
        };
        if let (Some(mine), Some(last)) = (used.iter().find(is_mine), used.last())
            && let Some(pattern) = self.patterns.remove(last)
            && mine != last
        {
            // None may be behind a gap.
            self.patterns.insert(*mine, pattern);
        }
    }
}

/// Where the patterns may be that have a window with that hash.
fn slots(hash: u64) -> impl Iterator<Item = u64> {
    (0..MOST_ALIKE).map(move |more| hash & !(MOST_ALIKE - 1) | more)
}

fn short(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

/// Values to look for. Each is known by a number, in the order in which they were added.
pub(super) struct Table {
    pub(super) key: Key,
    pub(super) sieve: Sieve,
    pub(super) windows: Windows,
    values: BTreeMap<u64, Value>,
    /// The memory that they take.
    bytes: usize,
    next: u64,
    /// How many patterns have white space between their letters, and before them.
    spaced: usize,
    led_by_spaces: usize,
}

/// A value that was added, and what must be known to remove it.
struct Value {
    name: String,
    patterns: Vec<Placed>,
    bytes: usize,
}

struct Placed {
    planted: Planted,
    window: u64,
    alphabet: Alphabet,
    width: u8,
    is_spaced: bool,
    has_leading_spaces: bool,
}

impl Table {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            sieve: Sieve::default(),
            windows: Windows::default(),
            values: BTreeMap::new(),
            bytes: 0,
            next: 0,
            spaced: 0,
            led_by_spaces: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn name(&self, id: u64) -> Option<&str> {
        self.values.get(&id).map(|value| &*value.name)
    }

    pub(super) fn has_spaces(&self) -> bool {
        self.spaced > 0
    }

    pub(super) fn has_leading_spaces(&self) -> bool {
        self.led_by_spaces > 0
    }

    /// Adds a value, and returns its number and how much memory it takes; `None` if it is too short to be looked for.
    pub(super) fn add(&mut self, name: &str, value: &str) -> Option<(u64, usize)> {
        let id = self.next;
        let mut patterns = Vec::new();
        for part in values::known(value) {
            let length = Reverse(u32::try_from(part.text.len()).unwrap_or(u32::MAX));
            for form in values::forms(&part) {
                patterns.extend(self.place(&form, Found { length, id }));
            }
        }
        if patterns.is_empty() {
            return None;
        }
        patterns.shrink_to_fit();
        let hashes = patterns.iter().map(|placed| placed.planted.bytes());
        let bytes = hashes.sum::<usize>() + patterns.len() * PATTERN_BYTES + name.len() + 96;
        let name = name.to_owned();
        let value = Value {
            name,
            patterns,
            bytes,
        };
        self.bytes += bytes;
        self.values.insert(id, value);
        self.next += 1;
        Some((id, bytes))
    }

    pub(super) fn remove(&mut self, id: u64) {
        let Some(value) = self.values.remove(&id) else {
            return;
        };
        self.bytes -= value.bytes;
        for placed in value.patterns {
            self.sieve.uproot(&placed.planted);
            self.windows.remove(placed.window, id);
            self.windows.count(placed.alphabet, placed.width, |count| {
                count.saturating_sub(1)
            });
            self.spaced -= usize::from(placed.is_spaced);
            self.led_by_spaces -= usize::from(placed.has_leading_spaces);
        }
    }

    /// Memory in bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[inline]
    pub(super) fn window_hash(&self, alphabet: Alphabet, width: usize, window: Window) -> u64 {
        self.key
            .hash(window.end(width), (number(alphabet) << 6 | width) as u64)
    }

    fn place(&mut self, form: &Form, found: Found) -> Option<Placed> {
        let letters = &form.letters;
        let width = width(form, letters.len().saturating_sub(form.public), 0);
        let first = letters.get(..FURTHEST).unwrap_or(letters);
        let starts = choose(first, form.public, width);
        let hash = |start: &usize| {
            let window = letters.get(*start..start + width);
            let window = Window::of(window.unwrap_or_default());
            self.window_hash(form.alphabet, width, window)
        };
        let free = starts
            .iter()
            .find(|start| !self.windows.is_crowded(hash(start)));
        let start = *free.or(starts.first())?;
        let window = hash(&start);
        let count = |letters: usize| u32::try_from(letters).unwrap_or(u32::MAX);
        let pattern = Pattern {
            fingerprint: self.key.fingerprint(letters),
            power: self.key.power(letters.len()),
            found,
            letters: count(letters.len()),
            before: count(start + width),
            is_spaced: form.is_spaced,
            lead: form.lead,
            tail: form.tail,
        };
        let alone = letters.get(start..start + width).unwrap_or_default();
        let alone = Pattern {
            fingerprint: self.key.fingerprint(alone),
            power: self.key.power(width),
            letters: count(width),
            before: count(width),
            ..pattern
        };
        self.windows.add(window, pattern, alone);
        self.windows.extend(
            form.alphabet,
            start + width + usize::from(form.lead == Edge::Letter),
        );
        let width = u8::try_from(width).unwrap_or_default();
        self.windows.count(form.alphabet, width, |count| count + 1);
        let is_spaced = form.is_spaced && form.alphabet == Alphabet::Plain;
        self.spaced += usize::from(is_spaced);
        let has_leading_spaces = matches!(form.lead, Edge::Spaces(_));
        self.led_by_spaces += usize::from(has_leading_spaces);
        Some(Placed {
            planted: self.sieve.plant(&self.key, form),
            window,
            alphabet: form.alphabet,
            width,
            is_spaced,
            has_leading_spaces,
        })
    }
}

/// Where windows of that width may begin, the best first: behind what is public, where letters are most mixed.
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

/// How many letters differ, and how often one of another class follows.
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
