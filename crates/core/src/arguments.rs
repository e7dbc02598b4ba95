//! The arguments of a tool call: an ordered JSON object whose values keep their spelling.
//!
//! `1.0`, `1e400`, 30-digit integers and space inside nested values come out as they went in.
//! All text lies in one buffer that is zeroised on drop, because any of it may be confidential.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use crate::confidential::{Buffer, Wiped};
use crate::json::{self, Kind, LoneSurrogate, Object, Tree, Value};
use crate::pointer::{ArgumentPath, Found};

/// The arguments of a tool call, as received or completed with secrets.
#[derive(Clone, Default)]
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

    /// The value at a place.
    pub fn at(&self, path: ArgumentPath<'_>) -> Found<'_> {
        let name = path.steps().next().unwrap_or_default();
        path.find(self.raw(&name).map(Value::of_checked))
    }

    /// Whether a value was received: there is one, and it is not null. An empty string is a value.
    pub fn is_received(&self, path: ArgumentPath<'_>) -> bool {
        matches!(self.at(path), Found::Value(value) if !value.is_null())
    }

    /// The JSON text of the argument's value, as it was spelled.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let place = *self.by_name.get(self.place(name).ok()?)?;
        self.members
            .get(place)
            .map(|member| self.slice(&member.value))
    }

    /// The text of the argument of that name, if it is a string without lone surrogates; zeroised on drop.
    pub fn get_text(&self, name: &str) -> Option<Wiped<String>> {
        Value::of_checked(self.raw(name)?).as_text()?.ok()
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| self.slice(&member.name))
    }

    /// As [`insert`](Self::insert), a string.
    pub fn insert_text(&mut self, path: ArgumentPath<'_>, text: &str) -> bool {
        self.insert(path, Value::of_checked(&json::spelled(text)))
    }

    /// Sets the value at a place: in place if there is one, otherwise at the end. Missing objects around it are created
    /// if they are missing or null.
    ///
    /// Returns `false` and changes nothing if the place is blocked.
    pub fn insert(&mut self, path: ArgumentPath<'_>, value: Value<'_>) -> bool {
        let mut steps = path.steps();
        let name = steps.next().unwrap_or_default();
        let inner: Vec<_> = steps.collect();
        if inner.is_empty() {
            self.set(&name, value.raw().as_bytes());
            return true;
        }
        if matches!(self.at(path), Found::Blocked) {
            return false;
        }
        let added: usize = inner
            .iter()
            .map(|step| json::escaped_length(step) + "{:},".len())
            .sum();
        let old = self
            .raw(&name)
            .map_or(Value::of_checked("null"), Value::of_checked);
        let mut written = Wiped::new(Vec::with_capacity(
            old.raw().len() + added + value.raw().len(),
        ));
        let mut tree = Tree::Kept(old);
        if put(&mut tree, &inner, value).is_err() {
            return false;
        }
        tree.write(&mut written);
        self.set(&name, &written);
        true
    }

    /// Removes the value at a place. Its text stays in the buffer until the buffer is wiped.
    pub fn remove(&mut self, path: ArgumentPath<'_>) {
        let mut steps = path.steps();
        let name = steps.next().unwrap_or_default();
        let inner: Vec<_> = steps.collect();
        let Some((last, holders)) = inner.split_last() else {
            self.remove_argument(&name);
            return;
        };
        let Found::Value(_) = self.at(path) else {
            return;
        };
        let old = self.raw(&name).unwrap_or_default();
        let mut written = Wiped::new(Vec::with_capacity(old.len()));
        let mut tree = Tree::Kept(Value::of_checked(old));
        let mut holder = Some(&mut tree);
        for step in holders {
            holder = holder.and_then(|holder| holder.get_mut(step).ok().flatten());
        }
        let Some(Ok(Some(_))) = holder.map(|holder| holder.remove(last)) else {
            return;
        };
        tree.write(&mut written);
        self.set(&name, &written);
    }

    fn remove_argument(&mut self, name: &str) {
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

    /// Sets an argument to a JSON text: in place if it is present, otherwise at the end.
    fn set(&mut self, name: &str, value: &[u8]) {
        let value = self.append(value);
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

/// Sets a value in an object at the path `steps`, which has at least one step.
fn put<'a>(
    tree: &mut Tree<'a>,
    steps: &[Cow<'_, str>],
    value: Value<'a>,
) -> Result<(), LoneSurrogate> {
    let mut holder = tree;
    let Some((last, holders)) = steps.split_last() else {
        return Ok(());
    };
    for step in holders {
        become_object(holder);
        if holder.get_mut(step)?.is_none() {
            holder.set(step, Tree::object())?;
        }
        let Some(inner) = holder.get_mut(step)? else {
            return Ok(());
        };
        holder = inner;
    }
    become_object(holder);
    holder.set(last, Tree::Kept(value))
}

fn become_object(tree: &mut Tree<'_>) {
    if tree.kind() == Kind::Null {
        *tree = Tree::object();
    }
}
