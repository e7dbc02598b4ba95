//! Views of objects and arrays that scan the source text on each access instead of building a tree.
//!
//! Of members with the same name the last one counts, as in a Python dictionary.

use std::borrow::Cow;
use std::collections::HashMap;

use super::scanner::{skip_string, skip_value, skip_whitespace};
use super::strings::{self, LoneSurrogate};
use super::value::Value;

/// A JSON object, as a slice of the source text.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "its members may be confidential"
)]
pub struct Object<'a> {
    raw: &'a str,
}

/// One member of an object.
#[derive(Clone)]
#[expect(
    missing_debug_implementations,
    reason = "its value may be confidential"
)]
pub struct Member<'a> {
    /// The decoded name.
    pub name: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Object<'a> {
    pub(super) fn of_checked(raw: &'a str) -> Self {
        Self { raw }
    }

    /// Its source text.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// The value of the member called `name`, in constant memory; the last one if the name is repeated.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        let [value] = self.get_all([name]);
        value
    }

    /// As [`get`](Self::get), for several names in one pass.
    pub fn get_all<const N: usize>(self, names: [&str; N]) -> [Option<Value<'a>>; N] {
        let is_named = |key: &str, name: &str| {
            if key.contains('\\') {
                strings::decode(key).is_ok_and(|decoded| *decoded == name)
            } else {
                key == name
            }
        };
        let mut values = [None; N];
        for (key, value) in self.occurrences() {
            let place = names.iter().position(|name| is_named(key, name));
            if let Some(found) = place.and_then(|place| values.get_mut(place)) {
                *found = Some(value);
            }
        }
        values
    }

    /// Every member once: at the position of its first occurrence, with the value of its last.
    pub fn members(self) -> Result<Vec<Member<'a>>, LoneSurrogate> {
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut places: HashMap<Cow<'a, str>, usize> = HashMap::new();
        for (key, value) in self.occurrences() {
            let name = if key.contains('\\') {
                Cow::Owned(strings::decode(key)?.as_str().to_owned())
            } else {
                Cow::Borrowed(key)
            };
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some(member) => member.value = value,
                None => members.push(Member { name, value }),
            }
        }
        Ok(members)
    }

    /// How many members the text has, repetitions included. Readers disagree about which repetition counts.
    pub fn written_members(self) -> usize {
        self.occurrences().count()
    }

    /// The undecoded name and the value of every member in the text, repetitions included.
    fn occurrences(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let mut walk = Walk::into(self.raw);
        std::iter::from_fn(move || {
            let key = walk.next(skip_string)?;
            let key = key.strip_prefix('"')?.strip_suffix('"')?;
            Some((key, Value::of_checked(walk.next(skip_value)?)))
        })
    }
}

/// A JSON array, as a slice of the source text.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "its elements may be confidential"
)]
pub struct Array<'a> {
    raw: &'a str,
}

impl<'a> Array<'a> {
    pub(super) fn of_checked(raw: &'a str) -> Self {
        Self { raw }
    }

    /// Its source text.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// Its elements in order.
    pub fn elements(self) -> impl Iterator<Item = Value<'a>> {
        let mut walk = Walk::into(self.raw);
        std::iter::from_fn(move || walk.next(skip_value).map(Value::of_checked))
    }
}

/// A position in the text of a checked object or array, after its opening bracket.
struct Walk<'a> {
    raw: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn into(raw: &'a str) -> Self {
        Self { raw, at: 1 }
    }

    /// Reads the next key or value, and the comma or colon after it; `None` at the closing bracket.
    fn next<E>(&mut self, skip: fn(&[u8], usize) -> Result<usize, E>) -> Option<&'a str> {
        let bytes = self.raw.as_bytes();
        let start = skip_whitespace(bytes, self.at);
        let end = skip(bytes, start).ok()?;
        let after = skip_whitespace(bytes, end);
        self.at = after + usize::from(matches!(bytes.get(after), Some(b',' | b':')));
        self.raw.get(start..end)
    }
}
