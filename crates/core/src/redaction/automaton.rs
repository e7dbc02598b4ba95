//! Finds many patterns at once, byte by byte (Aho and Corasick 1975): linear whatever the input.
//!
//! Of our own because the nodes spell the values, so they are overwritten when dropped, and because a search that
//! spans chunks has to know how much of a pattern it is in ([`Automaton::depth`]).

use zeroize::{Zeroize, Zeroizing};

/// The state before anything was read.
pub(super) const ROOT: u32 = 0;

const NOTHING: u32 = u32::MAX;

/// What is looked for, in the letters of one reading.
pub(super) struct Pattern {
    pub(super) letters: Zeroizing<Vec<u8>>,
    /// The number of the value it stands for.
    pub(super) value: usize,
    /// Whether the letter before it holds bits of the value too.
    pub(super) is_led: bool,
    /// Whether the letter after it does.
    pub(super) is_trailed: bool,
}

/// What ends in a state.
#[derive(Clone, Copy)]
pub(super) struct Hit {
    /// How many letters the longest pattern has, which holds all others that end here.
    pub(super) length: usize,
    /// The smallest number of a value that ends here.
    pub(super) value: usize,
    pub(super) is_led: bool,
    pub(super) is_trailed: bool,
}

/// One prefix of a pattern. The children of a node follow each other, ordered by letter.
#[derive(Clone, Copy, Zeroize)]
struct Node {
    first_child: u32,
    /// The longest proper suffix of this prefix that is a prefix too.
    suffix: u32,
    depth: u32,
    hit: u32,
    children: u16,
    letter: u8,
}

/// The patterns, compiled: 20 bytes per letter.
pub(super) struct Automaton {
    nodes: Vec<Node>,
    hits: Vec<Hit>,
    after_root: Box<[u32; 256]>,
}

impl Drop for Automaton {
    fn drop(&mut self) {
        self.nodes.zeroize();
        self.after_root.zeroize();
    }
}

impl Automaton {
    pub(super) fn new(mut patterns: Vec<Pattern>) -> Self {
        patterns.sort_by(|a, b| (&*a.letters, a.value).cmp(&(&*b.letters, b.value)));
        patterns.dedup_by(|later, first| later.letters == first.letters);
        let letters: usize = patterns.iter().map(|pattern| pattern.letters.len()).sum();
        let mut automaton = Self {
            nodes: Vec::with_capacity(letters + 1),
            hits: Vec::new(),
            after_root: Box::new([ROOT; 256]),
        };
        automaton.nodes.push(Node::new(0, 0, ROOT));
        automaton.grow(&patterns);
        let root = automaton.children(ROOT).iter().map(|node| node.letter);
        let mut after_root = Box::new([ROOT; 256]);
        for (index, letter) in (automaton.first_child(ROOT)..).zip(root) {
            if let Some(next) = after_root.get_mut(usize::from(letter)) {
                *next = index;
            }
        }
        automaton.after_root = after_root;
        automaton
    }

    /// The state after one more byte; at most as many steps as bytes were read, over the whole input.
    pub(super) fn next(&self, mut state: u32, letter: u8) -> u32 {
        while state != ROOT {
            if let Some(next) = self.child(state, letter) {
                return next;
            }
            state = self.suffix(state);
        }
        let next = self.after_root.get(usize::from(letter));
        next.copied().unwrap_or(ROOT)
    }

    /// The state without some of the first letters, as few as can be.
    pub(super) fn suffix(&self, state: u32) -> u32 {
        self.node(state).map_or(ROOT, |node| node.suffix)
    }

    /// How many of the last letters are the begin of a pattern.
    pub(super) fn depth(&self, state: u32) -> usize {
        self.node(state).map_or(0, |node| node.depth as usize)
    }

    /// The patterns that end with the last letter, as one.
    pub(super) fn hit(&self, state: u32) -> Option<Hit> {
        let hit = self.node(state)?.hit;
        self.hits.get(hit as usize).copied()
    }

