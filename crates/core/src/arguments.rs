//! The arguments of a tool call: an ordered JSON object whose values keep their spelling.
//!
//! `1.0`, `1e400`, 30-digit integers and space inside nested values come out as they went in.
//! All text lies in one buffer that is zeroised on drop, because any of it may be confidential.

#[cfg(test)]
mod tests;

use std::ops::Range;

use zeroize::Zeroizing;

use crate::confidential::Buffer;
use crate::json::{self, LoneSurrogate, Object, Value};

/// The arguments of a tool call, as received or completed with secrets.
#[derive(Default)]
#[expect(
    missing_debug_implementations,
    reason = "arguments may be confidential"
)]
pub struct Arguments {
    text: Buffer,
    members: Vec<Spans>,
    /// Indexes into `members`, ordered by name.
    by_name: Vec<usize>,
}

/// Where in the buffer the decoded name and the spelled value of one argument are.
#[derive(Clone)]
struct Spans {
    name: Range<usize>,
    value: Range<usize>,
}

impl Arguments {
    /// No arguments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies the members of `object`. Of members with the same name, it keeps the last value at the first position.
    ///
    /// A name with a lone surrogate is an error: no argument can have that name.
    pub fn from_object(object: Object<'_>) -> Result<Self, LoneSurrogate> {
        let members = object.members()?;
        let mut arguments = Self::new();
        let length = members
            .iter()
            .map(|member| member.name.len() + member.value.raw().len())
            .sum();
        arguments.text.reserve(length);
        arguments.members.reserve_exact(members.len());
        for member in &members {
            let name = arguments.append(member.name.as_bytes());
            let value = arguments.append(member.value.raw().as_bytes());
            arguments.members.push(Spans { name, value });
        }
        arguments.by_name = (0..arguments.members.len()).collect();
        let mut by_name = std::mem::take(&mut arguments.by_name);
        by_name.sort_unstable_by_key(|place| arguments.name_at(*place));
        arguments.by_name = by_name;
        Ok(arguments)
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether the argument is present, even if it is null.
    pub fn contains(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Whether a value was received: the argument is present and not null. An empty string is a value.
    pub fn is_received(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|raw| raw != "null")
    }

    /// The JSON text of the argument's value, as it was spelled.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let place = *self.by_name.get(self.place(name).ok()?)?;
        self.members
            .get(place)
            .map(|member| self.slice(&member.value))
    }

    /// The argument's text, if it is a string without lone surrogates; zeroised on drop.
    pub fn get_text(&self, name: &str) -> Option<Zeroizing<String>> {
        Value::of_checked(self.raw(name)?).as_text()?.ok()
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| self.slice(&member.name))
    }

    /// Sets the argument to a string: in place if it is present, otherwise at the end.
    pub fn insert_text(&mut self, name: &str, text: &str) {
        let start = self.text.len();
        json::write_string(text, self.text.reserve(json::escaped_length(text)));
        let value = start..self.text.len();
        match self.place(name) {
            Ok(index) => {
                let place = self.by_name.get(index).copied().unwrap_or(usize::MAX);
                if let Some(member) = self.members.get_mut(place) {
                    member.value = value;
                }
            }
            Err(index) => {
                let name = self.append(name.as_bytes());
                self.by_name.insert(index, self.members.len());
                self.members.push(Spans { name, value });
            }
        }
    }

    /// Removes the argument. Its text stays in the buffer until the buffer is wiped.
    pub fn remove(&mut self, name: &str) {
        let Ok(index) = self.place(name) else {
            return;
        };
        let place = self.by_name.remove(index);
        self.members.remove(place);
        for other in &mut self.by_name {
            if *other > place {
                *other -= 1;
            }
        }
    }

    /// Appends the whole object to `out` as JSON. Every value not inserted here is copied byte for byte.
    ///
    /// Reserves the whole size first, so that a buffer that was empty leaves no copy behind.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let cost = |member: &Spans| {
            json::escaped_length(self.slice(&member.name)) + member.value.len() + ",:".len()
        };
        out.reserve("{}".len() + self.members.iter().map(cost).sum::<usize>());
        out.push(b'{');
        for (index, member) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::write_string(self.slice(&member.name), out);
            out.push(b':');
            out.extend_from_slice(self.slice(&member.value).as_bytes());
        }
        out.push(b'}');
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.text.len();
        self.text.extend(bytes);
        start..self.text.len()
    }

    fn slice(&self, range: &Range<usize>) -> &str {
        let bytes = self.text.get(range.clone()).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn name_at(&self, place: usize) -> &[u8] {
        let range = self.members.get(place).map(|member| member.name.clone());
        range
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
    }

    /// Where in `by_name` the name is, or belongs.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.by_name
            .binary_search_by(|place| self.name_at(*place).cmp(name.as_bytes()))
    }
}
