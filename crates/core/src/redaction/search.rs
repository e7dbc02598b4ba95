//! A search through input that comes in parts. What is found does not depend on where it was parted.

use super::Compiled;
use super::decoder::Symbol;
use super::ranges::Ranges;
use super::view::View;

/// How far apart the sieve and the views may be when the one takes over from the other again.
const NEAR: usize = 64;

/// For so many bytes the views go on after what the sieve has noticed, as there is often more.
const LINGER: usize = 4;

/// A search and what it has found.
#[derive(Default)]
pub(super) struct Search {
    pub(super) found: Ranges,
    view: Option<View>,
    /// Where the views are; `None` while the sieve looks.
    position: Option<usize>,
    /// Where the views go on to at least.
    until: usize,
    /// Leaves the sieve out, for tests.
    #[cfg(test)]
    pub(super) is_thorough: bool,
}

impl Search {
    /// Reads on to the end of `bytes`, which begin at `base` of the input and hold everything from
    /// [`open_from`](Self::open_from) on; `is_last` if nothing follows.
    pub(super) fn advance(
        &mut self,
        compiled: &Compiled,
        bytes: &[u8],
        base: usize,
        is_last: bool,
    ) {
        let mut from = 0;
        loop {
            if let Some(position) = self.position {
                match self.read(compiled, bytes, base, position) {
                    Some(open_from) => from = open_from,
                    None => return,
                }
            }
            let known = self.until.saturating_sub(base);
            let sifted = compiled.sieve.find(bytes, from, known, !is_last);
            #[cfg(test)]
            let sifted = if self.is_thorough {
                (from < bytes.len()).then_some((from, usize::MAX / 2))
            } else {
                sifted
            };
            let Some((start, until)) = sifted else {
                return;
            };
            let view = self.view.get_or_insert_with(|| View::new(compiled.escapes));
            view.reset();
            self.position = Some(base + start);
            // Never less than before, so that what is read twice is less than what is read anew.
            self.until = self.until.max(base + until) + LINGER;
        }
    }

    /// Looks through the whole of `bytes`, and forgets what it found before.
    pub(super) fn whole(&mut self, compiled: &Compiled, bytes: &[u8]) {
        self.found.clear();
        self.position = None;
        if self.until > 0
            && let Some(view) = &mut self.view
        {
            view.restart();
        }
        self.until = 0;
        if bytes.len() >= compiled.shortest {
            self.advance(compiled, bytes, 0, true);
            self.finish(compiled);
        }
    }

    /// Whether anything is found in `text`.
    pub(super) fn finds(&mut self, compiled: &Compiled, text: &str) -> bool {
        self.whole(compiled, text.as_bytes());
        !self.found.is_empty()
    }

    /// `text` with markers for what is found in it, if anything is.
    pub(super) fn redacted(&mut self, compiled: &Compiled, text: &str) -> Option<String> {
        self.whole(compiled, text.as_bytes());
        if self.found.is_empty() {
            return None;
        }
        let (mut redacted, mut written) = (String::with_capacity(text.len()), 0);
        for range in self.found.iter() {
            // UTF-16 that is no text of its own can begin or end within a character.
            let start = text.floor_char_boundary(range.start);
            redacted.push_str(text.get(written..start).unwrap_or_default());
            redacted.push_str(compiled.marker(range.value));
            written = text.ceil_char_boundary(range.end);
        }
        redacted.push_str(text.get(written..).unwrap_or_default());
        Some(redacted)
    }

    /// Reads what was held back.
    pub(super) fn finish(&mut self, compiled: &Compiled) {
        if let (Some(_), Some(view)) = (self.position.take(), &mut self.view) {
            view.finish(compiled, &mut self.found);
        }
    }

    /// Where the earliest match can begin that is not yet found, when all before `end` was read.
    pub(super) fn open_from(&self, end: usize) -> usize {
        match (self.position, &self.view) {
            (Some(_), Some(view)) => view.open_from(end),
            _ => end,
        }
    }

    /// Has the views read on from `position`; returns where the sieve can take over, if it can.
    fn read(
        &mut self,
        compiled: &Compiled,
        bytes: &[u8],
        base: usize,
        position: usize,
    ) -> Option<usize> {
        let view = self.view.as_mut()?;
        let rest = bytes
            .get(position.saturating_sub(base)..)
            .unwrap_or_default();
        for (start, byte) in (position..).zip(rest) {
            let end = start + 1;
            let byte = *byte;
            view.push(compiled, Symbol { byte, start, end }, &mut self.found);
            if end >= self.until && view.is_alone() {
                let open_from = view.open_from(end);
                if end - open_from <= NEAR {
                    self.position = None;
                    self.until = end;
                    return Some(open_from - base);
                }
            }
        }
        self.position = Some(base + bytes.len());
        None
    }
}