    /// Adds the nodes, the shorter prefixes first; `patterns` are ordered and differ.
    fn grow(&mut self, patterns: &[Pattern]) {
        // For each node the patterns that begin with it.
        let mut under = Vec::with_capacity(self.nodes.capacity());
        under.push(patterns);
        let mut parent = 0;
        while let (Some(mine), Some(node)) = (under.get(parent).copied(), self.nodes.get(parent)) {
            let (depth, suffix) = (node.depth as usize, node.suffix);
            let mine = self.end_at(parent, depth, suffix, mine);
            let first_child = count(self.nodes.len());
            let letter_of = |pattern: &Pattern| pattern.letters.get(depth).copied();
            let groups = mine.chunk_by(|a, b| letter_of(a) == letter_of(b));
            for group in groups {
                let Some(letter) = group.first().and_then(letter_of) else {
                    continue;
                };
                let suffix = if parent == 0 {
                    ROOT
                } else {
                    self.descend(suffix, letter)
                };
                self.nodes.push(Node::new(letter, depth + 1, suffix));
                under.push(group);
            }
            let children = count(self.nodes.len()) - first_child;
            if let Some(node) = self.nodes.get_mut(parent) {
                node.first_child = first_child;
                node.children = u16::try_from(children).unwrap_or(u16::MAX);
            }
            parent += 1;
        }
    }

    /// Notes what ends at the node, and returns the patterns that go on.
    fn end_at<'p>(
        &mut self,
        index: usize,
        depth: usize,
        suffix: u32,
        patterns: &'p [Pattern],
    ) -> &'p [Pattern] {
        let inherited = self.node(suffix).map_or(NOTHING, |node| node.hit);
        let (mut hit, mut rest) = (inherited, patterns);
        if let Some((pattern, others)) = patterns.split_first()
            && pattern.letters.len() == depth
            && depth > 0
        {
            let shorter = self.hits.get(inherited as usize);
            let value = shorter.map_or(pattern.value, |hit| hit.value.min(pattern.value));
            let is_trailed = pattern.is_trailed || shorter.is_some_and(|hit| hit.is_trailed);
            hit = count(self.hits.len());
            self.hits.push(Hit {
                length: depth,
                value,
                is_led: pattern.is_led,
                is_trailed,
            });
            rest = others;
        }
        if let Some(node) = self.nodes.get_mut(index) {
            node.hit = hit;
        }
        rest
    }

    /// As [`next`](Self::next), while the nodes are made.
    fn descend(&self, mut state: u32, letter: u8) -> u32 {
        loop {
            if let Some(next) = self.child(state, letter) {
                return next;
            }
            if state == ROOT {
                return ROOT;
            }
            state = self.suffix(state);
        }
    }

    fn node(&self, state: u32) -> Option<&Node> {
        self.nodes.get(state as usize)
    }

    fn first_child(&self, state: u32) -> u32 {
        self.node(state).map_or(ROOT, |node| node.first_child)
    }

    fn children(&self, state: u32) -> &[Node] {
        let first = self.first_child(state) as usize;
        let children = self.node(state).map_or(0, |node| node.children);
        let range = first..first + usize::from(children);
        self.nodes.get(range).unwrap_or_default()
    }

    fn child(&self, state: u32, letter: u8) -> Option<u32> {
        let index = match self.children(state) {
            [] => None,
            [only] => (only.letter == letter).then_some(0),
            several => several
                .binary_search_by_key(&letter, |node| node.letter)
                .ok(),
        };
        Some(self.first_child(state) + count(index?))
    }
}

impl Node {
    fn new(letter: u8, depth: usize, suffix: u32) -> Self {
        Self {
            first_child: ROOT,
            suffix,
            depth: count(depth),
            hit: NOTHING,
            children: 0,
            letter,
        }
    }
}

/// An index of a node; there are never 2³² of them, as that would take 80 GiB.
fn count(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
