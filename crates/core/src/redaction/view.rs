//! One reading of the input, and the views that decode escapes in it: `\"` in `%5C%22` is found two views deep.
//!
//! A view that decodes escapes differs from its parent only around escapes. It sleeps until an escape begins, takes
//! over the parent's state, and sleeps again once nothing pending in it contains an escape: from then on the parent
//! finds the same matches.

use super::alphabet::Alphabet;
use super::decoder::{Decoder, Symbol};
use super::escape::{Escape, Left};
use super::ranges::Ranges;
use super::scanner::Scanner;
use super::table::Table;

/// A reading of the input.
pub(super) struct View {
    scanners: [Scanner; 4],
    unescaped: Vec<Unescaped>,
}

/// The reading in which one kind of escape is undone.
struct Unescaped {
    decoder: Decoder,
    view: Option<Box<View>>,
    left: Left,
    is_awake: bool,
    /// The end of the last decoded escape.
    differs_until: usize,
    /// The view stays awake until here, so that taking over costs no more than the reading that follows.
    awake_until: usize,
}

impl View {
    /// The input as it is, with the views that decode escapes.
    pub(super) fn new(left: Left) -> Self {
        let unescaped = |escape: &Escape| Unescaped {
            decoder: Decoder::new(*escape),
            view: None,
            left: left.within(*escape),
            is_awake: false,
            differs_until: 0,
            awake_until: 0,
        };
        Self {
            scanners: Default::default(),
            unescaped: left.of().iter().map(unescaped).collect(),
        }
    }

    /// Reads one byte, and adds to `found` every match that ends with it.
    pub(super) fn push(&mut self, table: &Table, symbol: Symbol, found: &mut Ranges) {
        if Escape::may_begin_with(symbol.byte) {
            self.wake(symbol, found);
        }
        for unescaped in &mut self.unescaped {
            if unescaped.is_awake {
                unescaped.push(table, symbol, found);
            }
        }
        for (scanner, alphabet) in self.scanners.iter_mut().zip(Alphabet::ALL) {
            scanner.push(alphabet, table, symbol, found);
        }
    }

    /// Reads what was held back.
    pub(super) fn finish(&mut self, table: &Table, found: &mut Ranges) {
        for unescaped in &mut self.unescaped {
            unescaped.finish(table, found);
        }
        for (scanner, alphabet) in self.scanners.iter_mut().zip(Alphabet::ALL) {
            scanner.finish(alphabet, table, found);
        }
    }

    /// The earliest possible start of a match of which a part was read before `now`.
    pub(super) fn open_from(&self, now: usize) -> usize {
        let scanners = self.scanners.iter().map(|scanner| scanner.open_from(now));
        let awake = self.unescaped.iter().filter(|unescaped| unescaped.is_awake);
        let unescaped = awake.map(|unescaped| unescaped.open_from(now));
        scanners.chain(unescaped).fold(now, usize::min)
    }

    /// Whether the next bytes can complete only matches that begin with them.
    pub(super) fn is_idle(&self) -> bool {
        self.is_alone() && !self.scanners.iter().any(Scanner::is_pending)
    }

    /// Whether no escape is being decoded.
    fn is_alone(&self) -> bool {
        !self.unescaped.iter().any(|unescaped| unescaped.is_awake)
    }

    /// Forgets everything, for new input. What decoders held back was read before: see [`finish`](Self::finish).
    pub(super) fn restart(&mut self) {
        self.scanners.iter_mut().for_each(Scanner::reset);
        for unescaped in &mut self.unescaped {
            unescaped.is_awake = false;
            unescaped.differs_until = 0;
            if let Some(view) = &mut unescaped.view {
                view.restart();
            }
        }
    }

    /// Wakes the views for which an escape may begin, before any of them reads it.
    fn wake(&mut self, symbol: Symbol, found: &mut Ranges) {
        for index in 0..self.unescaped.len() {
            let (before, rest) = self.unescaped.split_at_mut(index);
            let Some((unescaped, after)) = rest.split_first_mut() else {
                return;
            };
            let is_new = symbol.start >= unescaped.differs_until && !unescaped.is_awake;
            if is_new && unescaped.decoder.begins_with(symbol.byte) {
                let others = [&*before, &*after];
                // The input before this position differs between the two.
                let begin = unescaped.differs_until;
                let view = unescaped.view();
                let copied = view.take_over(&self.scanners, others, begin);
                found.count(copied);
                unescaped.is_awake = true;
                unescaped.awake_until = symbol.end + copied;
            }
        }
    }

    /// Takes over the state of another view and its child views since `begin`; returns how much was copied, to count
    /// the work.
    ///
    /// The child views matter: in `%26&amp;` the entity follows what only a view of the other kind has read.
    fn take_over(
        &mut self,
        scanners: &[Scanner; 4],
        others: [&[Unescaped]; 2],
        begin: usize,
    ) -> usize {
        let mut copied = 0;
        for (mine, other) in self.scanners.iter_mut().zip(scanners) {
            copied += mine.become_copy_of(other, begin);
        }
        for mine in &mut self.unescaped {
            // Matched by kind: a view at greater depth has fewer children.
            let mut others = others.iter().copied().flatten();
            let other = others.find(|other| other.decoder.escape() == mine.decoder.escape());
            copied += mine.become_copy_of(other, begin);
        }
        copied
    }
}

impl Unescaped {
    /// The view, created when it is first needed.
    fn view(&mut self) -> &mut View {
        let new = || Box::new(View::new(self.left));
        self.view.get_or_insert_with(new)
    }

    fn become_copy_of(&mut self, other: Option<&Self>, begin: usize) -> usize {
        self.is_awake = false;
        let Some(other) = other else {
            return 0;
        };
        self.differs_until = self.differs_until.max(other.differs_until);
        let (true, Some(view)) = (other.is_awake, &other.view) else {
            return 0;
        };
        self.is_awake = true;
        self.awake_until = other.awake_until;
        let held = self.decoder.become_copy_of(&other.decoder);
        let others = [&*view.unescaped, &[]];
        held + self.view().take_over(&view.scanners, others, begin)
    }

    fn push(&mut self, table: &Table, symbol: Symbol, found: &mut Ranges) {
        let Some(view) = &mut self.view else {
            return;
        };
        let differs_until = &mut self.differs_until;
        self.decoder.push(symbol, |symbol, is_escape| {
            if is_escape {
                *differs_until = symbol.end;
            }
            view.push(table, symbol, found);
        });
        self.is_awake = symbol.end < self.awake_until
            || self.decoder.held_from().is_some()
            || !view.is_alone()
            || view.open_from(symbol.end) < self.differs_until;
    }

    fn finish(&mut self, table: &Table, found: &mut Ranges) {
        if let (true, Some(view)) = (self.is_awake, &mut self.view) {
            self.decoder
                .finish(|symbol, _| view.push(table, symbol, found));
            view.finish(table, found);
        }
    }

    fn open_from(&self, now: usize) -> usize {
        let now = self.decoder.held_from().unwrap_or(now);
        self.view.as_ref().map_or(now, |view| view.open_from(now))
    }
}
