//! A JSON document that a program wrote over several lines, although each message should be one line.

/// The longest document that is put together, in bytes.
const LONGEST: usize = 16 << 20;

/// Puts lines together.
#[derive(Default)]
pub(super) struct Document {
    text: Vec<u8>,
    /// How many objects and arrays are open.
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Document {
    /// Takes a line that is not a message. Returns a document when it is complete, and whether it is this line alone.
    ///
    /// Only a line that begins with `{` begins a document. Any other line is a document of its own.
    pub(super) fn push(&mut self, line: &[u8]) -> Option<(Vec<u8>, bool)> {
        let is_first = self.text.is_empty();
        if is_first && line.trim_ascii_start().first() != Some(&b'{') {
            return Some((line.to_vec(), true));
        }
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        for &byte in line {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.is_in_string => self.is_escaped = true,
                b'"' => self.is_in_string = !self.is_in_string,
                b'{' | b'[' if !self.is_in_string => self.depth += 1,
                b'}' | b']' if !self.is_in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        // No string of JSON continues on the next line.
        self.is_in_string = false;
        self.is_escaped = false;
        if self.depth > 0 && self.text.len() <= LONGEST {
            return None;
        }
        self.depth = 0;
        let text = std::mem::take(&mut self.text);
        (text.len() <= LONGEST).then_some((text, is_first))
    }

    /// Drops what was begun: a whole message came in between.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
